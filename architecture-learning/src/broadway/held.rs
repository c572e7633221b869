//! The messages that a consumer has: read, and neither acknowledged nor lost to another reader.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Receipt;

/// What is held, by id. A message that was read again counts as it was read last.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<BTreeMap<i64, Receipt>>);

impl Held {
    pub fn take(&self, receipt: Receipt) {
        self.inside().insert(receipt.id, receipt);
    }

    pub fn has(&self, receipt: Receipt) -> bool {
        self.inside().get(&receipt.id) == Some(&receipt)
    }

    /// Whether it was held until now.
    pub fn let_go(&self, receipt: Receipt) -> bool {
        let mut inside = self.inside();
        let held = inside.get(&receipt.id) == Some(&receipt);
        if held {
            inside.remove(&receipt.id);
        }
        held
    }

    pub fn all(&self) -> Vec<Receipt> {
        self.inside().values().copied().collect()
    }

    fn inside(&self) -> MutexGuard<'_, BTreeMap<i64, Receipt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
