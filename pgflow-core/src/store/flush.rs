//! One round trip for a batch of settled tokens.

mod columns;

use std::{collections::BTreeSet, time::Duration};

use sqlx::{PgConnection, Row};

use crate::{lifecycle::AttemptStatus, payload::Json};

use columns::Columns;
pub(super) use columns::SlotColumns;

use super::{
    Connection, During, HeldSlot, RunId, StoreError, TokenKey, millis, stamp::Stamp, start::Entry,
};

/// A token that settled, and where it goes.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The token.
    pub key: TokenKey,
    /// The fence.
    pub epoch: i32,
    /// The attempt that ended; `None` for pure code.
    pub attempt: Option<AttemptRow>,
    /// What pure code came to on the way.
    pub records: Vec<RecordRow>,
    /// Where the token goes.
    pub fate: Fate,
    /// Other places that it reaches.
    pub arrivals: Vec<ArrivalRow>,
    /// It leaves the start of its run: the slot of this pool goes over to the run.
    pub leaves_start: Option<i32>,
    /// The number of the map of which it was an element, where others may wait: the next one may begin.
    pub next_of: Option<i16>,
    /// The slots that it held and that are free now.
    pub free: Vec<HeldSlot>,
}

impl Settled {
    /// Whether another attempt follows.
    pub fn is_retry(&self) -> bool {
        matches!(self.fate, Fate::Retry { .. })
    }
}

/// What pure code came to: the arm of a branch, a node whose arm was not taken, a map that failed as a whole.
#[derive(Debug, Clone)]
pub struct RecordRow {
    /// The number of the node.
    pub node: i16,
    /// How it ended.
    pub status: AttemptStatus,
    /// The key of the arm.
    pub output: Option<Json>,
    /// Its failure, as JSON text.
    pub error: Option<String>,
}

/// A child run to start.
#[derive(Debug, Clone)]
pub struct ChildRow {
    /// Where its runs begin.
    pub entry: Entry,
    /// Its input.
    pub input: Json,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Head start of its first place, in microseconds.
    pub head: i64,
}

/// What a parked token waits for.
#[derive(Debug, Clone)]
pub enum Wait {
    /// Nothing but time.
    Time,
    /// A signal of this name.
    Signal(String),
    /// The child that it starts.
    Child(ChildRow),
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// The number of the node.
    pub node: i16,
    /// 0, or the element of a map from 1.
    pub elem: i32,
    /// The attempt, from 1.
    pub attempt: i16,
    /// How it ended.
    pub status: AttemptStatus,
    /// Since when it was ready.
    pub ready_at: Stamp,
    /// When it began.
    pub started_at: Stamp,
    /// Its output.
    pub output: Option<Json>,
    /// Its failure, as JSON text.
    pub error: Option<String>,
}

/// Where a settled token goes.
#[derive(Debug, Clone)]
pub enum Fate {
    /// To another node.
    Move {
        /// The number of that node.
        node: i16,
        /// The queue of that node.
        queue: i32,
        /// It goes on in this worker, without a claim.
        direct: bool,
        /// Head start of its priority, in microseconds.
        head: i64,
    },
    /// Another attempt after a delay.
    Retry {
        /// The number of its node.
        node: i16,
        /// The queue of its node.
        queue: i32,
        /// The delay.
        wait: Duration,
        /// Head start of its priority, in microseconds.
        head: i64,
    },
    /// To a place where it waits.
    Park {
        /// The number of that node.
        node: i16,
        /// The queue of waits that are over.
        queue: i32,
        /// For how long at most.
        limit: Option<Duration>,
        /// What for.
        wait: Wait,
        /// Head start of its priority, in microseconds.
        head: i64,
    },
    /// It ends; its arrivals go on.
    Gone,
    /// It ends, and the run with it.
    End {
        /// The final value.
        result: Json,
        /// The pool of which the run holds a slot.
        run_slot: Option<i32>,
    },
}

