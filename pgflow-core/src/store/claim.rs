//! Claiming ready tokens, and loading what their slices read.

use std::time::Duration;

use sqlx::{Row, postgres::PgRow};

use crate::{
    failure::Failure,
    lifecycle::{AttemptStatus, RunState},
    payload::Json,
    spec::Stored,
};

use super::{
    Connection, During, HeldSlot, RunId, StoreError, TokenKey, duration, millis, stamp::Stamp,
};

/// A token that this worker now holds.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The token.
    pub key: TokenKey,
    /// The number of the node where it stands.
    pub node: i16,
    /// The queue that it was claimed from.
    pub queue: i32,
    /// The fence.
    pub epoch: i32,
    /// The attempt that begins now, from 1.
    pub attempt: i16,
    /// Workers that died at this node.
    pub losses: i16,
    /// Its place in the queue.
    pub rank: i64,
    /// Since when it was ready.
    pub ready_at: Stamp,
    /// When it was claimed.
    pub started_at: Stamp,
    /// The element of a map.
    pub input: Option<Json>,
    /// The run's input, once per run of a claim.
    pub run_input: Option<Json>,
    /// The trace that the run belongs to.
    pub trace: Option<String>,
    /// The run's priority.
    pub priority: i16,
    /// What is left until the run's deadline; zero when it has passed.
    pub left: Option<Duration>,
    /// The slots that it holds.
    pub slots: Vec<HeldSlot>,
}

/// A queue whose tokens need slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitedQueue {
    /// The queue.
    pub queue: i32,
    /// The pools of which a slot is needed, ascending.
    pub pools: Vec<i32>,
    /// The pools of devices that may serve, of which `device_count` are needed.
    pub devices: Vec<i32>,
    /// How many devices.
    pub device_count: i32,
    /// The pool of a rate limit, and how long its slots rest after a claim.
    pub rate: Option<(i32, Duration)>,
}

/// Claims up to `want` tokens of queues without limits; `marks` are the ranks below which nothing is looked for.
///
/// # Errors
/// [`StoreError`].
pub async fn claim(
    connection: &mut Connection<'_>,
    worker: i32,
    queues: &[i32],
    marks: &[i64],
    want: i32,
) -> Result<Vec<Claimed>, StoreError> {
    let rows = sqlx::query("select * from pgflow.claim_2($1, $2, $3, $4)")
        .bind(worker)
        .bind(queues)
        .bind(marks)
        .bind(want)
        .fetch_all(connection)
        .await
        .during("hand out work")?;
    Ok(rows.iter().map(claimed).collect())
}

/// Claims up to `want` tokens of a queue with limits.
///
/// # Errors
/// [`StoreError`].
pub async fn claim_limited(
    connection: &mut Connection<'_>,
    worker: i32,
    queue: &LimitedQueue,
    want: i32,
) -> Result<Vec<Claimed>, StoreError> {
    let rows = sqlx::query("select * from pgflow.claim_limited_2($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(worker)
        .bind(queue.queue)
        .bind(&queue.pools)
        .bind(&queue.devices)
        .bind(queue.device_count)
        .bind(queue.rate.map(|(_, rest)| millis(rest)))
        .bind(queue.rate.map(|(pool, _)| pool))
        .bind(want)
        .fetch_all(connection)
        .await
        .during("hand out limited work")?;
    Ok(rows.iter().map(claimed).collect())
}

fn claimed(row: &PgRow) -> Claimed {
    let key =
        TokenKey { run: RunId(row.get("run_id")), lane: row.get("lane"), elem: row.get("elem") };
    let epoch = row.get("epoch");
    let pools: Option<Vec<i32>> = row.get("pools");
    let ns: Option<Vec<i32>> = row.get("ns");
    let slots = pools.into_iter().flatten().zip(ns.into_iter().flatten());
    Claimed {
        key,
        node: row.get("node"),
        queue: row.get("queue"),
        epoch,
        attempt: row.get("attempt"),
        losses: row.get("losses"),
        rank: row.get("rank"),
        ready_at: row.get("ready_at"),
        started_at: row.get("started_at"),
        input: row.get::<Option<String>, _>("input").map(Json::from_trusted),
        run_input: row.get::<Option<String>, _>("run_input").map(Json::from_trusted),
        trace: row.get("trace"),
        priority: row.get("priority"),
        left: row.get::<Option<i64>, _>("left_ms").map(duration),
        slots: slots.map(|(pool, n)| HeldSlot { pool, n, key, epoch }).collect(),
    }
}

/// The stored result of one attempt row.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The run.
    pub run: RunId,
    /// The number of the node.
    pub node: i16,
    /// 0, or the element of a map from 1.
    pub elem: i32,
    /// The result.
    pub stored: Stored,
}

