//! What stays the same over a worker's sessions, and how one begins and ends.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    client::Flow,
    context::{Gpu, HostState},
    observe::Observers,
    registry::Version,
    store::{
        Connection, StoreError,
        alert::AlertRules,
        register::{PoolSize, size_pools},
        upkeep::{register_worker, sign_off},
    },
    stubs::Stubs,
};

use super::{
    WorkerError,
    alerts::Alerts,
    beat::{self, Ask, Beat},
    begun::AllBegun,
    flusher::Backoff,
    loads::Loads,
    logs::Looked,
    parts::Parts,
    queues::Queues,
    resources::{Ledger, Offer, Refusal},
    schedules::Schedules,
    serve::{Reader, Shared},
    session::{Message, Over, Session, State, Table, vitals},
    slots::Slots,
    tally::Tally,
    triggers::{Consumer, Registered},
    upkeep::{Upkeep, listen},
};

/// Transactional steps that are under way at once, beyond which they wait for each other.
const TRANSACTIONS: u32 = 4;

/// What stays the same over a worker's sessions.
pub(super) struct Host {
    pub flow: Flow,
    pub name: String,
    pub slots: Slots,
    pub state: HostState,
    pub offer: Offer,
    pub payload_max: usize,
    pub versions: Vec<Arc<Version>>,
    /// The workflows that these start as children, and so on.
    pub children: Vec<Arc<Version>>,
    pub schedules: Schedules,
    pub observers: Observers,
    pub alerts: Option<AlertRules>,
    pub stubs: Stubs,
    pub triggers: Vec<Registered>,
}

pub(super) struct Begun {
    session: Session,
    inbox: mpsc::UnboundedReceiver<Message>,
    worker: i32,
    tally: Tally,
    over: Arc<Mutex<bool>>,
    helpers: Vec<JoinHandle<()>>,
}

impl Host {
    /// Sessions one after the other, until drained.
    pub async fn work(self, first: Begun, draining: watch::Receiver<Option<Instant>>) {
        let mut begun = first;
        loop {
            let over = begun.session.run(begun.inbox).await;
            *begun.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
            begun.helpers.iter().for_each(JoinHandle::abort);
            if over == Over::Drained {
                self.sign_off(begun.worker, &begun.tally).await;
                return;
            }
            tracing::warn!(worker = begun.worker, "the worker lost its lease; it registers anew");
            self.observers.tell(|| (), |observer, ()| observer.lease_lost());
            let mut backoff = Backoff::default();
            begun = loop {
                if draining.borrow().is_some() {
                    return;
                }
                match self.begin(draining.clone()).await {
                    Ok(begun) => break begun,
                    Err(error) => {
                        tracing::warn!(%error, "the worker waits for the database");
                        backoff.wait().await;
                    }
                }
            };
        }
    }

    async fn sign_off(&self, worker: i32, tally: &Tally) {
        let signed = async {
            let mut connection = self.flow.endpoint().open("sign off").await?;
            tally.write(&mut connection, worker).await?;
            sign_off(&mut connection, worker).await?;
            connection
                .close()
                .await
                .map_err(|source| StoreError { operation: "close a connection", source })
        };
        if let Err(error) = signed.await {
            tracing::warn!(%error, "the worker could not sign off; its lease runs out by itself");
        }
    }

    pub async fn begin(
        &self,
        drain: watch::Receiver<Option<Instant>>,
    ) -> Result<Begun, WorkerError> {
        let endpoint = self.flow.endpoint().clone();
        let mut connection = endpoint.open("claims").await?;
        let gpus = self.gpu_pools(&mut connection).await?;
        let worker =
            register_worker(&mut connection, &self.name, &self.offers(), beat::LEASE).await?;
        self.schedules.store(&mut connection).await?;
        let (to_self, inbox) = mpsc::unbounded_channel();
        let (drain_flag, drain_heard) = watch::channel(false);
        let served = self.queues(&gpus);
        let table = Table::default();
        let over = Arc::new(Mutex::new(false));
        let tally = Tally::new(self.observers.clone());
        let seen = table.clone();
        let ask: Ask = Arc::new(move || vitals(&seen));
        let looked = Looked::default();
        Beat {
            worker,
            endpoint: endpoint.clone(),
            ask,
            slots: self.slots.most(),
            gpus: self.offer.gpus.len(),
            tally: tally.clone(),
            looked: looked.clone(),
            report: to_self.clone(),
            over: over.clone(),
        }
        .spawn()?;
        let mut parts = Parts::new(worker, endpoint.clone(), to_self.clone());
        self.start(&mut parts, served.all.clone(), &drain);
        let flushers = parts.flushers(&served.direct);
        let transactions = self.flow.endpoint().host_pool("transaction", TRANSACTIONS);
        let shared = Arc::new(Shared {
            transactions,
            looked,
            join_direct: served.direct.clone(),
            worker,
            state: self.state.clone(),
            stubs: self.stubs.clone(),
            gpus,
            payload_max: self.payload_max,
            reader: tokio::sync::Mutex::new(Reader { endpoint, connection: Some(connection) }),
            runs: Mutex::default(),
            begun: AllBegun::default(),
            draining: drain_heard,
            children: self
                .children
                .iter()
                .map(|v| ((v.spec.id, v.spec.version), v.clone()))
                .collect(),
        });
        let session = Session {
            shared,
            hub: self.flow.hub(),
            slots: self.slots,
            queues: served.served,
            plain: served.plain,
            limited: served.limited,
            ledger: Ledger::new(&self.offer),
            offer: self.offer.clone(),
            flushers,
            to_self,
            table,
            tally: tally.clone(),
            drain,
            drain_flag,
            due: parts.due,
            state: State::default(),
        };
        Ok(Begun { session, inbox, worker, tally, over, helpers: parts.tasks })
    }