/// A token that reaches another place.
#[derive(Debug, Clone)]
pub struct ArrivalRow {
    /// The number of the node.
    pub lane: i16,
    /// 0, or the element of a map from 1, or −1 for its gather.
    pub elem: i32,
    /// The queue of the place.
    pub queue: i32,
    /// Arrivals that the place waits for; 0 where its row is there.
    pub need: u32,
    /// It goes on in this worker at once; for joins see `join_direct` of [`flush`].
    pub direct: bool,
    /// Head start of its priority, in microseconds.
    pub head: i64,
    /// The element of a map.
    pub input: Option<Json>,
}

/// A token that a flush made or completed and that now runs in this worker.
#[derive(Debug, Clone, Copy)]
pub struct Fired {
    /// The token.
    pub key: TokenKey,
    /// The fence.
    pub epoch: i32,
    /// When it began.
    pub at: Stamp,
}

/// What a flush did.
#[derive(Debug, Clone)]
pub struct Flushed {
    /// For each settled token whether it was still held; what was not leaves nothing.
    pub taken: Vec<bool>,
    /// For each whether its run is paused: it does not go on here.
    pub halted: Vec<bool>,
    /// Tokens that now run here beside those that moved.
    pub fired: Vec<Fired>,
    /// The maps of which an element ended and none waits for others, by run and number.
    pub all_begun: Vec<(RunId, i16)>,
    /// The database's time of the flush: when tokens that moved here began.
    pub at: Stamp,
}

/// Settles a batch of tokens, which must be sorted by key. Joins that fire go on here when their queue is in
/// `join_direct`. Repeating a flush whose outcome is unknown is safe: what was taken is refused.
///
/// # Errors
/// [`StoreError`]; nothing of the batch is done then, unless the connection broke at the commit.
pub async fn flush(
    connection: &mut Connection<'_>,
    worker: i32,
    settled: &[Settled],
    join_direct: &[i32],
) -> Result<Flushed, StoreError> {
    flush_and_restore(connection, worker, settled, join_direct, None).await
}

/// What a flush needs in a transaction of the host, whose connection is the host's to plan on: neither the path nor what
/// the planner may do are the engine's there. A process that is frozen before it commits must not hold the run's rows for
/// as long as it likes.
const WITHIN: &str = "select pg_catalog.current_setting('search_path'); set local search_path = pg_catalog; \
                      set local enable_seqscan = off; set local jit = off; \
                      set local idle_in_transaction_session_timeout = 10000";

/// [`flush`] in a transaction of the host. What the host has put on its `search_path` is not called by it, and the path is
/// as it was afterwards, for triggers that wait for the commit.
///
/// # Errors
/// As [`flush`].
pub async fn flush_within(
    transaction: &mut PgConnection,
    worker: i32,
    settled: &[Settled],
    join_direct: &[i32],
) -> Result<Flushed, StoreError> {
    let prepared = sqlx::raw_sql(WITHIN).fetch_all(&mut *transaction).await;
    let path: Option<String> = prepared.during("prepare a commit")?.first().map(|row| row.get(0));
    let mut connection = Connection::within(transaction);
    flush_and_restore(&mut connection, worker, settled, join_direct, path).await
}

