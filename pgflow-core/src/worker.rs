//! The worker: claims tasks, runs them, records what became of them. Embedded in the host's process.

mod beat;
mod flusher;
mod resources;
mod serve;
mod session;
mod token;

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    client::Flow,
    context::{Gpu, HostState},
    registry::{RegistryError, TaskPlan, Version, check_names, linked, step_of},
    spec::WorkflowSpec,
    store::{
        StoreError, answered,
        claim::LimitedQueue,
        connect,
        register::{PoolSize, size_pools},
        upkeep::{Tick, register_worker, sign_off, tick, vacuum_tasks},
    },
};

use beat::{Ask, Beat};
use flusher::{Backoff, Flusher};
use resources::Offer;
use serve::{Reader, Shared};
use session::{Message, Over, Parts, Served1, Session, Table, vitals, watched};

/// Connections that record completions: two in flight hide each other's fsync.
const FLUSHERS: usize = 2;
/// How often upkeep looks when nothing is known to be due.
const TICK: Duration = Duration::from_secs(5);
/// The least between two looks at whether the table of tokens wants a vacuum.
const VACUUM_PAUSE: Duration = Duration::from_secs(2);
/// How long upkeep lets a flush go ahead that will make something due.
const DUE_PAUSE: Duration = Duration::from_millis(5);
/// How long a drain waits for the database beyond its grace.
const GIVE_UP_DRAIN: Duration = Duration::from_secs(10);
/// The largest output, unless said otherwise.
const PAYLOAD_MAX: usize = 4 << 20;

/// Why a worker does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// Something is wrong with the workflows of this binary.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The database is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Steps need state that the host did not give.
    #[error("{}", .0.join("\n"))]
    MissingState(Vec<String>),
    /// The system refuses a thread.
    #[error("the heartbeat's thread cannot be started")]
    Thread(#[from] std::io::Error),
}

/// What a worker will be.
#[derive(Debug)]
pub struct WorkerBuilder {
    flow: Flow,
    name: String,
    slots: usize,
    state: HostState,
    offer: Offer,
    payload_max: usize,
    only: Option<Vec<String>>,
}

impl WorkerBuilder {
    pub(crate) fn new(flow: Flow) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let offer = Offer {
            cpu_milli: u32::try_from(cores * 1000).unwrap_or(u32::MAX),
            ..Offer::default()
        };
        Self {
            flow,
            name: format!("{}:{}", host_name(), std::process::id()),
            slots: 32,
            state: HostState::default(),
            offer,
            payload_max: PAYLOAD_MAX,
            only: None,
        }
    }

    /// A name for people; host and process id by default.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How many tasks run at once in this worker; 32 by default.
    #[must_use]
    pub fn slots(mut self, slots: usize) -> Self {
        self.slots = slots.max(1);
        self
    }

    /// State of the host that steps reach through `StepContext::state`; one value of each type.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.state.insert(value);
        self
    }

    /// The GPUs that `gpu` steps may use, as in `.gpus(Gpu::detect())`.
    #[must_use]
    pub fn gpus(mut self, gpus: Vec<Gpu>) -> Self {
        self.offer.gpus = gpus;
        self
    }

    /// Offers the CPU for `gpu` steps, one at a time, where there is no GPU. The step sees which it got.
    #[must_use]
    pub fn gpu_stand_in(mut self) -> Self {
        self.offer.stand_in = true;
        self
    }

    /// Memory in bytes against which `memory` steps are admitted; unlimited by default.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.offer.memory_bytes = Some(bytes);
        self
    }

    /// The largest output in bytes; 4 MiB by default.
    #[must_use]
    pub fn payload_max(mut self, bytes: usize) -> Self {
        self.payload_max = bytes;
        self
    }

    /// Serves only these workflows, by their stored names, instead of all that this binary links.
    #[must_use]
    pub fn only<S: Into<String>>(mut self, workflows: impl IntoIterator<Item = S>) -> Self {
        self.only = Some(workflows.into_iter().map(Into::into).collect());
        self
    }

    /// Registers the workflows and starts to work.
    ///
    /// # Errors
    /// See [`WorkerError`].
    pub async fn spawn(self) -> Result<Worker, WorkerError> {
        let specs: Vec<&'static WorkflowSpec> = linked()
            .into_iter()
            .filter(|s| self.only.as_ref().is_none_or(|only| only.iter().any(|o| o == s.id)))
            .collect();
        check_names(&specs)?;
        self.check_state(&specs)?;
        let mut versions = Vec::new();
        for spec in specs {
            versions.push(self.flow.register(spec).await?);
        }
        let (drain, draining) = watch::channel(None);
        let host = Host {
            flow: self.flow,
            name: self.name,
            slots: self.slots,
            state: self.state,
            offer: self.offer,
            payload_max: self.payload_max,
            versions,
        };
        let first = host.begin(draining.clone()).await?;
        let task = tokio::spawn(host.work(first, draining));
        Ok(Worker { drain, task })
    }

    fn check_state(&self, specs: &[&'static WorkflowSpec]) -> Result<(), WorkerError> {
        let mut missing: Vec<String> = specs
            .iter()
            .flat_map(|s| s.nodes)
            .map(|n| step_of(n.kind))
            .flat_map(|step| step.needs.iter().map(move |need| (step.id, need())))
            .filter(|(_, (id, _))| !self.state.has(*id))
            .map(|(step, (_, name))| {
                format!(
                    "step `{step}` needs `{name}`, which this worker was not given; add `.state(…)`"
                )
            })
            .collect();
        missing.sort();
        missing.dedup();
        if missing.is_empty() { Ok(()) } else { Err(WorkerError::MissingState(missing)) }
    }
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "host".into(), |n| n.trim().into())
}

