//! What people look at beside the status of a run: lists, the nodes of a run, all that is stored of it.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use sqlx::{Row, postgres::PgRow};

use crate::{
    definition::Definition,
    failure::Failure,
    lifecycle::{Position, RunState},
    payload::Json,
};

use super::{
    Connection, During, RunId, StoreError,
    claim::read_failure,
    millis,
    register::{END, START},
    stamp::Stamp,
    start::Entry,
};

/// Which runs to list; the default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunFilter {
    /// Only runs in this state.
    pub state: Option<RunState>,
    /// Only runs of this workflow.
    pub workflow: Option<String>,
    /// Only runs that were started so long ago at most.
    pub since: Option<Duration>,
    /// Only runs with a lower id: the next page.
    pub before: Option<RunId>,
}

/// A line of a list of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunLine {
    /// The run.
    pub run: RunId,
    /// Its workflow.
    pub workflow: String,
    /// The version that it runs on.
    pub version: u32,
    /// Its state.
    pub state: RunState,
    /// Somebody paused it.
    pub paused: bool,
    /// Its idempotency key.
    pub key: Option<String>,
    /// When it was started.
    pub created_at: SystemTime,
    /// When it ended.
    pub ended_at: Option<SystemTime>,
    /// Ids of the nodes where it is, for a live run.
    pub at: Vec<String>,
    /// Why it did not complete.
    pub failure: Option<Failure>,
}

/// Runs, newest first. Of live runs the newest 10,000 are looked at.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    connection: &mut Connection<'_>,
    filter: &RunFilter,
    most: u32,
) -> Result<Vec<RunLine>, StoreError> {
    let newest = match filter.state {
        Some(RunState::Live) => include_str!("../../sql/run/newest_live.sql"),
        None | Some(RunState::Completed) => include_str!("../../sql/run/newest.sql"),
        Some(_) => include_str!("../../sql/run/newest_failed.sql"),
    };
    let ids: Vec<i64> = sqlx::query_scalar(newest)
        .bind(filter.state.map(RunState::code))
        .bind(&filter.workflow)
        .bind(filter.since.map(millis))
        .bind(filter.before.map_or(i64::MAX, |run| run.0))
        .bind(i64::from(most))
        .fetch_all(&mut *connection)
        .await
        .during("list runs")?;
    let rows = sqlx::query(include_str!("../../sql/run/lines.sql"))
        .bind(ids)
        .fetch_all(connection)
        .await
        .during("list runs")?;
    Ok(rows.iter().map(run_line).collect())
}

fn time(row: &PgRow, column: &str) -> Option<SystemTime> {
    row.get::<Option<Stamp>, _>(column).map(Stamp::to_system_time)
}

fn failure(row: &PgRow) -> Option<Failure> {
    row.get::<Option<String>, _>("error").map(|text| read_failure(Some(&text)))
}

fn run_line(row: &PgRow) -> RunLine {
    RunLine {
        run: RunId(row.get("id")),
        workflow: row.get("name"),
        version: u32::try_from(row.get::<i32, _>("version")).unwrap_or_default(),
        state: RunState::from_code(row.get("state")).unwrap_or(RunState::Failed),
        paused: row.get("paused"),
        key: row.get("key"),
        created_at: time(row, "created_at").unwrap_or(SystemTime::UNIX_EPOCH),
        ended_at: time(row, "ended_at"),
        at: row.get("at"),
        failure: failure(row),
    }
}

/// A node of a run that has begun; a map is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeView {
    /// The node's id.
    pub id: String,
    /// Tasks that succeeded, or were kept from the run that this one repeats.
    pub done: u64,
    /// Tasks whose last attempt failed, timed out, or was lost.
    pub failed: u64,
    /// Tasks of an arm that was not taken.
    pub skipped: u64,
    /// Tasks that ran when the run ended.
    pub cancelled: u64,
    /// Tasks that run.
    pub running: u64,
    /// Tasks that wait for a worker or a limit.
    pub ready: u64,
    /// Tasks that wait for anything else.
    pub waiting: u64,
    /// The highest attempt.
    pub attempt: u32,
    /// Since when the first was ready.
    pub ready_at: Option<SystemTime>,
    /// When the first began.
    pub started_at: Option<SystemTime>,
    /// When the last ended, where none is left.
    pub ended_at: Option<SystemTime>,
    /// The failure of the first that failed.
    pub failure: Option<Failure>,
    /// The arm that a branch took.
    pub arm: Option<String>,
}

