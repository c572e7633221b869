//! The metrics: one table of all, from which they are described, documented and rendered. Those of a worker are recorded
//! through the facade `metrics` (feature `metrics`, `Metrics`); those of the whole database can be had without.

#[cfg(feature = "metrics")]
mod facade;
mod samples;

use std::fmt::Write;

#[cfg(feature = "metrics")]
pub use facade::Metrics;
pub use samples::{Sample, of_last_hour, of_load, of_wanted};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Only grows, until its process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many fell into each of [`BUCKETS`].
    Histogram,
}

impl Kind {
    /// What Prometheus calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Things.
    Count,
    /// Seconds.
    Seconds,
}

/// Who tells a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Each process, of its own workers: add them up.
    Worker,
    /// Every process and `pgflow metrics --prometheus`, of the whole database: take one, as `max` does.
    Database,
    /// `pgflow metrics --prometheus` alone, of the whole database.
    LastHour,
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Metric {
    /// Its name, as Prometheus wants it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it is measured in.
    pub unit: Unit,
    /// Who tells it.
    pub source: Source,
    /// The labels of its series; none of them names a run.
    pub labels: &'static [&'static str],
    /// What it says.
    pub description: &'static str,
}

/// The upper bounds of a histogram's buckets, in seconds: steps take from milliseconds to hours.
pub const BUCKETS: [f64; 16] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0,
    7_200.0,
];

const NODE: &[&str] = &["workflow", "version", "node"];
const NODE_OUTCOME: &[&str] = &["workflow", "version", "node", "outcome"];
const QUEUE: &[&str] = &["workflow", "version", "node", "kind"];

macro_rules! metrics {
    ($($id:ident $name:literal $kind:ident $unit:ident $source:ident $labels:expr, $description:literal;)*) => {
        $(
            pub(crate) static $id: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                unit: Unit::$unit,
                source: Source::$source,
                labels: $labels,
                description: $description,
            };
        )*

        /// All metrics.
        pub static METRICS: &[&Metric] = &[$(&$id),*];
    };
}