/// A worker that runs in this process. Dropping it stops it without a drain; what it held
/// is taken over like that of a dead worker, but at once.
#[derive(Debug)]
pub struct Worker {
    drain: watch::Sender<Option<Instant>>,
    task: JoinHandle<()>,
}

impl Worker {
    /// Claims nothing new, lets running steps finish within the grace, hands back the rest at once, and signs off. Where
    /// the database does not answer it gives up ten seconds after the grace; what was left is taken over when the lease
    /// runs out.
    pub async fn drain(self, grace: Duration) {
        self.drain.send_replace(Some(Instant::now() + grace));
        let mut task = self.task;
        match tokio::time::timeout(grace.saturating_add(GIVE_UP_DRAIN), &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the worker ended badly; recovery takes over what it held");
            }
            Err(_) => {
                tracing::warn!(
                    "the database does not answer; recovery takes over what the worker held"
                );
                task.abort();
            }
        }
    }

    /// Works until `signal` completes, then drains with 30 s of grace; as axum's graceful shutdown.
    pub async fn shutdown_on(self, signal: impl Future<Output = ()>) {
        signal.await;
        self.drain(Duration::from_secs(30)).await;
    }
}

/// What stays the same over a worker's sessions.
struct Host {
    flow: Flow,
    name: String,
    slots: usize,
    state: HostState,
    offer: Offer,
    payload_max: usize,
    versions: Vec<Arc<Version>>,
}

struct Begun {
    session: Session,
    inbox: mpsc::UnboundedReceiver<Message>,
    worker: i32,
    over: Arc<Mutex<bool>>,
    helpers: Vec<JoinHandle<()>>,
}