/// The nodes of a run that have begun.
///
/// # Errors
/// [`StoreError`].
pub async fn nodes(
    connection: &mut Connection<'_>,
    run: RunId,
) -> Result<Vec<NodeView>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/run/nodes.sql"))
        .bind(run.0)
        .fetch_all(connection)
        .await
        .during("show a run's nodes")?;
    let view = |row: &PgRow| {
        let count = |column: &str| u64::try_from(row.get::<i64, _>(column)).unwrap_or_default();
        let attempt = row.get::<Option<i16>, _>("attempt").unwrap_or_default();
        NodeView {
            id: row.get("id"),
            done: count("done"),
            failed: count("failed"),
            skipped: count("skipped"),
            cancelled: count("cancelled"),
            running: count("running"),
            ready: count("ready"),
            waiting: count("waiting"),
            attempt: u32::try_from(attempt).unwrap_or_default(),
            ready_at: time(row, "ready_at"),
            started_at: time(row, "started_at"),
            ended_at: time(row, "ended_at"),
            failure: failure(row),
            arm: row.get("arm"),
        }
    };
    Ok(rows.iter().map(view).collect())
}

/// The runs that have this key, with their workflows: one per workflow at most.
///
/// # Errors
/// [`StoreError`].
pub async fn find(
    connection: &mut Connection<'_>,
    key: &str,
) -> Result<Vec<(String, RunId)>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/run/find.sql"))
        .bind(key)
        .fetch_all(connection)
        .await
        .during("find a run by its key")?;
    Ok(rows.iter().map(|row| (row.get("workflow"), RunId(row.get("run_id")))).collect())
}

/// All that is stored of a run, as one JSON object.
///
/// # Errors
/// [`StoreError`].
pub async fn dump(connection: &mut Connection<'_>, run: RunId) -> Result<Option<Json>, StoreError> {
    let text: Option<String> = sqlx::query_scalar(include_str!("../../sql/run/dump.sql"))
        .bind(run.0)
        .fetch_optional(connection)
        .await
        .during("dump a run")?;
    Ok(text.map(Json::from_trusted))
}

/// How many runs a removal would remove, up to a limit.
///
/// # Errors
/// [`StoreError`].
pub async fn old(
    connection: &mut Connection<'_>,
    age: Duration,
    most: u32,
) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(include_str!("../../sql/run/old.sql"))
        .bind(millis(age))
        .bind(i64::from(most))
        .fetch_one(connection)
        .await
        .during("count old runs")?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// All workflows with their versions, the newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn workflows(
    connection: &mut Connection<'_>,
) -> Result<Vec<(String, Vec<u32>)>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/workflow/names.sql"))
        .fetch_all(connection)
        .await
        .during("list workflows")?;
    let versions = |row: &PgRow| {
        let all: Vec<i32> = row.get("versions");
        all.into_iter().filter_map(|v| u32::try_from(v).ok()).collect()
    };
    Ok(rows.iter().map(|row| (row.get("name"), versions(row))).collect())
}

/// A stored version of a workflow, with the numbers where its runs may begin.
#[derive(Debug, Clone)]
pub struct Startable {
    /// The definition.
    pub definition: Definition,
    /// Its runs under way at once are limited.
    pub limited: bool,
    id: i32,
    numbers: HashMap<String, i16>,
    queues: HashMap<(i16, bool), i32>,
}

impl Startable {
    /// How a run begins at a position; `None`: the stored numbers do not fit the definition.
    pub fn entry(&self, first: Position) -> Option<Entry> {
        let node = match first {
            Position::Start => START,
            at => match at.node() {
                Some(node) => *self.numbers.get(&self.definition.nodes[node].id)?,
                None => END,
            },
        };
        let control = !matches!(first, Position::Step(_));
        Some(Entry {
            workflow_id: self.id,
            workflow: self.definition.name.clone(),
            node,
            queue: *self.queues.get(&(node, control))?,
        })
    }
}

/// A stored version of a workflow, the newest unless said otherwise. `None`: it is not there, or cannot be read.
///
/// # Errors
/// [`StoreError`].
pub async fn find_version(
    connection: &mut Connection<'_>,
    workflow: &str,
    version: Option<u32>,
) -> Result<Option<Startable>, StoreError> {
    let row = sqlx::query(include_str!("../../sql/workflow/find_definition.sql"))
        .bind(workflow)
        .bind(version.map(|v| i32::try_from(v).unwrap_or(i32::MAX)))
        .fetch_optional(connection)
        .await
        .during("show a definition")?;
    Ok(row.and_then(|row| {
        let ids: Vec<String> = row.get("ids");
        let places: Vec<i16> = row.get("queue_nodes");
        let places = places.into_iter().zip(row.get::<Vec<bool>, _>("queue_controls"));
        Some(Startable {
            definition: serde_json::from_str(row.get("definition")).ok()?,
            limited: row.get("limited"),
            id: row.get("id"),
            numbers: ids.into_iter().zip(row.get::<Vec<i16>, _>("numbers")).collect(),
            queues: places.zip(row.get::<Vec<i32>, _>("queues")).collect(),
        })
    }))
}
