//! The heartbeat, on a thread of its own: user code that blocks the runtime must not lose the lease.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use crate::{
    observe::{Observer, WorkerLoad},
    store::{
        Connection, StoreError, TokenKey,
        connect::Endpoint,
        upkeep::{ProgressNote, heartbeat, lost, write_progress},
    },
};

use super::{
    logs::{Looked, Speaking},
    session::Message,
    tally::Tally,
};

/// How long a lease lasts.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// How often it is renewed.
pub(super) const BEAT: Duration = Duration::from_secs(3);
/// Without a renewal for this long by its own monotonic clock, a worker stops its steps.
const GIVE_UP: Duration = Duration::from_secs(8);

/// What the heartbeat tells the database, kept by the session.
#[derive(Default)]
pub(super) struct Vitals {
    /// How many tokens run.
    pub busy: usize,
    /// How many GPUs they hold.
    pub gpus_busy: usize,
    /// Those that have run for longer than a beat, with their epochs.
    pub tokens: Vec<(TokenKey, i32)>,
    /// Progress since the last beat.
    pub notes: Vec<ProgressNote>,
    /// What running attempts say.
    pub speaking: Vec<Speaking>,
}

/// Asks the session for vitals: called on the heartbeat's thread.
pub(super) type Ask = Arc<dyn Fn() -> Vitals + Send + Sync>;

pub(super) struct Beat {
    pub worker: i32,
    pub endpoint: Endpoint,
    pub ask: Ask,
    /// How many tasks may run at once.
    pub slots: usize,
    /// How many GPUs are offered.
    pub gpus: usize,
    pub tally: Tally,
    pub looked: Looked,
    pub report: mpsc::UnboundedSender<Message>,
    /// Set when the session is over.
    pub over: Arc<Mutex<bool>>,
}

impl Beat {
    /// Starts the thread.
    pub fn spawn(self) -> std::io::Result<()> {
        let builder = std::thread::Builder::new().name(format!("pgflow heartbeat {}", self.worker));
        builder.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(self.run()),
                Err(error) => {
                    tracing::error!(%error, "no heartbeat");
                    let _ = self.report.send(Message::LeaseLost);
                }
            }
        })?;
        Ok(())
    }

    async fn run(&self) {
        let mut connection: Option<Connection<'static>> = None;
        let mut renewed = Instant::now();
        while !*self.over.lock().unwrap_or_else(PoisonError::into_inner) {
            let left = GIVE_UP.saturating_sub(renewed.elapsed());
            let vitals = (self.ask)();
            match tokio::time::timeout(left, self.renew(&mut connection, vitals.busy)).await {
                Ok(Ok(true)) => {
                    renewed = Instant::now();
                    self.tally.observers().tell(|| self.load(&vitals), Observer::beat);
                    self.tell(&mut connection, vitals).await;
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, source = %error.source, "the lease could not be renewed");
                    connection = None;
                }
                Ok(Ok(false)) | Err(_) => {
                    let _ = self.report.send(Message::LeaseLost);
                    return;
                }
            }
            if self.report.is_closed() {
                return;
            }
            let pause = if connection.is_some() { BEAT } else { Duration::from_millis(500) };
            tokio::time::sleep(pause).await;
        }
    }

    fn load(&self, vitals: &Vitals) -> WorkerLoad {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        WorkerLoad {
            slots: count(self.slots),
            slots_busy: count(vitals.busy),
            gpus: count(self.gpus),
            gpus_busy: count(vitals.gpus_busy),
        }
    }

    async fn renew(
        &self,
        connection: &mut Option<Connection<'static>>,
        busy: usize,
    ) -> Result<bool, StoreError> {
        let opened = match connection {
            Some(opened) => opened,
            None => connection.insert(self.endpoint.open("heartbeat").await?),
        };
        heartbeat(opened, self.worker, LEASE, busy).await
    }

    /// What travels with a beat and must not hold up the next one.
    async fn tell(&self, connection: &mut Option<Connection<'static>>, vitals: Vitals) {
        let Some(opened) = connection else { return };
        let told = tokio::time::timeout(BEAT, async {
            if !vitals.tokens.is_empty() {
                let gone = lost(opened, self.worker, &vitals.tokens).await?;
                if !gone.is_empty() {
                    let _ = self.report.send(Message::TokensLost(gone));
                }
            }
            if !vitals.notes.is_empty() {
                write_progress(opened, &vitals.notes).await?;
            }
            self.tally.write(opened, self.worker).await?;
            self.looked.write(opened, &vitals.speaking).await;
            Ok(())
        });
        match told.await {
            Ok(Ok(())) => return,
            Ok(Err::<_, StoreError>(error)) => {
                tracing::warn!(%error, source = %error.source, "the heartbeat could tell no more than that it beats");
            }
            Err(_) => tracing::warn!("what travels with the heartbeat takes longer than a beat"),
        }
        *connection = None;
    }
}
