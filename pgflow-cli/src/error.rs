//! Why a command did not do what it was asked.

use std::{error::Error, path::PathBuf};

use pgflow_core::{
    client::{ActionError, MigrationError, NamedStartError, OpenError, RetryError, StartError},
    otlp::OtlpError,
    store::{StoreError, alert::AlertRulesError},
    worker::WorkerError,
};

use crate::exit::Exit;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Action(#[from] ActionError),
    #[error(transparent)]
    Retry(#[from] RetryError),
    #[error(transparent)]
    Start(#[from] NamedStartError),
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error(transparent)]
    Worker(#[from] WorkerError),
    #[error(transparent)]
    Otlp(#[from] OtlpError),
    #[error(transparent)]
    Alerts(#[from] AlertRulesError),
    #[error("there is no run {0}; `list` shows those that there are")]
    NoRun(i64),
    #[error("queue `{queue}` has no message {id}; it was never sent, or another reader deleted it")]
    NoMessage { queue: String, id: i64 },
    #[error("no run was started under the key `{0}`; `list` shows the keys that there are")]
    NoKey(String),
    #[error("runs of several workflows have the key `{key}`; name one by its id: {runs}")]
    Ambiguous { key: String, runs: String },
    #[error("there is no workflow `{name}`; there are {known}")]
    NoWorkflow { name: String, known: String },
    #[error("this program links no workflows; run this command of a binary that does")]
    NothingLinked,
    #[error(
        "this program links no workflows that the runs under way could be checked against; run this command of the binary that is to be deployed, or compare two stored versions with `migrate WORKFLOW FROM TO --dry-run`"
    )]
    NothingToCheck,
    #[error("there is no context `{name}` in `{path}`; there are {known}")]
    NoContext { name: String, path: PathBuf, known: String },
    #[error("there are several contexts; say with --context which of them this goes to: {0}")]
    WhichContext(String),
    #[error("this goes to `{0}`, which is protected; confirm it with --yes-to {0}")]
    Protected(String),
    #[error("--yes-to names `{meant}`, and this goes to {name}; name the context that is meant")]
    OtherContext { meant: String, name: String },
    #[error(
        "`{path}`, line {line}: {problem}; a context is written [staging] with a line database = \"postgres://…\" below it"
    )]
    Contexts { path: PathBuf, line: usize, problem: String },
    #[error("{0}; confirm it with --yes")]
    Unconfirmed(String),
    #[error("`{path}` cannot be read: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("`{path}` cannot be written: {source}")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("`{text}` is not JSON: {problem}; a text has double quotes, as in '\"text\"'")]
    Argument { text: String, problem: serde_json::Error },
    #[error("`{path}` is not JSON: {problem}; a text has double quotes, as in '\"text\"'")]
    NoJson { path: PathBuf, problem: serde_json::Error },
    #[cfg(feature = "metrics")]
    #[error(transparent)]
    Endpoint(#[from] crate::endpoint::EndpointError),
    #[error("the system does not hear signals")]
    Signals(#[source] std::io::Error),
}

impl CliError {
    pub fn exit(&self) -> Exit {
        match self {
            Self::Argument { .. } => Exit::Wrong,
            Self::NoRun(_)
            | Self::NoMessage { .. }
            | Self::NoKey(_)
            | Self::NoWorkflow { .. }
            | Self::NoContext { .. }
            | Self::Action(ActionError::Unknown(_) | ActionError::NoSuchSignal { .. })
            | Self::Retry(RetryError::Unknown(_) | RetryError::NoSuchNode { .. })
            | Self::Start(NamedStartError::Unknown { .. })
            | Self::Migration(MigrationError::Unknown { .. }) => Exit::NotThere,
            Self::Action(ActionError::Store(_))
            | Self::Retry(RetryError::Store(_))
            | Self::Migration(MigrationError::Store(_))
            | Self::Start(NamedStartError::Start(StartError::Store(_))) => Exit::Error,
            Self::Action(_)
            | Self::Retry(_)
            | Self::Start(_)
            | Self::Migration(_)
            | Self::Ambiguous { .. }
            | Self::NothingLinked
            | Self::NothingToCheck
            | Self::WhichContext(_)
            | Self::Protected(_)
            | Self::OtherContext { .. }
            | Self::Unconfirmed(_) => Exit::Refused,
            _ => Exit::Error,
        }
    }
}

/// Says what went wrong, and why, on standard error.
pub(crate) fn tell(error: &CliError) {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(source) = cause {
        eprintln!("  because: {source}");
        cause = source.source();
    }
}
