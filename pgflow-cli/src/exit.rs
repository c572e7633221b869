//! What a command ends with.

use std::process::ExitCode;

/// How a command ended; most wrong arguments end with 2 before there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what it was asked, or that had been done before.
    Done = 0,
    /// The database is not there, a file cannot be read or is not JSON, or a statement failed.
    Error = 1,
    /// An argument that should be JSON is not.
    Wrong = 2,
    /// There is no such run, workflow, version, node, signal, message or context.
    NotThere = 3,
    /// What was asked makes no sense for this run now, or was not confirmed.
    Refused = 4,
    /// The doctor found a fault, or the awaited run did not complete.
    Found = 5,
    /// Runs under way need the old version of their workflow: `check` found them, or `migrate` left them there.
    NeedsOld = 6,
    /// Stopped by a second signal before it was done.
    Stopped = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
