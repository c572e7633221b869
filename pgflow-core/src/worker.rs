//! The worker: claims tasks, runs them, records what became of them. Embedded in the host's process.

mod alerts;
mod beat;
mod begun;
mod flusher;
mod host;
mod loads;
mod logs;
mod parts;
mod queues;
mod resources;
mod schedules;
mod serve;
mod session;
mod slots;
mod tally;
mod token;
mod triggers;
mod upkeep;

use std::{
    future::Future,
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    client::Flow,
    context::{Gpu, HostState, StepContext},
    observe::{Observer, Observers},
    registry::{RegistryError, Version, check_names, linked},
    schedule::{Schedule, ScheduleError},
    spec::{NodeKindSpec, WorkflowSpec},
    store::{StoreError, alert::AlertRules},
    stubs::{StubError, Stubs},
    traits::Step,
    trigger::Trigger,
};

use host::Host;
use resources::Offer;
use schedules::Schedules;
use slots::Slots;
use triggers::Registered;

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
    /// A workflow cannot be scheduled.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A stub of what these workflows do not have, or that cannot be stored.
    #[error(transparent)]
    Stub(#[from] StubError),
    /// The system refuses a thread.
    #[error("the heartbeat's thread cannot be started")]
    Thread(#[from] std::io::Error),
}

/// What a worker will be.
#[derive(Debug)]
pub struct WorkerBuilder {
    flow: Flow,
    name: String,
    slots: Slots,
    state: HostState,
    offer: Offer,
    payload_max: usize,
    only: Option<Vec<String>>,
    observers: Observers,
    alerts: Option<AlertRules>,
    stubs: Stubs,
    triggers: Vec<Trigger>,
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
            slots: Slots::between(32..=32),
            state: HostState::default(),
            offer,
            payload_max: PAYLOAD_MAX,
            only: None,
            observers: Observers::default(),
            alerts: Some(AlertRules::default()),
            stubs: Stubs::default(),
            triggers: Vec::new(),
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
    pub fn slots(self, slots: usize) -> Self {
        self.slots_between(slots..=slots)
    }

    /// How many tasks run at once in this worker, at least and at most: it begins with the fewest, doubles while there is
    /// more work than it can take, and halves when there is none.
    #[must_use]
    pub fn slots_between(mut self, bounds: RangeInclusive<usize>) -> Self {
        self.slots = Slots::between(bounds);
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

    /// Cores against which `cpu` steps are admitted; those of this machine by default.
    #[must_use]
    pub fn cores(mut self, cores: u32) -> Self {
        self.offer.cpu_milli = cores.saturating_mul(1000);
        self
    }

    /// The largest output in bytes; 4 MiB by default.
    #[must_use]
    pub fn payload_max(mut self, bytes: usize) -> Self {
        self.payload_max = bytes;
        self
    }

    /// Somebody who hears of attempts and runs that end here, and of alerts.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.add(observer);
        self
    }

    /// When alerts are raised; `None`: this worker looks for none. They reach the log, the observers, and `pgflow.alerts`.
    #[must_use]
    pub fn alerts(mut self, rules: impl Into<Option<AlertRules>>) -> Self {
        self.alerts = rules.into();
        self
    }

    /// Serves only these workflows, by their stored names, or one version as `name@version`, instead of all that this
    /// binary links.
    #[must_use]
    pub fn only<S: Into<String>>(mut self, workflows: impl IntoIterator<Item = S>) -> Self {
        self.only = Some(workflows.into_iter().map(Into::into).collect());
        self
    }

    /// Starts a run for each message of a queue, as in `.trigger(Queue::named("orders").starts::<fulfil>())`. Any number of
    /// workers may have the same trigger. Give one queue one reader of its kind: two triggers on it share its messages.
    #[must_use]
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.triggers.push(trigger);
        self
    }

    /// For tests: gives every call of a step this result instead of calling it, as in `.stub(charge {}, Ok(receipt))`.
    #[must_use]
    pub fn stub<S: Step>(mut self, _step: S, result: Result<S::Output, S::Error>) -> Self {
        self.stubs.step::<S>(result);
        self
    }

    /// For tests: gives every call of a step what the function comes to; the context tells it the attempt.
    #[must_use]
    pub fn stub_with<S: Step>(
        mut self,
        _step: S,
        call: impl Fn(StepContext) -> Result<S::Output, S::Error> + Send + Sync + 'static,
    ) -> Self {
        self.stubs.step_with::<S>(call);
        self
    }

    /// For tests: gives the node of this id this output: one of several calls of a step, a child, a wait.
    #[must_use]
    pub fn stub_node(mut self, id: &str, output: &impl Serialize) -> Self {
        self.stubs.node(id, output);
        self
    }

    /// Registers the workflows and starts to work.
    ///
    /// # Errors
    /// See [`WorkerError`].
    pub async fn spawn(self) -> Result<Worker, WorkerError> {
        let specs: Vec<&'static WorkflowSpec> = linked()
            .into_iter()
            .filter(|spec| self.only.as_ref().is_none_or(|only| only.iter().any(|o| is(spec, o))))
            .collect();
        check_names(&specs)?;
        self.check_state(&specs)?;
        let mut versions = Vec::new();
        for spec in &specs {
            versions.push(self.flow.register(spec).await?);
        }
        let mut children = Vec::new();
        for spec in children_of(&specs) {
            children.push(self.flow.register(spec).await?);
        }
        self.stubs.check(versions.iter().chain(&children).map(|version| &version.definition))?;
        let mut schedules = Schedules::default();
        for version in &versions {
            let newest = |v: &&Arc<Version>| v.spec.id == version.spec.id;
            if versions.iter().filter(newest).all(|v| v.spec.version <= version.spec.version)
                && let Some(schedule) = Schedule::of(version.spec)?
            {
                schedules.add(version.clone(), schedule);
            }
        }
        let mut triggers = Vec::new();
        for trigger in self.triggers {
            self.flow.make_queue(&trigger.queue.name).await?;
            let version = self.flow.register((trigger.spec)()).await?;
            triggers.push(Registered::new(trigger, version));
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
            children,
            schedules,
            observers: self.observers,
            alerts: self.alerts,
            stubs: self.stubs,
            triggers,
        };
        let first = host.begin(draining.clone()).await?;
        let task = tokio::spawn(host.work(first, draining));
        Ok(Worker { drain, task })
    }

    fn check_state(&self, specs: &[&'static WorkflowSpec]) -> Result<(), WorkerError> {
        let mut missing: Vec<String> = specs
            .iter()
            .flat_map(|s| s.nodes)
            .filter_map(|n| n.kind.step())
            .filter(|step| !self.stubs.has_step(step.id))
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

/// Whether this is the name of a workflow, or its name and version.
fn is(spec: &WorkflowSpec, name: &str) -> bool {
    match name.split_once('@') {
        Some((id, version)) => id == spec.id && version.parse() == Ok(spec.version),
        None => name == spec.id,
    }
}

/// The workflows that these start as children, and that those start.
pub(crate) fn children_of(specs: &[&'static WorkflowSpec]) -> Vec<&'static WorkflowSpec> {
    let mut children: Vec<&'static WorkflowSpec> = Vec::new();
    let mut open = specs.to_vec();
    while let Some(spec) = open.pop() {
        for node in spec.nodes {
            let NodeKindSpec::Child(child) = node.kind else { continue };
            let child = child();
            if !children.iter().any(|c| (c.id, c.version) == (child.id, child.version)) {
                children.push(child);
                open.push(child);
            }
        }
    }
    children
}

/// The name of this machine; `host` where the system does not say it.
pub fn host_name() -> String {
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
