//! Looks, as one of all workers, for what somebody should hear of, and says it once.

use std::time::Instant;

use crate::{
    observe::Observers,
    store::{
        Connection, StoreError,
        alert::{AlertRules, watch},
        answered,
    },
};

pub(super) struct Alerts {
    rules: AlertRules,
    observers: Observers,
    looked: Instant,
}

impl Alerts {
    pub fn new(rules: AlertRules, observers: Observers) -> Self {
        Self { rules, observers, looked: Instant::now() }
    }

    /// Looks where it is time; the database sees to it that one worker of all does.
    pub async fn look(&mut self, connection: &mut Connection<'_>) -> Result<(), StoreError> {
        if self.looked.elapsed() < self.rules.every {
            return Ok(());
        }
        self.looked = Instant::now();
        for alert in answered(watch(connection, &self.rules)).await? {
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
