//! Looks, as one of all workers, for what somebody should hear of, and says it once.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    observe::Observers,
    store::{
        Connection, StoreError,
        alert::{AlertRules, watch},
        answered,
    },
};

use super::beat::BEAT;

pub(super) struct Alerts {
    rules: AlertRules,
    observers: Observers,
    /// Somebody said that there is work, or that a worker left.
    heard: Arc<Notify>,
    looked: Instant,
    /// Something happened since.
    stirred: bool,
}

impl Alerts {
    pub fn new(rules: AlertRules, observers: Observers, heard: Arc<Notify>) -> Self {
        Self { rules, observers, heard, looked: Instant::now(), stirred: true }
    }

    /// Something happened that others may have to hear of, so the next look is due within a heartbeat of the last one.
    pub fn stir(&mut self) {
        self.stirred = true;
    }

    /// It was time to look, and that could not be.
    pub fn put_off(&mut self) {
        (self.looked, self.stirred) = (Instant::now(), true);
    }

    /// Ends when something has happened and it is time to look.
    pub async fn stirred(&mut self) {
        if !self.stirred {
            self.heard.notified().await;
            self.stirred = true;
        }
        sleep_until(self.looked + self.pause()).await;
    }

    /// The least time between two looks.
    fn pause(&self) -> Duration {
        if self.stirred { self.rules.every.min(BEAT) } else { self.rules.every }
    }

    /// Looks where it is time; the database sees to it that one worker of all does.
    pub async fn look(&mut self, connection: &mut Connection<'_>) -> Result<(), StoreError> {
        let pause = self.pause();
        if self.looked.elapsed() < pause {
            return Ok(());
        }
        (self.looked, self.stirred) = (Instant::now(), false);
        for alert in answered(watch(connection, &self.rules, pause)).await? {
            let (kind, subject, detail) = (&alert.kind, &alert.subject, &alert.detail);
            if alert.cleared {
                tracing::info!(%kind, %subject, "alert is over: {subject}");
            } else {
                tracing::warn!(%kind, %subject, "alert: {subject}: {detail}");
            }
            self.observers.tell(|| &alert, |observer, alert| observer.alert(alert));
        }
        Ok(())
    }
}
