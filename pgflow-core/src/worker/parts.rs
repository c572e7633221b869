//! The parts of a session that run beside it.

use std::sync::{Arc, atomic::AtomicU64};

use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use crate::store::connect::Endpoint;

use super::{
    flusher::{Flusher, Work},
    session::{Message, watched},
};

/// Connections that record completions: two in flight hide each other's fsync.
const FLUSHERS: usize = 2;

/// The parts of a session that run beside it, and what they share.
pub(super) struct Parts {
    pub worker: i32,
    pub endpoint: Endpoint,
    /// To the session.
    pub report: mpsc::UnboundedSender<Message>,
    /// Counts the writes of this worker, for upkeep.
    pub writes: Arc<AtomicU64>,
    /// Wakes upkeep: something will be due soon.
    pub due: Arc<Notify>,
    pub tasks: Vec<JoinHandle<()>>,
}

impl Parts {
    pub fn new(worker: i32, endpoint: Endpoint, report: mpsc::UnboundedSender<Message>) -> Self {
        let (writes, due, tasks) = (Arc::default(), Arc::default(), Vec::new());
        Self { worker, endpoint, report, writes, due, tasks }
    }

    /// Runs a part; one that panics ends the session.
    pub fn spawn(&mut self, part: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(watched(self.report.clone(), part)));
    }

    /// Runs those that write.
    pub fn flushers(&mut self, join_direct: &[i32]) -> Vec<mpsc::UnboundedSender<Work>> {
        let flusher = |number| {
            let (work, inbox) = mpsc::unbounded_channel();
            let flusher = Flusher {
                number,
                worker: self.worker,
                endpoint: self.endpoint.clone(),
                join_direct: join_direct.to_vec(),
                report: self.report.clone(),
                writes: self.writes.clone(),
            };
            self.spawn(flusher.run(inbox));
            work
        };
        (0..FLUSHERS).map(flusher).collect()
    }
}