/// The inputs of runs and the last attempts of nodes, for a whole batch at once.
///
/// # Errors
/// [`StoreError`].
pub async fn load(
    connection: &mut Connection<'_>,
    wanted: &[(RunId, i16)],
) -> Result<Vec<Loaded>, StoreError> {
    let runs: Vec<i64> = wanted.iter().map(|(run, _)| run.0).collect();
    let nodes: Vec<i16> = wanted.iter().map(|(_, node)| *node).collect();
    let rows = sqlx::query(include_str!("../../sql/task/load.sql"))
        .bind(runs)
        .bind(nodes)
        .fetch_all(connection)
        .await
        .during("load stored results")?;
    Ok(rows.iter().map(loaded).collect())
}

fn loaded(row: &PgRow) -> Loaded {
    let text = |column: &str| row.get::<Option<String>, _>(column);
    let stored = match (AttemptStatus::from_code(row.get("status")), text("output")) {
        (Some(AttemptStatus::Skipped), _) => Stored::Skipped,
        (_, Some(output)) => Stored::Done(Json::from_trusted(output)),
        (status, None) => match text("error") {
            None if status == Some(AttemptStatus::Kept) => Stored::Skipped,
            error => Stored::Failed(read_failure(error.as_deref())),
        },
    };
    Loaded { run: RunId(row.get("run_id")), node: row.get("node"), elem: row.get("elem"), stored }
}

/// A stored failure; one that cannot be read says so.
pub(super) fn read_failure(text: Option<&str>) -> Failure {
    text.and_then(|t| serde_json::from_str(t).ok()).unwrap_or_else(|| {
        Failure::new(
            "body",
            crate::failure::FailureKind::Failed,
            "the stored failure cannot be read",
        )
    })
}

/// The input of a run.
///
/// # Errors
/// [`StoreError`].
pub async fn load_input(connection: &mut Connection<'_>, run: RunId) -> Result<Json, StoreError> {
    let text: String = sqlx::query_scalar("select input::text from pgflow.run where id = $1")
        .bind(run.0)
        .fetch_one(connection)
        .await
        .during("load a run's input")?;
    Ok(Json::from_trusted(text))
}

/// The elements of a map that a repeated run keeps, counted from 1.
///
/// # Errors
/// [`StoreError`].
pub async fn load_kept(
    connection: &mut Connection<'_>,
    run: RunId,
    node: i16,
) -> Result<Vec<i32>, StoreError> {
    sqlx::query_scalar(
        "select elem from pgflow.attempt where run_id = $1 and node = $2 and elem > 0 and status = 7",
    )
    .bind(run.0)
    .bind(node)
    .fetch_all(connection)
    .await
    .during("load what a run keeps")
}

/// The payload of a signal, where it has been sent.
///
/// # Errors
/// [`StoreError`].
pub async fn load_signal(
    connection: &mut Connection<'_>,
    run: RunId,
    name: &str,
) -> Result<Option<Json>, StoreError> {
    let payload: Option<String> = sqlx::query_scalar(
        "select payload::text from pgflow.signal where run_id = $1 and name = $2",
    )
    .bind(run.0)
    .bind(name)
    .fetch_optional(connection)
    .await
    .during("load a signal")?;
    Ok(payload.map(Json::from_trusted))
}

/// How the child stands for which a token waits; `None`: there is none.
///
/// # Errors
/// [`StoreError`].
pub async fn load_child(
    connection: &mut Connection<'_>,
    parent: TokenKey,
) -> Result<Option<Child>, StoreError> {
    let row = sqlx::query(include_str!("../../sql/task/load_child.sql"))
        .bind(parent.run.0)
        .bind(parent.lane)
        .bind(parent.elem)
        .fetch_optional(connection)
        .await
        .during("load a child run")?;
    Ok(row.map(|row| match RunState::from_code(row.get("state")) {
        Some(RunState::Live) => Child::Live,
        Some(RunState::Completed) => {
            let output: Option<String> = row.get("output");
            Child::Completed(output.map_or_else(Json::null, Json::from_trusted))
        }
        _ => Child::Failed(read_failure(row.get::<Option<String>, _>("error").as_deref())),
    }))
}

/// How a child run stands.
#[derive(Debug, Clone)]
pub enum Child {
    /// Under way.
    Live,
    /// Its value.
    Completed(Json),
    /// It failed, was cancelled, or passed its deadline.
    Failed(Failure),
}
