//! Starting the runs of schedules: any worker that has the newest version of a scheduled workflow does it for all.

use std::{sync::Arc, time::Duration};

use crate::{
    registry::Version,
    schedule::Schedule,
    store::{
        Connection, During, StoreError,
        schedule::{last_tick, store_schedule, take_tick},
        stamp::Stamp,
        start::{StartOptions, start},
    },
};

/// The scheduled workflows that a worker serves.
#[derive(Debug, Clone, Default)]
pub(super) struct Schedules(Vec<(Arc<Version>, Schedule)>);

impl Schedules {
    pub fn add(&mut self, version: Arc<Version>, schedule: Schedule) {
        self.0.push((version, schedule));
    }

    pub async fn store(&self, connection: &mut Connection<'_>) -> Result<(), StoreError> {
        for (version, _) in &self.0 {
            let cron = version.spec.options.schedule.unwrap_or_default();
            store_schedule(connection, version.spec.id, version.spec.version, cron).await?;
        }
        Ok(())
    }

    /// Starts what is due, and answers how long it is to the next tick.
    pub async fn fire(
        &self,
        connection: &mut Connection<'_>,
    ) -> Result<Option<Duration>, StoreError> {
        let mut nearest: Option<Duration> = None;
        for (version, schedule) in &self.0 {
            let spec = version.spec;
            let Some((now, last)) = last_tick(connection, spec.id, spec.version).await? else {
                continue;
            };
            let (tick, next) = schedule.due(last.to_system_time(), now.to_system_time());
            if let Some(tick) = tick {
                fire(connection, version, schedule, tick).await?;
            }
            nearest = [nearest, next].into_iter().flatten().min();
        }
        Ok(nearest)
    }
}

/// Takes the tick and starts its run, or neither.
async fn fire(
    connection: &mut Connection<'_>,
    version: &Version,
    schedule: &Schedule,
    tick: std::time::SystemTime,
) -> Result<(), StoreError> {
    let Ok(input) = schedule.input(tick) else { return Ok(()) };
    let mut tx = connection.begin().await.during("begin a scheduled start")?;
    if take_tick(&mut Connection::within(&mut tx), version.spec.id, Stamp::from(tick)).await? {
        let first = version.first(false);
        let options = StartOptions {
            timeout: version.timeout,
            head: version.head(first, 0),
            ..StartOptions::default()
        };
        let entry = version.entry(first);
        start(
            &mut Connection::within(&mut tx),
            &entry,
            &[(input, Some(Schedule::key(tick)))],
            &options,
        )
        .await?;
    }
    tx.commit().await.during("start a scheduled run")
}
