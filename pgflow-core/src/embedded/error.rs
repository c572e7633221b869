//! What can go wrong with the private server, and what to do about it.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
};

const INSTALL: &str = "install it (Debian, Ubuntu: `apt-get install postgresql`; Fedora: `dnf install \
    postgresql-server`; Alpine: `apk add postgresql`; macOS: `brew install postgresql@17`), or set \
    `PGFLOW_POSTGRES_BIN` to the directory that holds `initdb`, or set `DATABASE_URL` to a database of yours";

/// Why the private server cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// None of the usual places holds the programs of Postgres.
    #[error("no PostgreSQL 14 to 18 found; {}", INSTALL)]
    NotInstalled,
    /// `PGFLOW_POSTGRES_BIN` names a directory without the programs.
    #[error("`{}` holds no `initdb`, `pg_ctl` and `postgres`; {}", .0.display(), INSTALL)]
    NoPrograms(PathBuf),
    /// The only Postgres found is too old, or newer than what was tested.
    #[error(
        "`{}` is PostgreSQL `{version}`, which is not supported; install one of 14 to 18, or set `DATABASE_URL`",
        directory.display()
    )]
    Unsupported {
        /// Where it was found.
        directory: PathBuf,
        /// What it says of itself.
        version: String,
    },
    /// The system does not tell which user this process acts as.
    #[error("cannot tell the user of this process; set `DATABASE_URL`")]
    NoUser(#[source] io::Error),
    /// There is no place for the data.
    #[error("no home directory to keep the data in; set `PGFLOW_DATA_DIR`, or `DATABASE_URL`")]
    NoHome,
    /// As root: there is no user to run the server as.
    #[error("postgres does not run as root and there is no user `postgres` or `nobody`; add one")]
    NoAccount,
    /// The directory for the socket belongs to somebody else.
    #[error("`{}` belongs to another user; remove it, or set `PGFLOW_DATA_DIR` to a shorter path", .0.display())]
    ForeignDirectory(PathBuf),
    /// A file or directory could not be used.
    #[error("cannot {action} `{}`; set `PGFLOW_DATA_DIR` to a directory that can be written", path.display())]
    File {
        /// What was to be done with it.
        action: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A program of Postgres could not be run.
    #[error("cannot run `{}`; check that it may be executed", program.display())]
    Program {
        /// Which one.
        program: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The data directory could not be made.
    #[error("`initdb` failed for `{}`; {hint}\n{output}", data.display())]
    NotInitialised {
        /// The data directory.
        data: PathBuf,
        /// What to do about it.
        hint: &'static str,
        /// What `initdb` said.
        output: String,
    },
    /// The server did not start.
    #[error("the private postgres in `{}` did not start; {hint}\n{log}", data.display())]
    NotStarted {
        /// The data directory.
        data: PathBuf,
        /// What to do about it.
        hint: &'static str,
        /// The last lines of its log.
        log: String,
    },
    /// The server did not stop.
    #[error("the private postgres in `{}` did not stop; end it with `pg_ctl stop`\n{output}", data.display())]
    NotStopped {
        /// The data directory.
        data: PathBuf,
        /// What `pg_ctl` said.
        output: String,
    },
    /// The server runs and does not take connections.
    #[error(
        "the private postgres runs but takes no connections; see the log in its data directory"
    )]
    NoAnswer,
    /// A database name that Postgres would cut or refuse.
    #[error("`{0}` is not a database name; use 1 to 63 bytes without NUL")]
    DatabaseName(String),
    /// A statement about a database failed.
    #[error("cannot {action} database `{name}`; see the cause")]
    Database {
        /// What was to be done with it.
        action: &'static str,
        /// Which one.
        name: String,
        /// What Postgres said.
        source: sqlx::Error,
    },
    /// The closure that prepares a template failed.
    #[error("template database `{name}` could not be prepared; see the cause")]
    Template {
        /// Which one.
        name: String,
        /// What the closure returned.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The runtime was shut down meanwhile.
    #[error("the runtime ended while the private postgres started; keep it until the call returns")]
    Interrupted,
}

impl EmbeddedError {
    pub(super) fn file(
        action: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::File { action, path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_installed_names_every_system_and_the_way_out() {
        let text = EmbeddedError::NotInstalled.to_string();
        for word in ["Debian", "Fedora", "Alpine", "macOS", "PGFLOW_POSTGRES_BIN", "DATABASE_URL"] {
            assert!(text.contains(word), "`{word}` is missing from: {text}");
        }
    }
}