    /// Starts what looks after all runs, and what hears of work and of messages.
    fn start(&self, parts: &mut Parts, queues: Vec<i32>, drain: &watch::Receiver<Option<Instant>>) {
        let (endpoint, report, due) =
            (parts.endpoint.clone(), parts.report.clone(), parts.due.clone());
        let stirred = Arc::<Notify>::default();
        let upkeep = Upkeep {
            endpoint: endpoint.clone(),
            queues,
            report: report.clone(),
            writes: parts.writes.clone(),
            due: due.clone(),
            schedules: self.schedules.clone(),
            alerts: self
                .alerts
                .clone()
                .map(|rules| Alerts::new(rules, self.observers.clone(), stirred.clone())),
            written: 0,
            loads: Loads::new(self.observers.clone()),
        };
        parts.spawn(upkeep.run());
        for registered in self.triggers.iter().cloned() {
            let (endpoint, drain) = (endpoint.clone(), drain.clone());
            parts.spawn(Consumer { registered, endpoint, drain }.run());
        }
        if !endpoint.pooler {
            parts.spawn(listen(endpoint, self.triggers.clone(), report, due, stirred));
        }
    }

    async fn gpu_pools(
        &self,
        connection: &mut Connection<'_>,
    ) -> Result<Vec<(i32, Gpu)>, StoreError> {
        let sizes: Vec<PoolSize> = self
            .offer
            .gpus
            .iter()
            .map(|g| PoolSize { name: format!("gpu:{}", g.uuid), size: 1, source: None })
            .collect();
        let ids = size_pools(connection, &sizes, true, None).await?;
        let pool = |gpu: &Gpu| ids.get(&format!("gpu:{}", gpu.uuid)).map(|id| (*id, gpu.clone()));
        Ok(self.offer.gpus.iter().filter_map(pool).collect())
    }

    /// What this worker serves, for status and for whoever waits.
    fn offers(&self) -> String {
        let serves: Vec<String> = self
            .versions
            .iter()
            .map(|v| format!("{}@{}", v.definition.name, v.definition.version))
            .collect();
        let refuses: Vec<serde_json::Value> = self
            .versions
            .iter()
            .flat_map(|v| v.tasks.iter().flatten())
            .filter_map(|plan| {
                let Refusal { why, has } = self.offer.refuses(plan)?;
                Some(serde_json::json!({ "step": plan.step, "why": why, "has": has }))
            })
            .collect();
        let gpus: Vec<&str> = self.offer.gpus.iter().map(|g| g.uuid.as_str()).collect();
        serde_json::json!({ "serves": serves, "refuses": refuses, "slots": self.slots.most(), "gpus": gpus, "stand_in": self.offer.stand_in }).to_string()
    }

    fn queues(&self, gpus: &[(i32, Gpu)]) -> Queues {
        let mut queues = Queues::default();
        for version in &self.versions {
            for queue in version.numbers.control.values() {
                queues.add(*queue, version, None);
            }
            for (node, plan) in version.tasks.iter().enumerate() {
                if let Some(Refusal { why, .. }) =
                    plan.as_ref().and_then(|plan| self.offer.refuses(plan))
                {
                    tracing::warn!("this worker does not serve a step: {why}");
                    continue;
                }
                queues.add(version.numbers.tasks[node], version, Some(node));
            }
            queues.limit(version, &self.offer, gpus);
        }
        queues
    }
}
