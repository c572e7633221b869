//! How many workers are wanted, for whoever scales them.

use std::time::Duration;

use serde::Serialize;

use crate::store::{
    Connection, StoreError,
    backlog::{Backlog, Capacity, backlog, capacity},
};

use super::Flow;

/// What a worker has room for where none is alive to say it.
const SLOTS: u64 = 32;
/// Within which time what waits shall have been worked off, where nobody says: for the metric, and on the command line.
pub const WANTED_WITHIN: Duration = Duration::from_secs(300);
/// How long a task takes where none has ended in the last hour.
const UNKNOWN: Duration = Duration::from_secs(1);

/// How many workers are wanted, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Wanted {
    /// So many workers.
    pub workers: u64,
    /// How many are alive.
    pub live: u64,
    /// Tasks that one worker runs at once.
    pub slots_per_worker: u64,
    /// The queues with work.
    pub queues: Vec<Demand>,
}

/// What one queue asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Demand {
    /// The workflow.
    pub workflow: String,
    /// Its version.
    pub version: u32,
    /// The id of the node, `start` or `end`.
    pub node: String,
    /// Tasks that wait.
    pub ready: u64,
    /// Tasks that run.
    pub running: u64,
    /// Slots that it wants.
    pub slots: u64,
}

impl Flow {
    /// How many workers it takes to go on with what runs and to have worked off within this time what waits, at the rates
    /// of the last hour and within the limits of steps. None where there is nothing to do.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn wanted_workers(&self, within: Duration) -> Result<Wanted, StoreError> {
        wanted_workers(&mut self.client().await?, within).await
    }
}

pub(crate) async fn wanted_workers(
    connection: &mut Connection<'_>,
    within: Duration,
) -> Result<Wanted, StoreError> {
    let backlog = backlog(connection).await?;
    Ok(wanted(&backlog, capacity(connection).await?, within))
}

fn wanted(backlog: &[Backlog], capacity: Capacity, within: Duration) -> Wanted {
    let slots_per_worker = match capacity.slots.checked_div(capacity.live) {
        None | Some(0) => SLOTS,
        Some(slots) => slots,
    };
    let queues: Vec<Demand> = backlog.iter().map(|queue| demand(queue, within)).collect();
    let slots: u64 = queues.iter().map(|q| q.slots).sum();
    Wanted {
        workers: slots.div_ceil(slots_per_worker),
        live: capacity.live,
        slots_per_worker,
        queues,
    }
}

/// What runs now is what new work asks for by itself: by Little's law its rate times its duration.
fn demand(queue: &Backlog, within: Duration) -> Demand {
    let unknown = if queue.pure { Duration::ZERO } else { UNKNOWN };
    let mean = queue.mean.unwrap_or(unknown).max(Duration::from_millis(1)).as_millis();
    let work = u128::from(queue.ready) * mean;
    let more = u64::try_from(work.div_ceil(within.as_millis().max(1))).unwrap_or(u64::MAX);
    let slots = queue.running.saturating_add(more.min(queue.ready));
    Demand {
        workflow: queue.workflow.clone(),
        version: queue.version,
        node: queue.node.clone(),
        ready: queue.ready,
        running: queue.running,
        slots: slots.min(queue.limit.map_or(u64::MAX, u64::from)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(ready: u64, running: u64, mean_ms: Option<u64>, limit: Option<u32>) -> Backlog {
        Backlog {
            workflow: "w".into(),
            version: 1,
            node: "a".into(),
            pure: false,
            ready,
            running,
            mean: mean_ms.map(Duration::from_millis),
            limit,
        }
    }

    #[test]
    fn workers_follow_what_runs_what_waits_and_what_limits_allow() {
        let minute = Duration::from_secs(60);
        let ten = Capacity { live: 2, slots: 20 };
        let of = |backlog: &[Backlog]| wanted(backlog, ten, minute).workers;
        assert_eq!(of(&[]), 0);
        assert_eq!(of(&[queue(1, 0, None, None)]), 1);
        // 6000 of a second each within a minute are a hundred at once
        assert_eq!(of(&[queue(6_000, 0, Some(1_000), None)]), 10);
        assert_eq!(of(&[queue(6_000, 15, Some(1_000), None)]), 12);
        assert_eq!(of(&[queue(6_000, 15, Some(1_000), Some(20))]), 2);
        // never more at once than there are
        assert_eq!(of(&[queue(30, 0, Some(3_600_000), None)]), 3);
        let nobody = Capacity { live: 0, slots: 0 };
        assert_eq!(wanted(&[queue(64, 0, Some(60_000), None)], nobody, minute).workers, 2);
    }
}
