//! One round trip for a batch of settled tokens.

use std::time::Duration;

use sqlx::Row;

use crate::{lifecycle::AttemptStatus, payload::Json};

use super::{Connection, During, HeldSlot, RunId, StoreError, TokenKey, stamp::Stamp};

/// A token that settled, and where it goes.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The token.
    pub key: TokenKey,
    /// The fence.
    pub epoch: i32,
    /// The attempt that ended; `None` for pure code.
    pub attempt: Option<AttemptRow>,
    /// Where the token goes.
    pub fate: Fate,
    /// Other places that it reaches.
    pub arrivals: Vec<ArrivalRow>,
    /// It leaves the start of its run: the slot of this pool goes over to the run.
    pub leaves_start: Option<i32>,
    /// The slots that it held and that are free now.
    pub free: Vec<HeldSlot>,
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
    /// Tokens that now run here beside those that moved.
    pub fired: Vec<Fired>,
    /// The database's time of the flush: when tokens that moved here began.
    pub at: Stamp,
}

/// The columns of `pgflow.flush_1`.
#[derive(Default)]
struct Columns {
    run: Vec<i64>,
    lane: Vec<i16>,
    elem: Vec<i32>,
    epoch: Vec<i32>,
    node: Vec<Option<i16>>,
    number: Vec<Option<i32>>,
    attempt: Vec<Option<i16>>,
    status: Vec<Option<i16>>,
    ready: Vec<Option<Stamp>>,
    started: Vec<Option<Stamp>>,
    output: Vec<Option<String>>,
    error: Vec<Option<String>>,
    next: Vec<Option<i16>>,
    next_queue: Vec<Option<i32>>,
    direct: Vec<bool>,
    wait_ms: Vec<Option<i64>>,
    head: Vec<i64>,
    end: Vec<bool>,
    result: Vec<Option<String>>,
    start: Vec<bool>,
    run_pool: Vec<Option<i32>>,
    arrivals: Arrivals,
    free: SlotColumns,
}

#[derive(Default)]
struct Arrivals {
    ord: Vec<i32>,
    lane: Vec<i16>,
    elem: Vec<i32>,
    queue: Vec<i32>,
    need: Vec<i32>,
    direct: Vec<bool>,
    head: Vec<i64>,
    input: Vec<Option<String>>,
}

/// Slots to free, as columns.
#[derive(Default)]
pub(super) struct SlotColumns {
    pub pool: Vec<i32>,
    pub n: Vec<i32>,
    pub run: Vec<i64>,
    pub lane: Vec<i16>,
    pub elem: Vec<i32>,
    pub epoch: Vec<i32>,
}

impl SlotColumns {
    pub fn push(&mut self, slot: &HeldSlot) {
        self.pool.push(slot.pool);
        self.n.push(slot.n);
        self.run.push(slot.key.run.0);
        self.lane.push(slot.key.lane);
        self.elem.push(slot.key.elem);
        self.epoch.push(slot.epoch);
    }
}

impl Columns {
    fn of(settled: &[Settled]) -> Self {
        let mut columns = Self::default();
        for (i, token) in settled.iter().enumerate() {
            columns.token(token);
            columns.attempt(token.attempt.as_ref());
            columns.fate(&token.fate, token.leaves_start);
            for arrival in &token.arrivals {
                columns.arrivals.push(i, arrival);
            }
            token.free.iter().for_each(|slot| columns.free.push(slot));
        }
        columns
    }

    fn token(&mut self, token: &Settled) {
        self.run.push(token.key.run.0);
        self.lane.push(token.key.lane);
        self.elem.push(token.key.elem);
        self.epoch.push(token.epoch);
    }

    fn attempt(&mut self, row: Option<&AttemptRow>) {
        self.node.push(row.map(|r| r.node));
        self.number.push(row.map(|r| r.elem));
        self.attempt.push(row.map(|r| r.attempt));
        self.status.push(row.map(|r| r.status.code()));
        self.ready.push(row.map(|r| r.ready_at));
        self.started.push(row.map(|r| r.started_at));
        self.output.push(row.and_then(|r| r.output.as_ref()).map(|o| o.as_str().into()));
        self.error.push(row.and_then(|r| r.error.clone()));
    }

    fn fate(&mut self, fate: &Fate, leaves_start: Option<i32>) {
        let (mut next, mut direct, mut wait, mut head) = (None, false, None, 0);
        let (mut result, mut run_pool) = (None, leaves_start);
        match fate {
            Fate::Move { node, queue, direct: here, head: boost } => {
                (next, direct, head) = (Some((*node, *queue)), *here, *boost);
            }
            Fate::Retry { node, queue, wait: delay, head: boost } => {
                (next, head) = (Some((*node, *queue)), *boost);
                wait = Some(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX));
            }
            Fate::Gone => {}
            Fate::End { result: value, run_slot } => (result, run_pool) = (Some(value), *run_slot),
        }
        self.next.push(next.map(|(node, _)| node));
        self.next_queue.push(next.map(|(_, queue)| queue));
        self.direct.push(direct);
        self.wait_ms.push(wait);
        self.head.push(head);
        self.end.push(result.is_some());
        self.result.push(result.map(|v| v.as_str().into()));
        self.start.push(leaves_start.is_some());
        self.run_pool.push(run_pool);
    }
}

impl Arrivals {
    fn push(&mut self, index: usize, arrival: &ArrivalRow) {
        // Postgres counts from 1
        self.ord.push(i32::try_from(index + 1).unwrap_or(i32::MAX));
        self.lane.push(arrival.lane);
        self.elem.push(arrival.elem);
        self.queue.push(arrival.queue);
        self.need.push(i32::try_from(arrival.need).unwrap_or(i32::MAX));
        self.direct.push(arrival.direct);
        self.head.push(arrival.head);
        self.input.push(arrival.input.as_ref().map(|i| i.as_str().into()));
    }
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
    let c = Columns::of(settled);
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
        .bind(c.head)
        .bind(c.end)
        .bind(c.result)
        .bind(c.start)
        .bind(c.run_pool)
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
        .fetch_all(connection)
        .await
        .during("record completions")?;
    let mut flushed =
        Flushed { taken: vec![false; settled.len()], fired: Vec::new(), at: last_at(&rows)? };
    for row in &rows {
        match row.get::<Option<Vec<i32>>, _>("taken") {
            Some(ords) => ords
                .iter()
                .filter_map(|o| usize::try_from(*o - 1).ok())
                .for_each(|i| flushed.taken[i] = true),
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
        .bind(wait.map(|w| i64::try_from(w.as_millis()).unwrap_or(i64::MAX)))
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
