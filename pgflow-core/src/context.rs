//! What a running step can reach: which attempt it is, whether it should stop, its slot, and the host's state.

mod cached;
mod transaction;

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

use crate::{logs::Tail, redact::Secrets, store::RunId, trace::TraceParent};

pub use cached::cached;
pub(crate) use cached::{CacheSlot, Results};
pub(crate) use transaction::TransactionSlot;
pub use transaction::{StepTransaction, TransactionError};

tokio::task_local! {
    static CURRENT: StepContext;
}

/// A GPU as a worker offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// The driver's index, in the order of the bus: CUDA counts so with `CUDA_DEVICE_ORDER=PCI_BUS_ID`.
    pub index: u32,
    /// The driver's UUID, which names the device whatever process sees it.
    pub uuid: String,
    /// The device's name.
    pub name: String,
    /// Its memory in bytes.
    pub memory_bytes: u64,
}

impl Gpu {
    /// The devices that the driver's `nvidia-smi` lists; none where there is no driver.
    pub fn detect() -> Vec<Self> {
        let query = ["--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits"];
        let Ok(output) = std::process::Command::new("nvidia-smi").args(query).output() else {
            return Vec::new();
        };
        String::from_utf8_lossy(&output.stdout).lines().filter_map(Self::parse).collect()
    }

    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(',').map(str::trim);
        Some(Self {
            index: parts.next()?.parse().ok()?,
            uuid: parts.next()?.into(),
            name: parts.next()?.into(),
            memory_bytes: parts.next()?.parse::<u64>().ok()? << 20,
        })
    }
}

/// What a `gpu` step holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GpuSlot {
    /// Devices that nobody else uses meanwhile.
    Devices(Vec<Gpu>),
    /// The worker stands in with its CPU, because its host said so.
    StandIn,
}

/// State of the host, by type.
#[derive(Clone, Default)]
pub struct HostState(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl HostState {
    /// Adds a value; one of each type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// The value of this type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>())?.clone().downcast().ok()
    }

    /// Whether there is a value of this type.
    pub fn has(&self, id: TypeId) -> bool {
        self.0.contains_key(&id)
    }
}

impl std::fmt::Debug for HostState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostState").field("types", &self.0.len()).finish()
    }
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// How much is done.
    pub done: u64,
    /// Out of how much.
    pub total: u64,
    /// In words.
    pub note: Option<String>,
}

/// The context of the step that runs. Cheap to clone; take it before `tokio::spawn`.
#[derive(Debug, Clone)]
pub struct StepContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    run: Option<RunId>,
    step: String,
    task: String,
    attempt: u32,
    trace: Option<TraceParent>,
    deadline: Option<Instant>,
    cancelled: watch::Sender<bool>,
    progress: Mutex<Option<Progress>>,
    gpu: Option<GpuSlot>,
    state: HostState,
    transaction: Option<TransactionSlot>,
    cache: Option<CacheSlot>,
    log: Option<Arc<Tail>>,
    hidden: Secrets,
    /// Open while blocking work of the step goes on.
    busy: mpsc::Sender<()>,
}

/// What a worker knows of an attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: String,
    /// The id of its node, and of a map's element its number.
    pub task: String,
    /// The attempt, from 1.
    pub number: u32,
    /// Its span, where the run belongs to a trace.
    pub trace: Option<TraceParent>,
    /// When its timeout runs out.
    pub deadline: Option<Instant>,
    /// The GPU slot that it holds.
    pub gpu: Option<GpuSlot>,
    /// The host's state.
    pub state: HostState,
    /// Where a transactional step finds its transaction.
    pub(crate) transaction: Option<TransactionSlot>,
    /// Where a caching step finds results.
    pub(crate) cache: Option<CacheSlot>,
    /// Where its log lines are kept.
    pub(crate) log: Option<Arc<Tail>>,
    /// What must not stand in its notes.
    pub(crate) hidden: Secrets,
}

