//! Workers' rows and leases, and the upkeep that any worker does for all.

use std::time::Duration;

use sqlx::Row;

use super::{Connection, During, HeldSlot, RunId, StoreError, TokenKey, duration, millis};

/// Registers a worker and answers its id, which nobody had before.
///
/// # Errors
/// [`StoreError`].
pub async fn register_worker(
    connection: &mut Connection<'_>,
    name: &str,
    offers: &str,
    lease: Duration,
) -> Result<i32, StoreError> {
    sqlx::query_scalar(
        "insert into pgflow.worker (id, name, lease_until, offers) \
         values (nextval('pgflow.worker_id'), $1, pgflow.clock() + $2 * interval '1 millisecond', $3::jsonb) returning id",
    )
    .bind(name)
    .bind(millis(lease))
    .bind(offers)
    .fetch_one(connection)
    .await
    .during("register a worker")
}

/// Renews a lease and says how many tasks are under way. `false`: it has run out, and whatever the worker holds may be
/// somebody else's.
///
/// # Errors
/// [`StoreError`].
pub async fn heartbeat(
    connection: &mut Connection<'_>,
    worker: i32,
    lease: Duration,
    busy: usize,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update pgflow.worker set lease_until = pgflow.clock() + $2 * interval '1 millisecond', busy = $3 \
         where id = $1 and lease_until > pgflow.clock()",
    )
    .bind(worker)
    .bind(millis(lease))
    .bind(i32::try_from(busy).unwrap_or(i32::MAX))
    .execute(connection)
    .await
    .during("renew a lease")?;
    Ok(done.rows_affected() == 1)
}

/// Which of these tokens the worker no longer holds.
///
/// # Errors
/// [`StoreError`].
pub async fn lost(
    connection: &mut Connection<'_>,
    worker: i32,
    tokens: &[(TokenKey, i32)],
) -> Result<Vec<(TokenKey, i32)>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/task/lost.sql"))
        .bind(worker)
        .bind(tokens.iter().map(|(key, _)| key.run.0).collect::<Vec<_>>())
        .bind(tokens.iter().map(|(key, _)| key.lane).collect::<Vec<_>>())
        .bind(tokens.iter().map(|(key, _)| key.elem).collect::<Vec<_>>())
        .bind(tokens.iter().map(|(_, epoch)| *epoch).collect::<Vec<_>>())
        .fetch_all(connection)
        .await
        .during("say what is still held")?;
    let key = |r: &sqlx::postgres::PgRow| TokenKey {
        run: RunId(r.get("run_id")),
        lane: r.get("lane"),
        elem: r.get("elem"),
    };
    Ok(rows.iter().map(|r| (key(r), r.get("epoch"))).collect())
}

/// What a running step says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressNote {
    /// The run.
    pub run: RunId,
    /// The number of the node.
    pub node: i16,
    /// 0, or the element of a map from 1.
    pub elem: i32,
    /// How much is done.
    pub done: u64,
    /// Out of how much.
    pub total: u64,
    /// In words.
    pub note: Option<String>,
}

/// Writes down progress.
///
/// # Errors
/// [`StoreError`].
pub async fn write_progress(
    connection: &mut Connection<'_>,
    notes: &[ProgressNote],
) -> Result<(), StoreError> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    sqlx::query(include_str!("../../sql/task/write_progress.sql"))
        .bind(notes.iter().map(|n| n.run.0).collect::<Vec<_>>())
        .bind(notes.iter().map(|n| n.node).collect::<Vec<_>>())
        .bind(notes.iter().map(|n| n.elem).collect::<Vec<_>>())
        .bind(notes.iter().map(|n| number(n.done)).collect::<Vec<_>>())
        .bind(notes.iter().map(|n| number(n.total)).collect::<Vec<_>>())
        .bind(
            notes
                .iter()
                .map(|n| n.note.as_deref().map(|t| t.replace('\0', "\u{fffd}")))
                .collect::<Vec<_>>(),
        )
        .execute(connection)
        .await
        .during("write down progress")?;
    Ok(())
}

/// Says that a worker waits for work and wants to be notified. `false`: it had said so already.
///
/// # Errors
/// [`StoreError`].
pub async fn set_idle(connection: &mut Connection<'_>, worker: i32) -> Result<bool, StoreError> {
    let done = sqlx::query("update pgflow.worker set idle = true where id = $1 and not idle")
        .bind(worker)
        .execute(connection)
        .await
        .during("note an idle worker")?;
    Ok(done.rows_affected() == 1)
}

/// Removes a worker; where something is left of what it held, its lease runs out at once instead.
///
/// # Errors
/// [`StoreError`].
pub async fn sign_off(connection: &mut Connection<'_>, worker: i32) -> Result<(), StoreError> {
    sqlx::query(include_str!("../../sql/task/sign_off.sql"))
        .bind(worker)
        .execute(connection)
        .await
        .during("sign a worker off")?;
    Ok(())
}

/// What upkeep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tick {
    /// Tokens taken over from dead workers.
    pub recovered: i32,
    /// Tokens whose delay was over.
    pub woken: i32,
    /// Live runs whose deadline has passed.
    pub overdue: Vec<RunId>,
    /// Something is ready in the queues asked about.
    pub work: bool,
    /// When the next delay is over.
    pub next: Option<Duration>,
}

/// Does what is due, for all workers.
///
/// # Errors
/// [`StoreError`].
pub async fn tick(connection: &mut Connection<'_>, queues: &[i32]) -> Result<Tick, StoreError> {
    let row = sqlx::query("select * from pgflow.tick_1($1)")
        .bind(queues)
        .fetch_one(connection)
        .await
        .during("do its upkeep")?;
    Ok(Tick {
        recovered: row.get("recovered"),
        woken: row.get("woken"),
        overdue: row.get::<Vec<i64>, _>("overdue").into_iter().map(RunId).collect(),
        work: row.get("work"),
        next: row.get::<Option<i64>, _>("next_ms").map(duration),
    })
}

/// Vacuums the table of tokens when enough of it is dead; autovacuum's launcher wakes up too rarely for it.
///
/// # Errors
/// [`StoreError`].
pub async fn vacuum_tasks(connection: &mut Connection<'_>) -> Result<(), StoreError> {
    let dead: Option<i64> =
        sqlx::query_scalar("select pg_stat_get_dead_tuples('pgflow.task'::regclass)")
            .fetch_one(&mut *connection)
            .await
            .during("count dead rows")?;
    if dead.unwrap_or_default() > 20_000 {
        // never in a transaction
        sqlx::raw_sql("vacuum (skip_locked) pgflow.task")
            .execute(connection.driver())
            .await
            .during("vacuum its tasks")?;
    }
    Ok(())
}

/// All tokens that the worker holds, with their epochs and slots.
///
/// # Errors
/// [`StoreError`].
pub async fn held(
    connection: &mut Connection<'_>,
    worker: i32,
) -> Result<Vec<(TokenKey, i32, Vec<HeldSlot>)>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/task/held.sql"))
        .bind(worker)
        .fetch_all(connection)
        .await
        .during("say what a worker holds")?;
    let token = |row: &sqlx::postgres::PgRow| {
        let run = RunId(row.get("run_id"));
        let key = TokenKey { run, lane: row.get("lane"), elem: row.get("elem") };
        let epoch: i32 = row.get("epoch");
        let pools: Vec<i32> = row.get("pools");
        let slots = pools.into_iter().zip(row.get::<Vec<i32>, _>("ns"));
        (key, epoch, slots.map(|(pool, n)| HeldSlot { pool, n, key, epoch }).collect())
    };
    Ok(rows.iter().map(token).collect())
}
