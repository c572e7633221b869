//! The test interface: push a message, learn whether it was acknowledged as done or failed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{BoxError, Delivery, Receipt, Source};

/// A queue in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    sent: i64,
    waiting: VecDeque<Delivery>,
    taken: BTreeMap<i64, oneshot::Sender<Acknowledged>>,
    reads: Vec<usize>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// It succeeded.
    Done,
    /// It failed, and why.
    Failed(String),
}

impl Memory {
    /// Pushes a message; what is answered completes when it is acknowledged.
    pub fn push(&self, body: serde_json::Value) -> oneshot::Receiver<Acknowledged> {
        let mut inside = self.inside();
        inside.sent += 1;
        let (id, (tell, told)) = (inside.sent, oneshot::channel());
        inside.waiting.push_back(Delivery { receipt: Receipt { id, reads: 1 }, body });
        inside.taken.insert(id, tell);
        told
    }

    /// How many messages each read asked for.
    pub fn reads(&self) -> Vec<usize> {
        self.inside().reads.clone()
    }

    /// How many nobody has read.
    pub fn waiting(&self) -> usize {
        self.inside().waiting.len()
    }

    fn acknowledge(&self, receipt: Receipt, how: Acknowledged) {
        if let Some(tell) = self.inside().taken.remove(&receipt.id) {
            let _ = tell.send(how);
        }
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Memory {
    async fn read(&self, most: usize) -> Result<Vec<Delivery>, BoxError> {
        let mut inside = self.inside();
        inside.reads.push(most);
        let most = most.min(inside.waiting.len());
        Ok(inside.waiting.drain(..most).collect())
    }

    fn keep_every(&self) -> Option<Duration> {
        None
    }

    async fn keep(&self, _all: &[Receipt]) -> Result<Vec<Receipt>, BoxError> {
        Ok(Vec::new())
    }

    async fn succeed(&self, all: &[Receipt]) -> Result<(), BoxError> {
        for receipt in all {
            self.acknowledge(*receipt, Acknowledged::Done);
        }
        Ok(())
    }

    async fn fail(&self, one: Receipt, why: &str) -> Result<(), BoxError> {
        self.acknowledge(one, Acknowledged::Failed(why.to_owned()));
        Ok(())
    }
}
