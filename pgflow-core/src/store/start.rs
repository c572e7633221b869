//! Starting runs.

use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::Row;

use crate::payload::Json;

use super::{Connection, During, RunId, StoreError, millis};

/// Where the runs of a workflow begin.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The workflow's id.
    pub workflow_id: i32,
    /// Its name.
    pub workflow: String,
    /// The number of the first node.
    pub node: i16,
    /// The queue of the first node.
    pub queue: i32,
}

/// What all runs of one start have in common.
#[derive(Debug, Clone, Default)]
pub struct StartOptions {
    /// Higher goes first.
    pub priority: i16,
    /// How long a run may take, from when it may begin.
    pub timeout: Option<Duration>,
    /// How long the runs stay invisible.
    pub delay: Option<Duration>,
    /// Head start of the priority, in microseconds.
    pub head: i64,
    /// The caller's trace context.
    pub trace: Option<String>,
    /// The transaction is the caller's, so nobody knows who will be idle at its end.
    pub in_transaction: bool,
}

/// A started run, or the one that has its key already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The run.
    pub run: RunId,
    /// This call made it.
    pub fresh: bool,
    /// Its input is that of this call.
    pub same_input: bool,
}

/// Starts runs, all or none, in the caller's transaction if there is one.
///
/// # Errors
/// [`StoreError`].
pub async fn start(
    connection: &mut Connection<'_>,
    entry: &Entry,
    inputs: &[(Json, Option<String>)],
    options: &StartOptions,
) -> Result<Vec<Started>, StoreError> {
    let texts: Vec<&str> = inputs.iter().map(|(input, _)| input.as_str()).collect();
    let keys: Vec<Option<&str>> = inputs.iter().map(|(_, key)| key.as_deref()).collect();
    let hashes: Vec<Vec<u8>> =
        inputs.iter().map(|(input, _)| Sha256::digest(input.as_str()).to_vec()).collect();
    let rows = sqlx::query(include_str!("../../sql/run/start.sql"))
        .bind(entry.workflow_id)
        .bind(&entry.workflow)
        .bind(texts)
        .bind(keys)
        .bind(hashes)
        .bind(options.priority)
        .bind(options.timeout.map(millis))
        .bind(options.delay.map(millis))
        .bind(entry.node)
        .bind(entry.queue)
        .bind(options.head)
        .bind(options.trace.as_deref())
        .bind(options.in_transaction)
        .fetch_all(connection)
        .await
        .during("start runs")?;
    Ok(rows
        .iter()
        .map(|r| Started {
            run: RunId(r.get("run_id")),
            fresh: r.get("fresh"),
            same_input: r.get("same_input"),
        })
        .collect())
}
