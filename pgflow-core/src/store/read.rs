//! What people and clients ask about runs.

use std::time::SystemTime;

use sqlx::{Row, postgres::PgRow};

use crate::{
    failure::Failure,
    lifecycle::{AttemptStatus, RunState},
    payload::Json,
};

use super::{Connection, During, RunId, StoreError, claim::read_failure, stamp::Stamp};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With its value.
    Completed(Json),
    /// Without one.
    Ended(RunState, Failure),
}

/// The endings of those of these runs that have ended; a run that is not there has none.
///
/// # Errors
/// [`StoreError`].
pub async fn endings(
    connection: &mut Connection<'_>,
    runs: &[RunId],
) -> Result<Vec<(RunId, Ending)>, StoreError> {
    let rows = sqlx::query(
        "select id, state, output::text as output, error::text as error from pgflow.run where id = any($1) and state <> 0",
    )
    .bind(runs.iter().map(|r| r.0).collect::<Vec<_>>())
    .fetch_all(connection)
    .await
    .during("say how runs ended")?;
    Ok(rows.iter().map(|row| (RunId(row.get("id")), ending(row))).collect())
}

fn ending(row: &PgRow) -> Ending {
    let state = RunState::from_code(row.get("state")).unwrap_or(RunState::Failed);
    match row.get::<Option<String>, _>("output") {
        Some(output) if state == RunState::Completed => {
            Ending::Completed(Json::from_trusted(output))
        }
        _ => Ending::Ended(state, read_failure(row.get::<Option<String>, _>("error").as_deref())),
    }
}

/// A run as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunStatus {
    /// The run.
    pub run: RunId,
    /// Its workflow.
    pub workflow: String,
    /// The version that it runs on.
    pub version: u32,
    /// Its state.
    pub state: RunState,
    /// Its idempotency key.
    pub key: Option<String>,
    /// When it was started.
    pub created_at: SystemTime,
    /// By when it must have ended.
    pub deadline: Option<SystemTime>,
    /// When it ended.
    pub ended_at: Option<SystemTime>,
    /// Why it did not complete.
    pub failure: Option<Failure>,
    /// The run that waits for it.
    pub parent: Option<RunId>,
    /// The run that it repeats.
    pub origin: Option<RunId>,
    /// The run that repeats it.
    pub repeated_as: Option<RunId>,
    /// Its attempts in the order in which they ended.
    pub attempts: Vec<AttemptView>,
    /// What is under way or waits now.
    pub tasks: Vec<TaskView>,
    /// Why no live worker can go on with it, where that is so.
    pub unserved: Option<String>,
}

/// An attempt that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptView {
    /// The id of its node.
    pub node: String,
    /// The element of a map, from 0.
    pub element: Option<u32>,
    /// The attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    pub status: AttemptStatus,
    /// Since when it was ready.
    pub ready_at: Option<SystemTime>,
    /// When it began.
    pub started_at: Option<SystemTime>,
    /// When it ended.
    pub ended_at: SystemTime,
    /// Its failure.
    pub failure: Option<Failure>,
}

/// A task that is under way or waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskView {
    /// The id of its node, `start` or `end`.
    pub node: String,
    /// The element of a map, from 0.
    pub element: Option<u32>,
    /// The attempt, from 1.
    pub attempt: u32,
    /// What it does.
    pub state: TaskState,
    /// What the step says of its progress: how much of how much.
    pub progress: Option<(u64, u64)>,
    /// The step's words about its progress.
    pub note: Option<String>,
}

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// Waits for others at a join.
    Waiting,
    /// Waits for a worker or a limit.
    Ready,
    /// Waits for a delay to pass.
    Delayed,
    /// Sleeps in the body of the workflow.
    Sleeping,
    /// Waits for a signal.
    AwaitsSignal,
    /// Waits for a child run.
    AwaitsChild,
    /// Would be ready, but its run is paused.
    Paused,
    /// Runs on this worker.
    Running(i32),
}