async fn flush_and_restore(
    connection: &mut Connection<'_>,
    worker: i32,
    settled: &[Settled],
    join_direct: &[i32],
    path: Option<String>,
) -> Result<Flushed, StoreError> {
    let c = Columns::of(settled);
    let maps: BTreeSet<(i64, i16)> =
        settled.iter().filter_map(|s| Some((s.key.run.0, s.next_of?))).collect();
    let (runs, lanes): (Vec<i64>, Vec<i16>) = maps.iter().copied().unzip();
    let rows = sqlx::query(include_str!("../../sql/task/flush.sql"))
        .bind(worker)
        .bind(c.run)
        .bind(c.lane)
        .bind(c.elem)
        .bind(c.epoch)
        .bind(c.node)
        .bind(c.number)
        .bind(c.attempt)
        .bind(c.status)
        .bind(c.ready)
        .bind(c.started)
        .bind(c.output)
        .bind(c.error)
        .bind(c.next)
        .bind(c.next_queue)
        .bind(c.direct)
        .bind(c.wait_ms)
        .bind(c.park)
        .bind(c.signal)
        .bind(c.next_of)
        .bind(c.head)
        .bind(c.end)
        .bind(c.result)
        .bind(c.start)
        .bind(c.run_pool)
        .bind(c.records.ord)
        .bind(c.records.node)
        .bind(c.records.status)
        .bind(c.records.output)
        .bind(c.records.error)
        .bind(c.children.ord)
        .bind(c.children.workflow)
        .bind(c.children.input)
        .bind(c.children.timeout_ms)
        .bind(c.children.node)
        .bind(c.children.queue)
        .bind(c.children.head)
        .bind(c.arrivals.ord)
        .bind(c.arrivals.lane)
        .bind(c.arrivals.elem)
        .bind(c.arrivals.queue)
        .bind(c.arrivals.need)
        .bind(c.arrivals.direct)
        .bind(c.arrivals.head)
        .bind(c.arrivals.input)
        .bind(join_direct)
        .bind(c.free.pool)
        .bind(c.free.n)
        .bind(c.free.run)
        .bind(c.free.lane)
        .bind(c.free.elem)
        .bind(c.free.epoch)
        .bind(runs)
        .bind(lanes)
        .bind(path)
        .fetch_all(connection)
        .await
        .during("record completions")?;
    let none = vec![false; settled.len()];
    let mut flushed = Flushed {
        taken: none.clone(),
        halted: none,
        fired: Vec::new(),
        all_begun: Vec::new(),
        at: last_at(&rows)?,
    };
    let mark = |ords: Vec<i32>, marks: &mut Vec<bool>| {
        let places = ords.into_iter().filter_map(|o| usize::try_from(o - 1).ok());
        places.for_each(|i| marks[i] = true);
    };
    for row in &rows {
        match row.get::<Option<Vec<i32>>, _>("taken") {
            Some(ords) => {
                mark(ords, &mut flushed.taken);
                mark(row.get("halted"), &mut flushed.halted);
                let waited: Vec<bool> = row.get("waited");
                let begun = maps.iter().zip(waited).filter(|(_, waited)| !waited);
                flushed.all_begun = begun.map(|((run, map), _)| (RunId(*run), *map)).collect();
            }
            None => flushed.fired.push(Fired {
                key: TokenKey {
                    run: RunId(row.get("run_id")),
                    lane: row.get("lane"),
                    elem: row.get("elem"),
                },
                epoch: row.get("epoch"),
                at: row.get("at"),
            }),
        }
    }
    Ok(flushed)
}

fn last_at(rows: &[sqlx::postgres::PgRow]) -> Result<Stamp, StoreError> {
    rows.last().map(|row| row.get("at")).ok_or(StoreError {
        operation: "say when it recorded completions",
        source: sqlx::Error::RowNotFound,
    })
}

/// Gives tokens back unharmed, ready at once or after `wait`, with the slots that they hold.
///
/// # Errors
/// [`StoreError`].
pub async fn hand_back(
    connection: &mut Connection<'_>,
    worker: i32,
    tokens: &[(TokenKey, i32, Vec<HeldSlot>)],
    wait: Option<Duration>,
) -> Result<(), StoreError> {
    let mut free = SlotColumns::default();
    tokens.iter().flat_map(|(_, _, slots)| slots).for_each(|slot| free.push(slot));
    sqlx::query("select pgflow.hand_back_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(worker)
        .bind(tokens.iter().map(|(key, ..)| key.run.0).collect::<Vec<_>>())
        .bind(tokens.iter().map(|(key, ..)| key.lane).collect::<Vec<_>>())
        .bind(tokens.iter().map(|(key, ..)| key.elem).collect::<Vec<_>>())
        .bind(tokens.iter().map(|(_, epoch, _)| *epoch).collect::<Vec<_>>())
        .bind(wait.map(millis))
        .bind(free.pool)
        .bind(free.n)
        .bind(free.run)
        .bind(free.lane)
        .bind(free.elem)
        .bind(free.epoch)
        .execute(connection)
        .await
        .during("take work back")?;
    Ok(())
}
