//! Values that cross the database: JSON text that has been checked against what `jsonb` can hold.

use std::{fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

mod check;

/// The largest input of a run, in bytes.
pub const INPUT_MAX: usize = 4 << 20;

/// JSON text, cheap to clone. Whatever a run stores or reads is one of these.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

/// Why a value cannot cross the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The value holds something that `jsonb` or JSON cannot.
    #[error("{path}: {problem}")]
    Unstorable {
        /// Where, as in `items[3].score`.
        path: String,
        /// What, and what to do instead.
        problem: String,
    },
    /// The stored text is not a value of the type that reads it.
    #[error("{path}: {problem}")]
    Mismatch {
        /// Where, as in `items[3].score`.
        path: String,
        /// serde's words.
        problem: String,
    },
}

impl Json {
    /// The JSON `null`.
    pub fn null() -> Self {
        Self(Arc::from("null"))
    }

    /// Takes text that is known to be JSON, as Postgres returns it.
    pub fn from_trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// [`PayloadError::Unstorable`] for NaN and infinities, integers beyond 64 bits, NUL characters in strings
    /// (`jsonb` refuses them), and whatever the value's own `Serialize` refuses.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, PayloadError> {
        check::storable(value)?;
        let text = serde_json::to_string(value)
            .map_err(|e| PayloadError::Unstorable { path: ".".into(), problem: e.to_string() })?;
        Ok(Self(text.into()))
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`PayloadError::Mismatch`] with the path of the first field that does not fit.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        let mut reader = serde_json::Deserializer::from_str(&self.0);
        serde_path_to_error::deserialize(&mut reader).map_err(|e| PayloadError::Mismatch {
            path: e.path().to_string(),
            problem: e.inner().to_string(),
        })
    }

    /// The member `name` of an object, for workflows with several inputs.
    pub fn member(&self, name: &str) -> Option<Self> {
        let mut object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&self.0).ok()?;
        object.remove(name).map(|v| Self(v.to_string().into()))
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
