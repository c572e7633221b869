//! Asks what the whole database has to do, for observers that want to hear it.

use std::time::{Duration, Instant};

use crate::{
    client::{WANTED_WITHIN, wanted_workers},
    observe::{Observer, Observers},
    store::{
        Connection, StoreError, answered,
        load::{Load, load},
    },
};

pub(super) struct Loads {
    observers: Observers,
    every: Option<Duration>,
    asked: Option<Instant>,
    /// It was said that observers hear nothing.
    complained: bool,
}

impl Loads {
    pub fn new(observers: Observers) -> Self {
        Self { every: observers.load_every(), observers, asked: None, complained: false }
    }

    /// Asks and tells, where somebody wants it and it is time.
    pub async fn tell(&mut self, connection: &mut Connection<'_>) -> Result<(), StoreError> {
        let Some(every) = self.every else { return Ok(()) };
        if self.asked.is_some_and(|asked| asked.elapsed() < every) {
            return Ok(());
        }
        self.asked = Some(Instant::now());
        match answered(ask(connection)).await {
            Ok((load, wanted)) => {
                self.observers.tell(|| load, Observer::load);
                self.observers.tell(|| wanted, |observer, wanted| observer.wanted(*wanted));
            }
            // a right that is missing, say: upkeep does without
            Err(error) if matches!(error.source, sqlx::Error::Database(_)) => {
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::warn!(%error, source = %error.source, "observers hear nothing of the database's load");
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// What there is to do, and how many workers it takes.
async fn ask(connection: &mut Connection<'_>) -> Result<(Load, u64), StoreError> {
    let load = load(connection).await?;
    Ok((load, wanted_workers(connection, WANTED_WITHIN).await?.workers))
}