metrics! {
    STEP_ATTEMPTS "pgflow_step_attempts_total" Counter Count Worker NODE_OUTCOME,
        "Attempts that ended here, by outcome: done, failed, timed_out, lost.";
    STEP_RETRIES "pgflow_step_retries_total" Counter Count Worker NODE,
        "Attempts that did not succeed and that another attempt follows.";
    STEP_DURATION "pgflow_step_duration_seconds" Histogram Seconds Worker NODE_OUTCOME,
        "How long attempts took, from begun to over.";
    STEP_QUEUE "pgflow_step_queue_seconds" Histogram Seconds Worker NODE,
        "How long attempts had waited for a worker or a limit, from ready to begun.";
    RUNS_ENDED "pgflow_runs_ended_total" Counter Count Worker &["workflow", "version", "state"],
        "Runs that ended here, by state: completed, failed, timed_out. A client's cancel ends a run without a worker: count those in SQL. A run that was overdue while nothing of it was here has no workflow.";
    RUN_DURATION "pgflow_run_duration_seconds" Histogram Seconds Worker &["workflow", "version"],
        "How long runs took that completed here, from start to end; told with the next heartbeat.";
    RESULTS_REFUSED "pgflow_results_refused_total" Counter Count Worker NODE,
        "Results that were refused, since their run had ended or another worker had taken their task over.";
    LEASE_LOSSES "pgflow_worker_lease_losses_total" Counter Count Worker &[],
        "How often a worker lost its lease, or broke down, and began anew.";
    TASKS_RECOVERED "pgflow_tasks_recovered_total" Counter Count Worker &[],
        "Tasks of dead workers that this one made ready again.";
    ALERTS_RAISED "pgflow_alerts_raised_total" Counter Count Worker &["kind"],
        "Alerts that were raised: each is told by one worker of all.";
    WORKER_SLOTS "pgflow_worker_slots" Gauge Count Worker &[],
        "Tasks that may run here at once.";
    WORKER_SLOTS_BUSY "pgflow_worker_slots_busy" Gauge Count Worker &[],
        "Tasks that run here.";
    WORKER_GPUS "pgflow_worker_gpus" Gauge Count Worker &[],
        "GPUs that are offered here.";
    WORKER_GPUS_BUSY "pgflow_worker_gpus_busy" Gauge Count Worker &[],
        "GPUs that tasks hold here.";
    QUEUE_READY "pgflow_queue_ready" Gauge Count Database QUEUE,
        "Tasks that wait for a worker or a limit; kind is step, or body for pure code. Of more, 10,000 are counted.";
    QUEUE_AGE "pgflow_queue_age_seconds" Gauge Seconds Database QUEUE,
        "How long the oldest of these has waited.";
    LIMIT_SLOTS "pgflow_limit_slots" Gauge Count Database &["limit"],
        "How many a limit lets run at once: step:NAME, workflow:NAME, exclusive:NAME, rate:NAME, gpu:UUID.";
    LIMIT_SLOTS_HELD "pgflow_limit_slots_held" Gauge Count Database &["limit"],
        "How many of these are held.";
    WORKERS_ALIVE "pgflow_workers_alive" Gauge Count Database &[],
        "Workers with a lease.";
    WORKERS_SLOTS "pgflow_workers_slots" Gauge Count Database &[],
        "Tasks that all of them may run at once.";
    WORKERS_SLOTS_BUSY "pgflow_workers_slots_busy" Gauge Count Database &[],
        "Tasks that run in all of them.";
    ALERTS_OPEN "pgflow_alerts_open" Gauge Count Database &["kind"],
        "Alerts that are open.";
    WORKERS_WANTED "pgflow_workers_wanted" Gauge Count Database &[],
        "Workers that it takes to have worked off within five minutes what waits, at the rates of the last hour.";
    HOUR_RUNS "pgflow_last_hour_runs" Gauge Count LastHour &["workflow", "state"],
        "Runs that ended in the last hour, by state: completed, failed, cancelled, timed_out.";
    HOUR_ATTEMPTS "pgflow_last_hour_step_attempts" Gauge Count LastHour NODE_OUTCOME,
        "What the last hour saw at a node, by outcome: completed, failed, retried, skipped.";
    HOUR_STEP_DURATION "pgflow_last_hour_step_duration_seconds" Gauge Seconds LastHour &["workflow", "version", "node", "percentile"],
        "How long attempts of the last hour took at most, to the next power of two of milliseconds; percentile is 50 or 95.";
    HOUR_RUN_DURATION "pgflow_last_hour_run_duration_seconds" Gauge Seconds LastHour &["workflow", "version", "percentile"],
        "The same for runs that completed.";
}

/// The table of all metrics, as Markdown.
pub fn documentation() -> String {
    let mut text = String::from(include_str!("metrics/documentation.md"));
    for (source, heading) in [
        (Source::Worker, "Of a process: add the processes up"),
        (Source::Database, "Of the whole database: take one, as `max` does"),
        (Source::LastHour, "Of the whole database, from `pgflow metrics --prometheus` alone"),
    ] {
        let _ = writeln!(
            text,
            "\n## {heading}\n\n| Metric | Kind | Labels | Says |\n|---|---|---|---|"
        );
        for metric in METRICS.iter().filter(|metric| metric.source == source) {
            let labels: Vec<String> = metric.labels.iter().map(|l| format!("`{l}`")).collect();
            let (name, kind, says) = (metric.name, metric.kind.word(), metric.description);
            let labels = labels.join(", ");
            let _ = writeln!(text, "| `{name}` | {kind} | {labels} | {says} |");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions_of_prometheus_and_labels_are_few() {
        for metric in METRICS {
            let name = metric.name;
            assert!(name.starts_with("pgflow_"), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), metric.unit == Unit::Seconds, "{name}");
            assert!(metric.labels.len() <= 4 && !metric.labels.contains(&"run"), "{name}");
            assert!(
                metric.description.ends_with('.') && !metric.description.contains('|'),
                "{name}"
            );
            assert_eq!(METRICS.iter().filter(|other| other.name == name).count(), 1, "{name}");
        }
        assert!(BUCKETS.is_sorted());
    }
}
