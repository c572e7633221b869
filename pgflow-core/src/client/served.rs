//! Who serves what was started.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use crate::{
    definition::Definition,
    store::{StoreError, act, read},
};

use super::Flow;

/// How often it is looked whether a workflow that is started is served.
const ASK_AGAIN: Duration = Duration::from_secs(60);

impl Flow {
    /// The workflows that live workers serve now, as `name@version`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn served(&self) -> Result<Vec<String>, StoreError> {
        read::served(&mut self.client().await?).await
    }

    async fn wake_workers(&self) -> Result<(), StoreError> {
        act::wake(&mut self.client().await?).await
    }

    /// Says in the log that no live worker serves what was just started, where that is so.
    pub(super) async fn warn_unserved(&self, id: i32, definition: &Definition) {
        {
            let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.get(&id).is_some_and(|at| at.elapsed() < ASK_AGAIN) {
                return;
            }
            asked.insert(id, Instant::now());
        }
        let (name, number) = (&definition.name, definition.version);
        // the run is started, whatever the answer
        let Ok(served) = self.served().await else { return };
        if !served.contains(&format!("{name}@{number}")) {
            // workers that are busy and were not woken look for alerts sooner
            let _ = self.wake_workers().await;
            tracing::warn!(
                "no live worker serves `{name}` version {number}: its runs wait until one does"
            );
        }
    }
}
