//! A batch as the arrays that `pgflow.flush_2` takes.

use super::{
    ArrivalRow, AttemptRow, ChildRow, Fate, HeldSlot, RecordRow, Settled, Stamp, Wait, millis,
};

/// The columns of `pgflow.flush_2`.
#[derive(Default)]
pub(super) struct Columns {
    pub run: Vec<i64>,
    pub lane: Vec<i16>,
    pub elem: Vec<i32>,
    pub epoch: Vec<i32>,
    pub node: Vec<Option<i16>>,
    pub number: Vec<Option<i32>>,
    pub attempt: Vec<Option<i16>>,
    pub status: Vec<Option<i16>>,
    pub ready: Vec<Option<Stamp>>,
    pub started: Vec<Option<Stamp>>,
    pub output: Vec<Option<String>>,
    pub error: Vec<Option<String>>,
    pub next: Vec<Option<i16>>,
    pub next_queue: Vec<Option<i32>>,
    pub direct: Vec<bool>,
    pub wait_ms: Vec<Option<i64>>,
    pub park: Vec<bool>,
    pub signal: Vec<Option<String>>,
    pub next_of: Vec<Option<i16>>,
    pub head: Vec<i64>,
    pub end: Vec<bool>,
    pub result: Vec<Option<String>>,
    pub start: Vec<bool>,
    pub run_pool: Vec<Option<i32>>,
    pub records: Records,
    pub children: Children,
    pub arrivals: Arrivals,
    pub free: SlotColumns,
}

#[derive(Default)]
pub(super) struct Records {
    pub ord: Vec<i32>,
    pub node: Vec<i16>,
    pub status: Vec<i16>,
    pub output: Vec<Option<String>>,
    pub error: Vec<Option<String>>,
}

#[derive(Default)]
pub(super) struct Children {
    pub ord: Vec<i32>,
    pub workflow: Vec<i32>,
    pub input: Vec<String>,
    pub timeout_ms: Vec<Option<i64>>,
    pub node: Vec<i16>,
    pub queue: Vec<i32>,
    pub head: Vec<i64>,
}

#[derive(Default)]
pub(super) struct Arrivals {
    pub ord: Vec<i32>,
    pub lane: Vec<i16>,
    pub elem: Vec<i32>,
    pub queue: Vec<i32>,
    pub need: Vec<i32>,
    pub direct: Vec<bool>,
    pub head: Vec<i64>,
    pub input: Vec<Option<String>>,
}

/// Slots to free, as columns.
#[derive(Default)]
pub(in crate::store) struct SlotColumns {
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
    pub(super) fn of(settled: &[Settled]) -> Self {
        let mut columns = Self::default();
        for (i, token) in settled.iter().enumerate() {
            columns.token(token);
            columns.attempt(token.attempt.as_ref());
            columns.fate(i, &token.fate, token.leaves_start);
            columns.next_of.push(token.next_of);
            for record in &token.records {
                columns.records.push(i, record);
            }
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

    fn fate(&mut self, index: usize, fate: &Fate, leaves_start: Option<i32>) {
        let (mut next, mut direct, mut wait, mut head) = (None, false, None, 0);
        let (mut park, mut signal) = (false, None);
        let (mut result, mut run_pool) = (None, leaves_start);
        match fate {
            Fate::Move { node, queue, direct: here, head: boost } => {
                (next, direct, head) = (Some((*node, *queue)), *here, *boost);
            }
            Fate::Retry { node, queue, wait: delay, head: boost } => {
                (next, wait, head) = (Some((*node, *queue)), Some(millis(*delay)), *boost);
            }
            Fate::Park { node, queue, limit, wait: what, head: boost } => {
                (next, wait, head) = (Some((*node, *queue)), limit.map(millis), *boost);
                park = true;
                match what {
                    Wait::Time => {}
                    Wait::Signal(name) => signal = Some(name.clone()),
                    Wait::Child(child) => self.children.push(index, child),
                }
            }
            Fate::Gone => {}
            Fate::End { result: value, run_slot } => (result, run_pool) = (Some(value), *run_slot),
        }
        self.next.push(next.map(|(node, _)| node));
        self.next_queue.push(next.map(|(_, queue)| queue));
        self.direct.push(direct);
        self.wait_ms.push(wait);
        self.park.push(park);
        self.signal.push(signal);
        self.head.push(head);
        self.end.push(result.is_some());
        self.result.push(result.map(|v| v.as_str().into()));
        self.start.push(leaves_start.is_some());
        self.run_pool.push(run_pool);
    }
}

/// The place of a token in its batch, as Postgres counts.
fn ord(index: usize) -> i32 {
    i32::try_from(index + 1).unwrap_or(i32::MAX)
}

impl Records {
    fn push(&mut self, index: usize, record: &RecordRow) {
        self.ord.push(ord(index));
        self.node.push(record.node);
        self.status.push(record.status.code());
        self.output.push(record.output.as_ref().map(|o| o.as_str().into()));
        self.error.push(record.error.clone());
    }
}

impl Children {
    fn push(&mut self, index: usize, child: &ChildRow) {
        self.ord.push(ord(index));
        self.workflow.push(child.entry.workflow_id);
        self.input.push(child.input.as_str().into());
        self.timeout_ms.push(child.timeout.map(millis));
        self.node.push(child.entry.node);
        self.queue.push(child.entry.queue);
        self.head.push(child.head);
    }
}

impl Arrivals {
    fn push(&mut self, index: usize, arrival: &ArrivalRow) {
        self.ord.push(ord(index));
        self.lane.push(arrival.lane);
        self.elem.push(arrival.elem);
        self.queue.push(arrival.queue);
        self.need.push(i32::try_from(arrival.need).unwrap_or(i32::MAX));
        self.direct.push(arrival.direct);
        self.head.push(arrival.head);
        self.input.push(arrival.input.as_ref().map(|i| i.as_str().into()));
    }
}
