//! What waits for workers, and what they have room for.

use std::time::Duration;

use sqlx::{Row, postgres::PgRow};

use super::{Connection, During, StoreError, count, duration};

/// A queue with work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The workflow.
    pub workflow: String,
    /// Its version.
    pub version: u32,
    /// The id of the node, `start` or `end`.
    pub node: String,
    /// Pure code of the body.
    pub pure: bool,
    /// Tasks that wait.
    pub ready: u64,
    /// Tasks that run.
    pub running: u64,
    /// How long one took in the last hour, on average; `None`: none did.
    pub mean: Option<Duration>,
    /// How many may run at once over all processes.
    pub limit: Option<u32>,
}

/// The live workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// How many.
    pub live: u64,
    /// The slots that they may grow to, in sum.
    pub slots: u64,
}

/// The queues with work.
///
/// # Errors
/// [`StoreError`].
pub async fn backlog(connection: &mut Connection<'_>) -> Result<Vec<Backlog>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/run/backlog.sql"))
        .fetch_all(connection)
        .await
        .during("count what waits")?;
    let backlog = |row: &PgRow| Backlog {
        workflow: row.get("name"),
        version: u32::try_from(row.get::<i32, _>("version")).unwrap_or_default(),
        node: row.get("node"),
        pure: row.get("control"),
        ready: count(row, "ready"),
        running: count(row, "running"),
        mean: row.get::<Option<i64>, _>("mean_ms").map(duration),
        limit: row.get::<Option<i32>, _>("size").and_then(|n| u32::try_from(n).ok()),
    };
    Ok(rows.iter().map(backlog).collect())
}

/// What the live workers have room for.
///
/// # Errors
/// [`StoreError`].
pub async fn capacity(connection: &mut Connection<'_>) -> Result<Capacity, StoreError> {
    let row = sqlx::query(include_str!("../../sql/run/capacity.sql"))
        .fetch_one(connection)
        .await
        .during("count its workers")?;
    Ok(Capacity { live: count(&row, "live"), slots: count(&row, "slots") })
}
