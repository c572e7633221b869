//! How a step or a run ended when it did not end well; what the database keeps of an error.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::payload::Json;

/// Why a step or a run did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The id of the step, or `body` for pure code of the workflow.
    pub step: String,
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// The error's own text.
    pub message: String,
    /// The texts of the error's sources, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The error itself as JSON text, where its type is serialisable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Whether another attempt may help.
    #[serde(default)]
    pub retryable: bool,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The step returned its error.
    Failed,
    /// The step's timeout ran out, or the run's deadline passed.
    TimedOut,
    /// The step panicked.
    Panicked,
    /// Every worker that ran the step died.
    Lost,
    /// Pure code of the workflow's body failed.
    Body,
    /// The run was cancelled.
    Cancelled,
}

impl Failure {
    /// A failure without sources or data. Only [`FailureKind::Failed`], [`FailureKind::TimedOut`] and
    /// [`FailureKind::Panicked`] are worth another attempt.
    pub fn new(step: impl Into<String>, kind: FailureKind, message: impl Into<String>) -> Self {
        let retryable =
            matches!(kind, FailureKind::Failed | FailureKind::TimedOut | FailureKind::Panicked);
        Self {
            step: step.into(),
            kind,
            message: message.into(),
            sources: Vec::new(),
            data: None,
            retryable,
        }
    }

    /// This failure, not worth another attempt.
    #[must_use]
    pub fn fatal(self) -> Self {
        Self { retryable: false, ..self }
    }

    /// The error itself, where its type is serialisable and `E` reads it.
    pub fn decode<E: serde::de::DeserializeOwned>(&self) -> Option<E> {
        Json::from_trusted(self.data.as_deref()?).decode().ok()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
