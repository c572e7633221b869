//! What a host hears of its workers: attempts and runs that ended, and alerts.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    lifecycle::{AttemptStatus, RunState},
    store::{RunId, alert::Alert, load::Load},
    trace::TraceParent,
};

/// Hears what a worker does, for metrics, traces and pagers. Called where the worker works, so it must not block; what it
/// hears has been committed, and where the worker is killed just then nobody hears it.
pub trait Observer: Send + Sync + 'static {
    /// An attempt ended here.
    fn attempt_ended(&self, attempt: &AttemptEnded<'_>) {
        let _ = attempt;
    }

    /// A run ended here.
    fn run_ended(&self, run: &RunEnded<'_>) {
        let _ = run;
    }

    /// How long a run took that completed here: heard with the next heartbeat, when the database has said it.
    fn run_timed(&self, run: &RunTimed<'_>) {
        let _ = run;
    }

    /// A result was refused: its run had ended, or another worker had taken its task over.
    fn result_refused(&self, refused: &ResultRefused<'_>) {
        let _ = refused;
    }

    /// The worker lost its lease, or broke down, and begins anew.
    fn lease_lost(&self) {}

    /// The worker made tasks of dead workers ready again.
    fn tasks_recovered(&self, tasks: u32) {
        let _ = tasks;
    }

    /// An alert was raised or cleared: heard by one worker of all, once each.
    fn alert(&self, alert: &Alert) {
        let _ = alert;
    }

    /// What the worker holds, every three seconds, on the thread of its heartbeat.
    fn beat(&self, load: &WorkerLoad) {
        let _ = load;
    }

    /// How often it wants to hear [`load`](Self::load), to the next five seconds; `None`: never. Asking takes six statements.
    fn load_every(&self) -> Option<Duration> {
        None
    }

    /// What the whole database has to do. Of several observers the most impatient says how often.
    fn load(&self, load: &Load) {
        let _ = load;
    }

    /// How many workers it takes to have worked off within five minutes what waits; heard after [`load`](Self::load).
    fn wanted(&self, workers: u64) {
        let _ = workers;
    }
}

/// An attempt that ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttemptEnded<'a> {
    /// Its run.
    pub run: RunId,
    /// The workflow.
    pub workflow: &'a str,
    /// The workflow's version.
    pub version: u32,
    /// The id of its node.
    pub node: &'a str,
    /// The element of a map, from 0.
    pub element: Option<u32>,
    /// The attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    pub status: AttemptStatus,
    /// Another attempt follows.
    pub retried: bool,
    /// When it began, by the database's clock.
    pub started_at: SystemTime,
    /// From ready to begun.
    pub waited: Duration,
    /// From begun to over.
    pub ran: Duration,
    /// Its span, where the run belongs to a trace.
    pub span: Option<TraceParent>,
}

/// A run that ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunEnded<'a> {
    /// The run.
    pub run: RunId,
    /// The workflow; `None` where the run passed its deadline while nothing of it was here.
    pub workflow: Option<&'a str>,
    /// The workflow's version; `None` where that is.
    pub version: Option<u32>,
    /// How it ended.
    pub state: RunState,
    /// Its span, where it belongs to a trace.
    pub span: Option<TraceParent>,
}

/// How long a run took.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunTimed<'a> {
    /// The run.
    pub run: RunId,
    /// The workflow.
    pub workflow: &'a str,
    /// The workflow's version.
    pub version: u32,
    /// From start to end, by the database's clock.
    pub took: Duration,
}

/// A result that was refused.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ResultRefused<'a> {
    /// Its run.
    pub run: RunId,
    /// The workflow.
    pub workflow: &'a str,
    /// The workflow's version.
    pub version: u32,
    /// The id of its node.
    pub node: &'a str,
}

/// What a worker holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerLoad {
    /// Tasks that may run at once.
    pub slots: u32,
    /// Tasks that run.
    pub slots_busy: u32,
    /// GPUs that it offers.
    pub gpus: u32,
    /// GPUs that its tasks hold.
    pub gpus_busy: u32,
}

/// All who hear.
#[derive(Clone, Default)]
pub(crate) struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    pub fn add(&mut self, observer: impl Observer) {
        self.0.push(Arc::new(observer));
    }

    /// Tells everyone; what is told is made only where somebody listens.
    pub fn tell<T>(&self, event: impl FnOnce() -> T, told: impl Fn(&dyn Observer, &T)) {
        if !self.0.is_empty() {
            let event = event();
            self.0.iter().for_each(|observer| told(&**observer, &event));
        }
    }

    /// How often somebody wants to hear what the database has to do.
    pub fn load_every(&self) -> Option<Duration> {
        self.0.iter().filter_map(|observer| observer.load_every()).min()
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observers").field(&self.0.len()).finish()
    }
}
