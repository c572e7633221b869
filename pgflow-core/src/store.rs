//! All SQL. Functions here take a connection from their caller and return domain types; the statements stand in `sql/`
//! and `migrations/`.

pub mod act;
pub mod alert;
pub mod audit;
pub mod backlog;
pub mod cache;
pub mod claim;
pub mod clock;
pub mod connect;
mod connection;
pub mod death;
pub mod end;
pub mod flush;
pub mod health;
pub mod load;
pub mod log;
pub mod look;
pub mod migrate;
pub mod queue;
pub mod read;
pub mod register;
pub mod repeat;
pub mod schedule;
pub mod spans;
pub mod stamp;
pub mod start;
pub mod stats;
pub mod upkeep;
pub mod versions;
pub mod why;

use std::{fmt, sync::OnceLock, time::Duration};

pub use connection::Connection;
use serde::{Deserialize, Serialize};
use sqlx::{Row, postgres::PgRow};

/// The id of a run, unique in its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The key of a token: its run, the number of the node that gave birth to it, the element of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenKey {
    /// The run.
    pub run: RunId,
    /// The number of the node where the token was born.
    pub lane: i16,
    /// 0, or the element of a map from 1, or −1 for its gather.
    pub elem: i32,
}

/// A slot of a pool that a token holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldSlot {
    /// The pool.
    pub pool: i32,
    /// The row.
    pub n: i32,
    /// The token that holds it.
    pub key: TokenKey,
    /// The epoch at which the token was claimed.
    pub epoch: i32,
}

/// A statement that did not go through.
#[derive(Debug, thiserror::Error)]
#[error("the database did not {operation}{}", remedy(source))]
pub struct StoreError {
    /// What was attempted, as a verb phrase.
    pub operation: &'static str,
    /// The driver's error.
    pub source: sqlx::Error,
}

/// What to do about an error that says it of itself.
fn remedy(error: &sqlx::Error) -> &'static str {
    match error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() {
        Some("25006") => ": it is read-only, as a standby is; connect to the primary",
        _ => "",
    }
}

impl StoreError {
    /// Whether the database refuses what the statement says, so that repeating it is of no use: bad data (22), a broken
    /// constraint (23), a limit of Postgres (54), or a value that the driver cannot send. Anything else may pass.
    pub fn is_refusal(&self) -> bool {
        match &self.source {
            sqlx::Error::Database(e) => {
                e.code().is_some_and(|code| ["22", "23", "54"].iter().any(|c| code.starts_with(c)))
            }
            sqlx::Error::Encode(_) => true,
            _ => false,
        }
    }

    /// Whether an earlier error has broken the transaction (25P02), so that nothing of it can commit.
    pub fn is_aborted_transaction(&self) -> bool {
        let code = self.source.as_database_error().and_then(sqlx::error::DatabaseError::code);
        code.as_deref() == Some("25P02")
    }
}

/// How long a statement may go unanswered: longer than the server's own limit, for connections that are dead without
/// either side knowing.
const UNANSWERED: Duration = Duration::from_secs(70);

/// Bounds the wait for an answer.
///
/// # Errors
/// What the statement says, or that nobody answered.
pub async fn answered<T>(
    statement: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(UNANSWERED, statement).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError {
            operation: "answer",
            source: sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()),
        }),
    }
}

/// A count that a query made.
fn count(row: &PgRow, column: &str) -> u64 {
    u64::try_from(row.get::<i64, _>(column)).unwrap_or_default()
}

/// A duration as Postgres is given it.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A duration as Postgres says it; none where it has passed.
fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

/// Names the operation of a failed statement.
pub(crate) trait During<T> {
    /// `operation` is a verb phrase that completes "the database did not …".
    fn during(self, operation: &'static str) -> Result<T, StoreError>;
}

impl<T> During<T> for Result<T, sqlx::Error> {
    fn during(self, operation: &'static str) -> Result<T, StoreError> {
        boundary(operation);
        self.map_err(|source| StoreError { operation, source })
    }
}

static BOUNDARY: OnceLock<fn(&'static str)> = OnceLock::new();

/// Calls `hook` after each statement of the engine, before anybody acts on its answer. For crash tests; the first call
/// wins.
pub fn on_boundary(hook: fn(&'static str)) {
    let _ = BOUNDARY.set(hook);
}

fn boundary(operation: &'static str) {
    if let Some(hook) = BOUNDARY.get() {
        hook(operation);
    }
}