/// The status of a run; `None`: there is no such run.
///
/// # Errors
/// [`StoreError`].
pub async fn status(
    connection: &mut Connection<'_>,
    run: RunId,
) -> Result<Option<RunStatus>, StoreError> {
    let Some(row) = sqlx::query(include_str!("../../sql/run/status.sql"))
        .bind(run.0)
        .fetch_optional(&mut *connection)
        .await
        .during("show a run")?
    else {
        return Ok(None);
    };
    let attempts = sqlx::query(include_str!("../../sql/run/attempts.sql"))
        .bind(run.0)
        .fetch_all(&mut *connection)
        .await
        .during("show a run's attempts")?;
    let tasks = sqlx::query(include_str!("../../sql/run/tasks.sql"))
        .bind(run.0)
        .fetch_all(&mut *connection)
        .await
        .during("show a run's tasks")?;
    let state = RunState::from_code(row.get("state")).unwrap_or(RunState::Failed);
    let (workflow, version): (String, i32) = (row.get("name"), row.get("version"));
    let other = |column: &str| row.get::<Option<i64>, _>(column).map(RunId);
    let tasks: Vec<TaskView> = tasks.iter().map(task_view).collect();
    let unserved = match state {
        RunState::Live => unserved(connection, run, &workflow, version).await?,
        _ => None,
    };
    Ok(Some(RunStatus {
        run,
        workflow,
        version: u32::try_from(version).unwrap_or_default(),
        state,
        key: row.get("key"),
        created_at: time(&row, "created_at").unwrap_or(SystemTime::UNIX_EPOCH),
        deadline: time(&row, "deadline"),
        ended_at: time(&row, "ended_at"),
        failure: failure(&row),
        parent: other("parent_run"),
        origin: other("origin"),
        repeated_as: other("repeated_as"),
        attempts: attempts.iter().filter_map(attempt_view).collect(),
        tasks,
        unserved,
    }))
}

fn time(row: &PgRow, column: &str) -> Option<SystemTime> {
    row.get::<Option<Stamp>, _>(column).map(Stamp::to_system_time)
}

fn failure(row: &PgRow) -> Option<Failure> {
    row.get::<Option<String>, _>("error").map(|text| read_failure(Some(&text)))
}

fn element(row: &PgRow) -> Option<u32> {
    u32::try_from(row.get::<i32, _>("elem") - 1).ok()
}

fn attempt_view(row: &PgRow) -> Option<AttemptView> {
    Some(AttemptView {
        node: row.get("node"),
        element: element(row),
        attempt: u32::try_from(row.get::<i16, _>("attempt")).unwrap_or_default(),
        status: AttemptStatus::from_code(row.get("status"))?,
        ready_at: time(row, "ready_at"),
        started_at: time(row, "started_at"),
        ended_at: time(row, "ended_at")?,
        failure: failure(row),
    })
}

fn task_view(row: &PgRow) -> TaskView {
    let number = |column: &str| {
        row.get::<Option<i64>, _>(column).map(|n| u64::try_from(n).unwrap_or_default())
    };
    let kind: Option<String> = row.get("kind");
    let state = match (row.get::<Option<i32>, _>("worker_id"), kind.as_deref()) {
        (Some(worker), _) => TaskState::Running(worker),
        _ if row.get::<bool, _>("ready") => TaskState::Ready,
        (None, Some("sleep")) => TaskState::Sleeping,
        (None, Some("signal")) => TaskState::AwaitsSignal,
        (None, Some("child")) => TaskState::AwaitsChild,
        _ if row.get::<bool, _>("delayed") => TaskState::Delayed,
        _ if row.get::<bool, _>("paused") => TaskState::Paused,
        _ => TaskState::Waiting,
    };
    TaskView {
        node: row.get("node"),
        element: element(row),
        attempt: u32::try_from(row.get::<i16, _>("attempt")).unwrap_or_default(),
        state,
        progress: number("done").zip(number("total")),
        note: row.get("note"),
    }
}

/// Why no live worker can go on with a run: none has its version, or all that have it refuse a step that is ready. Of these
/// the one that comes nearest says why.
async fn unserved(
    connection: &mut Connection<'_>,
    run: RunId,
    workflow: &str,
    version: i32,
) -> Result<Option<String>, StoreError> {
    let row = sqlx::query(include_str!("../../sql/run/unserved.sql"))
        .bind(run.0)
        .bind(format!("{workflow}@{version}"))
        .fetch_one(connection)
        .await
        .during("say who serves a run")?;
    if row.get::<i64, _>("serving") == 0 {
        return Ok(Some(format!(
            "no live worker serves `{workflow}` version {version}; start one whose binary links it"
        )));
    }
    Ok(row.get::<Option<String>, _>("refusal").map(|why| {
        format!("no live worker can run a step that is ready: {why}; start one that offers it")
    }))
}

/// The workflows and versions that live workers serve, by name, as `name@version`.
///
/// # Errors
/// [`StoreError`].
pub async fn served(connection: &mut Connection<'_>) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar(include_str!("../../sql/run/served.sql"))
        .fetch_all(connection)
        .await
        .during("list what is served")
}

/// The run that has this key.
///
/// # Errors
/// [`StoreError`].
pub async fn by_key(
    connection: &mut Connection<'_>,
    workflow: &str,
    key: &str,
) -> Result<Option<RunId>, StoreError> {
    let id: Option<i64> =
        sqlx::query_scalar("select run_id from pgflow.run_key where workflow = $1 and key = $2")
            .bind(workflow)
            .bind(key)
            .fetch_optional(connection)
            .await
            .during("find a run by its key")?;
    Ok(id.map(RunId))
}
