//! What any worker does for all: what is due, what the dead left, the vacuum; and hearing of work and of cancelled runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, mpsc};

use crate::store::{
    Connection, RunId, StoreError, answered,
    connect::Endpoint,
    upkeep::{Tick, tick, vacuum_tasks},
};

use super::{
    alerts::Alerts, flusher::Backoff, loads::Loads, schedules::Schedules, session::Message,
    triggers::Registered,
};

/// How often upkeep looks when nothing is known to be due.
const TICK: Duration = Duration::from_secs(5);
/// How often it looks after this worker wrote something, or where nobody else says that there is work.
const POLL: Duration = Duration::from_secs(2);
/// The least between two looks at whether the table of tokens wants a vacuum.
const VACUUM_PAUSE: Duration = Duration::from_secs(2);

/// Upkeep for all workers, on a connection of its own.
pub(super) struct Upkeep {
    pub endpoint: Endpoint,
    pub queues: Vec<i32>,
    pub report: mpsc::UnboundedSender<Message>,
    /// Counts the writes of this worker.
    pub writes: Arc<AtomicU64>,
    /// Something will be due soon.
    pub due: Arc<Notify>,
    pub schedules: Schedules,
    pub alerts: Option<Alerts>,
    /// The writes at the last look for alerts.
    pub written: u64,
    pub loads: Loads,
}

impl Upkeep {
    pub async fn run(mut self) {
        let mut connection: Option<Connection<'static>> = None;
        let mut backoff = Backoff::default();
        let mut vacuumed = (Instant::now(), 0);
        while !self.report.is_closed() {
            match self.once(&mut connection, &mut vacuumed).await {
                Ok(tick) => {
                    backoff = Backoff::default();
                    let busy = self.writes.load(Ordering::Relaxed) != vacuumed.1;
                    let most = if busy || self.endpoint.pooler { POLL } else { TICK };
                    let next = tick.next.unwrap_or(most);
                    let _ = self.report.send(Message::Ticked(tick));
                    let stirred = async {
                        match &mut self.alerts {
                            Some(alerts) => alerts.stirred().await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        () = tokio::time::sleep(next.clamp(Duration::from_millis(1), most)) => {}
                        () = self.due.notified() => {}
                        () = stirred => {}
                        () = self.report.closed() => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, source = %error.source, "upkeep waits for the database");
                    connection = None;
                    backoff.wait().await;
                }
            }
        }
    }

    async fn once(
        &mut self,
        connection: &mut Option<Connection<'static>>,
        vacuumed: &mut (Instant, u64),
    ) -> Result<Tick, StoreError> {
        let opened = match connection {
            Some(opened) => opened,
            None => connection.insert(self.endpoint.open("upkeep").await?),
        };
        let mut tick = answered(tick(opened, &self.queues)).await?;
        // what the tick did is told, whatever becomes of the rest
        if let Err(error) = self.rest(opened, &mut tick, vacuumed).await {
            tracing::warn!(%error, source = %error.source, "some of upkeep is put off");
            *connection = None;
            if let Some(alerts) = &mut self.alerts {
                alerts.put_off();
            }
        }
        Ok(tick)
    }

    async fn rest(
        &mut self,
        connection: &mut Connection<'static>,
        tick: &mut Tick,
        vacuumed: &mut (Instant, u64),
    ) -> Result<(), StoreError> {
        let scheduled = answered(self.schedules.fire(connection)).await?;
        tick.next = [tick.next, scheduled].into_iter().flatten().min();
        let writes = self.writes.load(Ordering::Relaxed);
        if writes != vacuumed.1 && vacuumed.0.elapsed() >= VACUUM_PAUSE {
            vacuum_tasks(connection).await?;
            *vacuumed = (Instant::now(), writes);
        }
        if let Some(alerts) = &mut self.alerts {
            if tick.recovered > 0 || tick.woken > 0 || writes != self.written {
                self.written = writes;
                alerts.stir();
            }
            alerts.look(connection).await?;
        }
        self.loads.tell(connection).await
    }
}

/// Hears of work, of cancelled runs, of messages, and that something is due sooner than it was. Everything goes on without it, by
/// polling.
pub(super) async fn listen(
    endpoint: Endpoint,
    triggers: Vec<Registered>,
    report: mpsc::UnboundedSender<Message>,
    due: Arc<Notify>,
    stirred: Arc<Notify>,
) {
    let mut backoff = Backoff::default();
    while !report.is_closed() {
        if let Err(error) =
            heard(&endpoint, &triggers, &report, [&due, &stirred], &mut backoff).await
        {
            tracing::debug!(%error, "notifications are interrupted");
        }
        backoff.wait().await;
    }
}

async fn heard(
    endpoint: &Endpoint,
    triggers: &[Registered],
    report: &mpsc::UnboundedSender<Message>,
    [due, stirred]: [&Notify; 2],
    backoff: &mut Backoff,
) -> Result<(), sqlx::Error> {
    let pool = endpoint.pool("listen", 1);
    let mut listener = sqlx::postgres::PgListener::connect_with(&pool).await?;
    listener.listen_all(["pgflow_work", "pgflow_cancel", "pgflow_due"]).await?;
    let channels: Vec<String> = triggers.iter().map(Registered::channel).collect();
    listener.listen_all(channels.iter().map(String::as_str)).await?;
    *backoff = Backoff::default();
    // what was said before is not repeated
    let _ = report.send(Message::Wake);
    due.notify_one();
    stirred.notify_one();
    loop {
        let notification = listener.recv().await?;
        let message = match notification.channel() {
            "pgflow_due" => {
                due.notify_one();
                None
            }
            "pgflow_cancel" => {
                notification.payload().parse().ok().map(|id| Message::Cancel(RunId(id)))
            }
            "pgflow_work" => {
                stirred.notify_one();
                Some(Message::Wake)
            }
            queue => {
                let asked = triggers.iter().zip(&channels).filter(|(_, channel)| *channel == queue);
                asked.for_each(|(trigger, _)| trigger.heard.notify_one());
                None
            }
        };
        if let Some(message) = message
            && report.send(message).is_err()
        {
            return Ok(());
        }
    }
}