impl Host {
    /// Sessions one after the other, until drained.
    async fn work(self, first: Begun, draining: watch::Receiver<Option<Instant>>) {
        let mut begun = first;
        loop {
            let over = begun.session.run(begun.inbox).await;
            *begun.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
            begun.helpers.iter().for_each(JoinHandle::abort);
            if over == Over::Drained {
                self.sign_off(begun.worker).await;
                return;
            }
            tracing::warn!(worker = begun.worker, "the worker lost its lease; it registers anew");
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

    async fn sign_off(&self, worker: i32) {
        let signed = async {
            let mut connection = connect::open(self.flow.options(), "sign off").await?;
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

    async fn begin(&self, drain: watch::Receiver<Option<Instant>>) -> Result<Begun, WorkerError> {
        let options = self.flow.options().clone();
        let mut connection = connect::open(&options, "claims").await?;
        let gpus = self.gpu_pools(&mut connection).await?;
        let worker =
            register_worker(&mut connection, &self.name, &self.offers(), beat::LEASE).await?;
        let (to_self, inbox) = mpsc::unbounded_channel();
        let (drain_flag, drain_heard) = watch::channel(false);
        let served = self.queues(&gpus);
        let table = Table::default();
        let over = Arc::new(Mutex::new(false));
        let seen = table.clone();
        let ask: Ask = Arc::new(move || vitals(&seen));
        Beat { worker, options: options.clone(), ask, report: to_self.clone(), over: over.clone() }
            .spawn()?;
        let writes = Arc::new(AtomicU64::new(0));
        let due = Arc::new(Notify::new());
        let upkeep = Upkeep {
            options: options.clone(),
            queues: served.all.clone(),
            report: to_self.clone(),
            writes: writes.clone(),
            due: due.clone(),
        };
        let mut helpers = vec![
            tokio::spawn(watched(to_self.clone(), upkeep.run())),
            tokio::spawn(listen(options.clone(), to_self.clone())),
        ];
        let mut flushers = Vec::new();
        for number in 0..FLUSHERS {
            let (work, inbox) = mpsc::unbounded_channel();
            let flusher = Flusher {
                number,
                worker,
                options: options.clone(),
                join_direct: served.direct.clone(),
                report: to_self.clone(),
                writes: writes.clone(),
            };
            helpers.push(tokio::spawn(watched(to_self.clone(), flusher.run(inbox))));
            flushers.push(work);
        }
        let shared = Arc::new(Shared {
            worker,
            state: self.state.clone(),
            gpus,
            payload_max: self.payload_max,
            reader: tokio::sync::Mutex::new(Reader { options, connection: Some(connection) }),
            runs: Mutex::default(),
            draining: drain_heard,
        });
        let session = Session::new(Parts {
            shared,
            hub: self.flow.hub(),
            slots: self.slots,
            queues: served.served,
            plain: served.plain,
            limited: served.limited,
            offer: self.offer.clone(),
            flushers,
            to_self,
            table,
            drain,
            drain_flag,
            due,
        });
        Ok(Begun { session, inbox, worker, over, helpers })
    }

    async fn gpu_pools(
        &self,
        connection: &mut PgConnection,
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
            .flat_map(|v| &v.tasks)
            .filter_map(|plan| {
                let why = self.offer.refuses(plan)?;
                Some(serde_json::json!({ "step": plan.step, "why": why }))
            })
            .collect();
        let gpus: Vec<&str> = self.offer.gpus.iter().map(|g| g.uuid.as_str()).collect();
        serde_json::json!({ "serves": serves, "refuses": refuses, "slots": self.slots, "gpus": gpus, "stand_in": self.offer.stand_in }).to_string()
    }

    fn queues(&self, gpus: &[(i32, Gpu)]) -> Queues {
        let mut queues = Queues::default();
        for version in &self.versions {
            for queue in version.numbers.control.values() {
                queues.add(*queue, version, None);
            }
            for (node, plan) in version.tasks.iter().enumerate() {
                if let Some(why) = self.offer.refuses(plan) {
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

/// The queues of a session.
#[derive(Default)]
struct Queues {
    served: HashMap<i32, Served1>,
    all: Vec<i32>,
    plain: Vec<i32>,
    /// Queues that go on in this worker without a claim.
    direct: Vec<i32>,
    limited: Vec<LimitedQueue>,
}

impl Queues {
    fn add(&mut self, queue: i32, version: &Arc<Version>, node: Option<usize>) {
        self.served.insert(queue, Served1 { version: version.clone(), node });
        self.all.push(queue);
    }

    /// Tells the queues with limits from those without.
    fn limit(&mut self, version: &Arc<Version>, offer: &Offer, gpus: &[(i32, Gpu)]) {
        let start = version.numbers.control.get(&crate::store::register::START).copied();
        for queue in version.numbers.control.values().copied() {
            match version.run_pool {
                Some(pool) if Some(queue) == start => {
                    self.limited.push(limited(queue, vec![pool]));
                }
                _ => {
                    self.plain.push(queue);
                    self.direct.push(queue);
                }
            }
        }
        for (node, plan) in version.tasks.iter().enumerate() {
            let queue = version.numbers.tasks[node];
            if !self.served.contains_key(&queue) {
                continue;
            }
            if plan.is_unlimited() {
                self.plain.push(queue);
                self.direct.push(queue);
            } else {
                self.limited.push(limited_task(queue, plan, offer, gpus));
            }
        }
    }
}

fn limited(queue: i32, pools: Vec<i32>) -> LimitedQueue {
    LimitedQueue { queue, pools, devices: Vec::new(), device_count: 0, rate: None }
}

fn limited_task(queue: i32, plan: &TaskPlan, offer: &Offer, gpus: &[(i32, Gpu)]) -> LimitedQueue {
    let real = plan.gpus > 0 && offer.has_devices(plan);
    let devices = gpus
        .iter()
        .filter(|(_, g)| real && g.memory_bytes >= plan.vram_bytes)
        .map(|(pool, _)| *pool);
    LimitedQueue {
        devices: devices.collect(),
        device_count: if real { i32::from(plan.gpus.cast_signed()) } else { 0 },
        rate: plan.rate,
        ..limited(queue, plan.pools.clone())
    }
}

/// Upkeep for all workers, on a connection of its own.
struct Upkeep {
    options: sqlx::postgres::PgConnectOptions,
    queues: Vec<i32>,
    report: mpsc::UnboundedSender<Message>,
    /// Counts the writes of this worker.
    writes: Arc<AtomicU64>,
    /// Something will be due soon.
    due: Arc<Notify>,
}

impl Upkeep {
    async fn run(self) {
        let mut connection: Option<PgConnection> = None;
        let mut backoff = Backoff::default();
        let mut vacuumed = (Instant::now(), 0);
        while !self.report.is_closed() {
            match self.once(&mut connection, &mut vacuumed).await {
                Ok(tick) => {
                    backoff = Backoff::default();
                    let busy = self.writes.load(Ordering::Relaxed) != vacuumed.1;
                    let most = if busy { VACUUM_PAUSE } else { TICK };
                    let next = tick.next.unwrap_or(most);
                    let _ = self.report.send(Message::Ticked(tick));
                    tokio::select! {
                        () = tokio::time::sleep(next.clamp(Duration::from_millis(1), most)) => {}
                        () = self.due.notified() => tokio::time::sleep(DUE_PAUSE).await,
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
        &self,
        connection: &mut Option<PgConnection>,
        vacuumed: &mut (Instant, u64),
    ) -> Result<Tick, StoreError> {
        let opened = match connection {
            Some(opened) => opened,
            None => connection.insert(connect::open(&self.options, "upkeep").await?),
        };
        let tick = answered(tick(opened, &self.queues)).await?;
        let writes = self.writes.load(Ordering::Relaxed);
        if writes != vacuumed.1 && vacuumed.0.elapsed() >= VACUUM_PAUSE {
            vacuum_tasks(opened).await?;
            *vacuumed = (Instant::now(), writes);
        }
        Ok(tick)
    }
}

/// Hears of work and of cancelled runs. Everything goes on without it, by polling.
async fn listen(options: sqlx::postgres::PgConnectOptions, report: mpsc::UnboundedSender<Message>) {
    let mut backoff = Backoff::default();
    while !report.is_closed() {
        if let Err(error) = heard(&options, &report, &mut backoff).await {
            tracing::debug!(%error, "notifications are interrupted");
        }
        backoff.wait().await;
    }
}

async fn heard(
    options: &sqlx::postgres::PgConnectOptions,
    report: &mpsc::UnboundedSender<Message>,
    backoff: &mut Backoff,
) -> Result<(), sqlx::Error> {
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(connect::engine(options, "listen"));
    let mut listener = sqlx::postgres::PgListener::connect_with(&pool).await?;
    listener.listen_all(["pgflow_work", "pgflow_cancel"]).await?;
    *backoff = Backoff::default();
    // what was said before is not repeated
    let _ = report.send(Message::Wake);
    loop {
        let notification = listener.recv().await?;
        let message = match notification.channel() {
            "pgflow_cancel" => notification
                .payload()
                .parse()
                .ok()
                .map(|id| Message::Cancel(crate::store::RunId(id))),
            _ => Some(Message::Wake),
        };
        if let Some(message) = message
            && report.send(message).is_err()
        {
            return Ok(());
        }
    }
}
