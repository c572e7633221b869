//! Which model serves: a pointer file that promotion replaces.

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::storage::{self, DataDir};

/// The model that `classify` uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Champion {
    /// Its artifact.
    pub artifact: String,
    /// The candidate that it was.
    pub candidate: String,
    /// Its macro-F1 when it was promoted.
    pub macro_f1: f64,
    /// When, in seconds since 1970.
    pub promoted_at: u64,
}

impl Champion {
    /// The champion of a data directory; none before the first promotion.
    ///
    /// # Errors
    /// When the pointer file is damaged.
    pub fn read(data: &DataDir) -> Result<Option<Self>, LearningError> {
        let path = data.champion();
        if path.is_file() { storage::read_json(&path).map(Some) } else { Ok(None) }
    }

    /// Lets `classify` use it from now on.
    ///
    /// # Errors
    /// When the pointer file cannot be written.
    pub fn write(&self, data: &DataDir) -> Result<(), LearningError> {
        storage::write_json(&data.champion(), self)
    }
}
