//! What traces are made of: runs and attempts with their times.

use std::time::SystemTime;

use sqlx::{Row, postgres::PgRow};

use crate::lifecycle::{AttemptStatus, RunState};

use super::{Connection, During, RunId, StoreError, stamp::Stamp};

/// What a run is in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSpan {
    /// The run.
    pub run: RunId,
    /// Where its trace begins.
    pub trace: Birth,
    /// The workflow.
    pub workflow: String,
    /// Its version.
    pub version: u32,
    /// The key it was started under.
    pub key: Option<String>,
    /// How it stands.
    pub state: RunState,
    /// When it was started.
    pub started_at: SystemTime,
    /// When it ended.
    pub ended_at: Option<SystemTime>,
    /// Its error.
    pub message: Option<String>,
    /// The run whose child it is.
    pub parent: Option<RunId>,
    /// The run that it repeats, and where the trace of that begins.
    pub origin: Option<(RunId, Birth)>,
}

/// Where the trace of a run begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Birth {
    /// The `traceparent` that the run was started with.
    pub given: Option<String>,
    /// The topmost run that it was started for.
    pub root: RunId,
    /// The workflow of that.
    pub workflow: String,
    /// When that was started.
    pub at: SystemTime,
}

/// Which attempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptKey {
    /// The run.
    pub run: RunId,
    /// The id of the node.
    pub node: String,
    /// The element of a map, from 0.
    pub element: Option<u32>,
    /// The attempt, from 1.
    pub attempt: u32,
}

/// What an attempt is in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptSpan {
    /// Which one.
    pub key: AttemptKey,
    /// The `traceparent` that its run was started with.
    pub trace: Option<String>,
    /// The workflow.
    pub workflow: String,
    /// Its version.
    pub version: u32,
    /// How it ended.
    pub status: AttemptStatus,
    /// The worker that ran it.
    pub worker: Option<i32>,
    /// Since when it could have run.
    pub ready_at: Option<SystemTime>,
    /// When it began.
    pub started_at: SystemTime,
    /// When it ended.
    pub ended_at: SystemTime,
    /// Its error.
    pub message: Option<String>,
    /// Of each node that it came after, the attempt that ended last; and the attempt that it repeats.
    pub before: Vec<AttemptKey>,
}

/// What these runs are in their traces; those that are not there are left out.
///
/// # Errors
/// [`StoreError`].
pub async fn run_spans(
    connection: &mut Connection<'_>,
    runs: &[RunId],
) -> Result<Vec<RunSpan>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/run/run_spans.sql"))
        .bind(runs.iter().map(|run| run.0).collect::<Vec<_>>())
        .fetch_all(connection)
        .await
        .during("read the spans of runs")?;
    Ok(rows.iter().map(run_span).collect())
}

fn run_span(row: &PgRow) -> RunSpan {
    let origin = row.get::<Option<i64>, _>("origin").map(RunId);
    RunSpan {
        run: RunId(row.get("id")),
        trace: birth(row, ""),
        workflow: row.get("workflow"),
        version: version(row),
        key: row.get("key"),
        state: RunState::from_code(row.get("state")).unwrap_or(RunState::Failed),
        started_at: time(row, "created_at"),
        ended_at: row.get::<Option<Stamp>, _>("ended_at").map(Stamp::to_system_time),
        message: row.get("message"),
        parent: row.get::<Option<i64>, _>("parent_run").map(RunId),
        origin: origin.map(|origin| (origin, birth(row, "origin_"))),
    }
}

/// From the columns with this prefix.
fn birth(row: &PgRow, prefix: &str) -> Birth {
    let column = |name: &str| format!("{prefix}{name}");
    Birth {
        given: row.get(&*column("trace")),
        root: RunId(row.get(&*column("root"))),
        workflow: row.get(&*column("root_workflow")),
        at: time(row, &column("root_at")),
    }
}

/// The attempts of a run that have begun and ended, in the order in which they began.
///
/// # Errors
/// [`StoreError`].
pub async fn attempt_keys(
    connection: &mut Connection<'_>,
    run: RunId,
) -> Result<Vec<AttemptKey>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/run/attempt_keys.sql"))
        .bind(run.0)
        .fetch_all(connection)
        .await
        .during("list a run's attempts")?;
    Ok(rows
        .iter()
        .map(|row| key(run, row.get("node"), row.get("elem"), row.get("attempt")))
        .collect())
}

/// What these attempts are in their traces; those that have not ended are left out.
///
/// # Errors
/// [`StoreError`].
pub async fn attempt_spans(
    connection: &mut Connection<'_>,
    keys: &[AttemptKey],
) -> Result<Vec<AttemptSpan>, StoreError> {
    let element =
        |key: &AttemptKey| key.element.map_or(0, |n| i32::try_from(n).unwrap_or(i32::MAX - 1) + 1);
    let attempt = |key: &AttemptKey| i16::try_from(key.attempt).unwrap_or(i16::MAX);
    let rows = sqlx::query(include_str!("../../sql/run/attempt_spans.sql"))
        .bind(keys.iter().map(|key| key.run.0).collect::<Vec<_>>())
        .bind(keys.iter().map(|key| key.node.clone()).collect::<Vec<_>>())
        .bind(keys.iter().map(element).collect::<Vec<_>>())
        .bind(keys.iter().map(attempt).collect::<Vec<_>>())
        .fetch_all(connection)
        .await
        .during("read the spans of attempts")?;
    Ok(rows.iter().filter_map(attempt_span).collect())
}

fn attempt_span(row: &PgRow) -> Option<AttemptSpan> {
    let run = RunId(row.get("run_id"));
    let nodes: Vec<String> = row.get("before_nodes");
    let elements: Vec<i32> = row.get("before_elems");
    let attempts: Vec<i16> = row.get("before_attempts");
    let before = nodes.into_iter().zip(elements).zip(attempts);
    let before = before.map(|((node, element), attempt)| key(run, node, element, attempt));
    let own = |attempt| key(run, row.get("node"), row.get("elem"), attempt);
    let repeats = row.get::<Option<i16>, _>("repeats").map(own);
    Some(AttemptSpan {
        key: own(row.get("attempt")),
        trace: row.get("trace"),
        workflow: row.get("workflow"),
        version: version(row),
        status: AttemptStatus::from_code(row.get("status"))?,
        worker: row.get("worker_id"),
        ready_at: row.get::<Option<Stamp>, _>("ready_at").map(Stamp::to_system_time),
        started_at: time(row, "started_at"),
        ended_at: time(row, "ended_at"),
        message: row.get("message"),
        before: before.chain(repeats).collect(),
    })
}

fn key(run: RunId, node: String, element: i32, attempt: i16) -> AttemptKey {
    AttemptKey {
        run,
        node,
        element: u32::try_from(element - 1).ok(),
        attempt: u32::try_from(attempt).unwrap_or_default(),
    }
}

fn time(row: &PgRow, column: &str) -> SystemTime {
    row.get::<Stamp, _>(column).to_system_time()
}

fn version(row: &PgRow) -> u32 {
    row.get::<i32, _>("version").unsigned_abs()
}