impl StepContext {
    /// The context of the step that this code runs in; detached where it runs in no step: attempt 1, never cancelled,
    /// no state.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Self::detached(HostState::default()))
    }

    /// A context without a run, for plain calls.
    pub fn detached(state: HostState) -> Self {
        let (busy, _) = mpsc::channel(1);
        Self(Arc::new(Inner {
            run: None,
            step: String::new(),
            task: String::new(),
            attempt: 1,
            trace: None,
            deadline: None,
            cancelled: watch::Sender::new(false),
            progress: Mutex::new(None),
            gpu: None,
            state,
            transaction: None,
            cache: None,
            log: None,
            hidden: Secrets::default(),
            busy,
        }))
    }

    /// This context with one more value of the host's state, detached from any run.
    #[must_use]
    pub fn with_state<T: Send + Sync + 'static>(&self, value: T) -> Self {
        let mut state = self.0.state.clone();
        state.insert(value);
        Self::detached(state)
    }

    /// A context for an attempt, and what closes when its last blocking work has ended.
    pub(crate) fn for_attempt(attempt: Attempt) -> (Self, mpsc::Receiver<()>) {
        let (busy, done) = mpsc::channel(1);
        let inner = Inner {
            run: Some(attempt.run),
            step: attempt.step,
            task: attempt.task,
            attempt: attempt.number,
            trace: attempt.trace,
            deadline: attempt.deadline,
            cancelled: watch::Sender::new(false),
            progress: Mutex::new(None),
            gpu: attempt.gpu,
            state: attempt.state,
            transaction: attempt.transaction,
            cache: attempt.cache,
            log: attempt.log,
            hidden: attempt.hidden,
            busy,
        };
        (Self(Arc::new(inner)), done)
    }

    /// Runs a future with this context as the current one.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// The run; `None` in a plain call.
    pub fn run(&self) -> Option<RunId> {
        self.0.run
    }

    /// The stored name of the step; empty in a plain call.
    pub fn step(&self) -> &str {
        &self.0.step
    }

    /// A text that all attempts of this task share and no other task of this database has, as in `17/charge` or
    /// `17/charge/3`: for services that do only once what they are asked twice under one key. A run that repeats another has
    /// keys of its own; a shared call of a `batch` has that of its first caller. `None` in a plain call.
    pub fn idempotency_key(&self) -> Option<String> {
        self.0.run.map(|run| format!("{run}/{}", self.0.task))
    }

    /// The attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// The span of this attempt, where the run belongs to a trace: send it as `traceparent` with whatever the step calls.
    pub fn trace_parent(&self) -> Option<TraceParent> {
        self.0.trace
    }

    /// When the attempt's timeout runs out, by this machine's clock.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// What is left until the attempt's timeout.
    pub fn remaining(&self) -> Option<Duration> {
        self.0.deadline.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Whether the step should stop: its run was ended, its timeout ran out, or its worker drains. Cheap; ask it in
    /// blocking loops.
    pub fn is_cancelled(&self) -> bool {
        *self.0.cancelled.borrow()
    }

    /// Waits until the step should stop.
    pub async fn cancelled(&self) {
        // the sender lives as long as the context
        let _ = self.0.cancelled.subscribe().wait_for(|stop| *stop).await;
    }

    /// Says how far the step is; shown in its status.
    pub fn progress(&self, done: u64, total: u64) {
        self.note_progress(Progress { done, total, note: None });
    }

    /// Says how far the step is, in numbers and words.
    pub fn progress_with(&self, done: u64, total: u64, note: impl Into<String>) {
        self.note_progress(Progress { done, total, note: Some(self.0.hidden.hide(&note.into())) });
    }

    /// The GPU slot of a `gpu` step.
    pub fn gpu(&self) -> Option<&GpuSlot> {
        self.0.gpu.as_ref()
    }

    /// State that the host gave to its worker.
    ///
    /// # Panics
    /// Where there is none of this type. Write `#[step(needs(T))]`, and a worker without it refuses to start.
    pub fn state<T: Send + Sync + 'static>(&self) -> Arc<T> {
        self.try_state().unwrap_or_else(|| {
            panic!("no state of type `{0}`; give it to the worker: `.state(…)`, and say `needs({0})` on the step", type_name::<T>())
        })
    }

    /// State that the host gave to its worker, if it did.
    pub fn try_state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.state.get()
    }

    /// The transaction of a `#[step(transactional)]`: what is written through it commits together with the completion
    /// of the step, or not at all. Begun by the first call; it is in the engine's database.
    ///
    /// # Errors
    /// See [`TransactionError`].
    pub async fn transaction(&self) -> Result<StepTransaction, TransactionError> {
        match &self.0.transaction {
            Some(slot) => slot.open().await,
            None if self.0.run.is_none() => Err(TransactionError::PlainCall),
            None => Err(TransactionError::NotTransactional(self.0.step.clone())),
        }
    }

    /// Runs CPU work on a thread where it may block. The engine sees when it ends: the slots of the step are not given
    /// to anybody else before. Its log lines stand in the span of the caller.
    ///
    /// # Panics
    /// When `work` does.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let (busy, span) = (self.0.busy.clone(), tracing::Span::current());
        let done = tokio::task::spawn_blocking(move || {
            let result = span.in_scope(work);
            drop(busy);
            result
        });
        match done.await {
            Ok(result) => result,
            Err(e) => std::panic::resume_unwind(e.into_panic()),
        }
    }

    pub(crate) fn cancel(&self) {
        self.0.cancelled.send_replace(true);
    }

    pub(crate) fn log(&self) -> Option<&Arc<Tail>> {
        self.0.log.as_ref()
    }

    pub(crate) fn last_progress(&self) -> Option<Progress> {
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_progress(&self, progress: Progress) {
        *self.0.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_from_the_drivers_list() {
        let gpu = Gpu::parse("0, GPU-1f, NVIDIA H100 80GB HBM3, 81559").unwrap();
        assert_eq!((gpu.index, gpu.uuid.as_str(), gpu.memory_bytes >> 30), (0, "GPU-1f", 79));
        assert_eq!(Gpu::parse("No devices were found"), None);
    }
}
