//! Waiting for runs: in memory for those of this process, else one polled statement for all that are awaited.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::PgPool;
use tokio::sync::{Notify, oneshot};

use crate::store::{
    Connection, RunId, StoreError,
    read::{Ending, endings},
};

use super::POLL;

/// Who waits for which run.
#[derive(Debug)]
pub struct Hub {
    pool: PgPool,
    pooler: bool,
    waiting: Mutex<Waiting>,
    more: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Waiting {
    runs: HashMap<RunId, Vec<oneshot::Sender<Ending>>>,
    polling: bool,
}

impl Hub {
    pub(super) fn new(pool: PgPool, pooler: bool) -> Self {
        Self { pool, pooler, waiting: Mutex::default(), more: Arc::default() }
    }

    /// A run of this process ended.
    pub(crate) fn ended(&self, run: RunId, ending: &Ending) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).runs.remove(&run);
        for sender in waiting.into_iter().flatten() {
            let _ = sender.send(ending.clone());
        }
    }

    /// Waits for a run to end.
    pub(super) async fn ending(self: &Arc<Self>, run: RunId) -> Result<Ending, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let start = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.runs.entry(run).or_default().push(sender);
            !std::mem::replace(&mut waiting.polling, true)
        };
        if start {
            tokio::spawn(self.clone().poll());
        }
        self.more.notify_one();
        let gone =
            |_| StoreError { operation: "say how a run ended", source: sqlx::Error::PoolClosed };
        receiver.await.map_err(gone)
    }

    async fn poll(self: Arc<Self>) {
        // a poll that panics, or dies with its runtime, lets the next waiter begin another
        let _guard = Polling(&self);
        let mut pause = POLL.0;
        loop {
            let awaited: Vec<RunId> = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.runs.retain(|_, senders| senders.iter().any(|s| !s.is_closed()));
                waiting.polling = !waiting.runs.is_empty();
                waiting.runs.keys().copied().collect()
            };
            if awaited.is_empty() {
                return;
            }
            match self.look(&awaited).await {
                Ok(found) => found.iter().for_each(|(run, ending)| self.ended(*run, ending)),
                Err(error) => {
                    tracing::warn!(%error, source = %error.source, "waiting for runs goes on");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(POLL.1),
                () = self.more.notified() => pause = POLL.0,
            }
        }
    }

    async fn look(&self, runs: &[RunId]) -> Result<Vec<(RunId, Ending)>, StoreError> {
        endings(&mut Connection::lent(&self.pool, self.pooler).await?, runs).await
    }
}

struct Polling<'h>(&'h Hub);

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).polling = false;
    }
}
