//! Looks what the whole database has to do, for observers that want to hear it.

use std::time::{Duration, Instant};

use crate::{
    observe::{Observer, Observers},
    store::{Connection, StoreError, answered, load::load},
};

pub(super) struct Looks {
    observers: Observers,
    every: Option<Duration>,
    looked: Option<Instant>,
}

impl Looks {
    pub fn new(observers: Observers) -> Self {
        Self { every: observers.load_every(), observers, looked: None }
    }

    /// Looks where somebody wants it and it is time.
    pub async fn look(&mut self, connection: &mut Connection<'_>) -> Result<(), StoreError> {
        let Some(every) = self.every else { return Ok(()) };
        if self.looked.is_some_and(|looked| looked.elapsed() < every) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        match answered(load(connection)).await {
            Ok(load) => self.observers.tell(|| load, Observer::load),
            // a right that is missing, say: upkeep does without
            Err(error) if matches!(error.source, sqlx::Error::Database(_)) => {
                tracing::warn!(%error, source = %error.source, "observers hear nothing of the database's load");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
