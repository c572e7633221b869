//! What a worker does, recorded through the facade `metrics`.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ::metrics::{
    Label, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::{
    observe::{AttemptEnded, Observer, ResultRefused, RunEnded, RunTimed, WorkerLoad},
    store::{alert::Alert, load::Load},
};

use super::{
    ALERTS_RAISED, Kind, LEASE_LOSSES, METRICS, Metric, RESULTS_REFUSED, RUN_DURATION, RUNS_ENDED,
    STEP_ATTEMPTS, STEP_DURATION, STEP_QUEUE, STEP_RETRIES, Source, TASKS_RECOVERED, Unit,
    WORKER_GPUS, WORKER_GPUS_BUSY, WORKER_SLOTS, WORKER_SLOTS_BUSY, WORKERS_WANTED, of_load,
    of_wanted,
};

/// How often a worker asks what the whole database has to do.
const EVERY: Duration = Duration::from_secs(15);

/// Records what a worker does through the facade `metrics`, for whatever recorder the host has installed; the metrics
/// stand in `docs/metrics.md`. Each worker takes one of its own.
///
/// ```no_run
/// # async fn host(flow: pgflow::Flow) -> Result<(), Box<dyn std::error::Error>> {
/// // install the recorder before: it hears what the metrics mean when this is made
/// let worker = flow.worker().observer(pgflow::Metrics::new()).spawn().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Metrics {
    told: Mutex<Told>,
}

/// What was told last of what goes up and down.
#[derive(Debug, Default)]
struct Told {
    worker: WorkerLoad,
    database: HashSet<(&'static Metric, Vec<String>)>,
    wanted: bool,
}

impl Metrics {
    /// Describes the metrics to the recorder that is installed.
    pub fn new() -> Self {
        for metric in METRICS.iter().filter(|metric| metric.source != Source::LastHour) {
            let unit = match metric.unit {
                Unit::Count => ::metrics::Unit::Count,
                Unit::Seconds => ::metrics::Unit::Seconds,
            };
            match metric.kind {
                Kind::Counter => describe_counter!(metric.name, unit, metric.description),
                Kind::Gauge => describe_gauge!(metric.name, unit, metric.description),
                Kind::Histogram => describe_histogram!(metric.name, unit, metric.description),
            }
        }
        // so that the first time is an increase
        for metric in [&LEASE_LOSSES, &TASKS_RECOVERED] {
            count(metric, [], 0);
        }
        Self::default()
    }

    /// Gauges of several workers in one process add up, so each adds what has changed of its own.
    fn hold(&self, load: WorkerLoad) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut told.worker, load);
        for (metric, before, now) in [
            (&WORKER_SLOTS, before.slots, load.slots),
            (&WORKER_SLOTS_BUSY, before.slots_busy, load.slots_busy),
            (&WORKER_GPUS, before.gpus, load.gpus),
            (&WORKER_GPUS_BUSY, before.gpus_busy, load.gpus_busy),
        ] {
            gauge!(metric.name).increment(f64::from(now) - f64::from(before));
        }
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        self.hold(WorkerLoad::default());
        // nobody keeps them up to date from here on; another worker of this process tells them again
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (metric, values) in told.database.drain() {
            gauge!(metric.name, labels(metric, &values)).set(0.0);
        }
        if told.wanted {
            gauge!(WORKERS_WANTED.name).set(0.0);
        }
    }
}

impl Observer for Metrics {
    fn attempt_ended(&self, attempt: &AttemptEnded<'_>) {
        let (version, outcome) = (attempt.version.to_string(), attempt.status.as_str());
        let node = [attempt.workflow, &version, attempt.node];
        let with_outcome = [attempt.workflow, &version, attempt.node, outcome];
        count(&STEP_ATTEMPTS, with_outcome, 1);
        if attempt.retried {
            count(&STEP_RETRIES, node, 1);
        }
        time(&STEP_DURATION, with_outcome, attempt.ran);
        time(&STEP_QUEUE, node, attempt.waited);
    }

    fn run_ended(&self, run: &RunEnded<'_>) {
        let version = run.version.map(|version| version.to_string()).unwrap_or_default();
        count(&RUNS_ENDED, [run.workflow.unwrap_or_default(), &version, run.state.as_str()], 1);
    }

    fn run_timed(&self, run: &RunTimed<'_>) {
        time(&RUN_DURATION, [run.workflow, &run.version.to_string()], run.took);
    }

    fn result_refused(&self, refused: &ResultRefused<'_>) {
        let version = refused.version.to_string();
        count(&RESULTS_REFUSED, [refused.workflow, &version, refused.node], 1);
    }

    fn lease_lost(&self) {
        count(&LEASE_LOSSES, [], 1);
    }

    fn tasks_recovered(&self, tasks: u32) {
        count(&TASKS_RECOVERED, [], tasks.into());
    }

    fn alert(&self, alert: &Alert) {
        if !alert.cleared {
            count(&ALERTS_RAISED, [alert.kind.as_str()], 1);
        }
    }

    fn beat(&self, load: &WorkerLoad) {
        self.hold(*load);
    }

    fn load_every(&self) -> Option<Duration> {
        Some(EVERY)
    }

    fn load(&self, load: &Load) {
        let samples = of_load(load);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = std::mem::take(&mut told.database);
        for sample in samples {
            gauge!(sample.metric.name, labels(sample.metric, &sample.labels)).set(sample.value);
            told.database.insert((sample.metric, sample.labels));
        }
        // what is not said of any more is none
        for (metric, values) in gone.difference(&told.database) {
            gauge!(metric.name, labels(metric, values)).set(0.0);
        }
    }

    fn wanted(&self, workers: u64) {
        gauge!(WORKERS_WANTED.name).set(of_wanted(workers).value);
        self.told.lock().unwrap_or_else(PoisonError::into_inner).wanted = true;
    }
}

fn count<const N: usize>(metric: &'static Metric, values: [&str; N], n: u64) {
    counter!(metric.name, labels(metric, &values)).increment(n);
}

fn time<const N: usize>(metric: &'static Metric, values: [&str; N], time: Duration) {
    histogram!(metric.name, labels(metric, &values)).record(time);
}

fn labels(metric: &'static Metric, values: &[impl ToString]) -> Vec<Label> {
    debug_assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
    let pairs = metric.labels.iter().zip(values);
    pairs.map(|(label, value)| Label::new(*label, value.to_string())).collect()
}
