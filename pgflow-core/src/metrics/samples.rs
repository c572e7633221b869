//! What the whole database says, as values of metrics.

use std::time::Duration;

use crate::store::load::{LastHour, Load, NodeHour};

use super::{
    ALERTS_OPEN, HOUR_ATTEMPTS, HOUR_RUN_DURATION, HOUR_RUNS, HOUR_STEP_DURATION, LIMIT_SLOTS,
    LIMIT_SLOTS_HELD, Metric, QUEUE_AGE, QUEUE_READY, WORKERS_ALIVE, WORKERS_SLOTS,
    WORKERS_SLOTS_BUSY, WORKERS_WANTED,
};

/// A value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric.
    pub metric: &'static Metric,
    /// The values of its labels, in their order.
    pub labels: Vec<String>,
    /// The value.
    pub value: f64,
}

impl Sample {
    fn new<const N: usize>(metric: &'static Metric, labels: [&str; N], value: f64) -> Self {
        debug_assert_eq!(metric.labels.len(), N, "{}", metric.name);
        Self { metric, labels: labels.map(str::to_owned).into(), value }
    }

    fn count<const N: usize>(metric: &'static Metric, labels: [&str; N], count: u64) -> Self {
        Self::new(metric, labels, crate::store::load::as_f64(count))
    }

    fn time<const N: usize>(metric: &'static Metric, labels: [&str; N], time: Duration) -> Self {
        Self::new(metric, labels, time.as_secs_f64())
    }
}

/// How much there is to do, as values of metrics.
pub fn of_load(load: &Load) -> Vec<Sample> {
    let mut samples = Vec::new();
    for queue in &load.queues {
        let version = queue.version.to_string();
        let labels = [queue.workflow.as_str(), &version, &queue.node, &queue.kind];
        samples.push(Sample::count(&QUEUE_READY, labels, queue.ready));
        samples.push(Sample::time(&QUEUE_AGE, labels, queue.age));
    }
    for limit in &load.limits {
        samples.push(Sample::count(&LIMIT_SLOTS, [&limit.name], limit.size));
        samples.push(Sample::count(&LIMIT_SLOTS_HELD, [&limit.name], limit.held));
    }
    samples.push(Sample::count(&WORKERS_ALIVE, [], load.workers.alive));
    samples.push(Sample::count(&WORKERS_SLOTS, [], load.workers.slots));
    samples.push(Sample::count(&WORKERS_SLOTS_BUSY, [], load.workers.busy));
    let mut kinds: Vec<&str> = load.alerts.iter().map(|alert| alert.kind.as_str()).collect();
    kinds.sort_unstable();
    for same in kinds.chunk_by(|a, b| a == b) {
        samples.push(Sample::count(&ALERTS_OPEN, [same[0]], same.len() as u64));
    }
    samples
}

/// How many workers are wanted, as the value of a metric.
pub fn of_wanted(workers: u64) -> Sample {
    Sample::count(&WORKERS_WANTED, [], workers)
}

/// How the last hour went, as values of metrics.
pub fn of_last_hour(hour: &LastHour) -> Vec<Sample> {
    let runs = hour.runs.iter().flat_map(|runs| {
        [
            ("completed", runs.completed),
            ("failed", runs.failed),
            ("cancelled", runs.cancelled),
            ("timed_out", runs.timed_out),
        ]
        .map(|(state, count)| Sample::count(&HOUR_RUNS, [&runs.workflow, state], count))
    });
    runs.chain(hour.nodes.iter().flat_map(of_node)).collect()
}

fn of_node(hour: &NodeHour) -> Vec<Sample> {
    let (workflow, version) = (hour.workflow.as_str(), hour.version.to_string());
    let times = [("50", hour.half), ("95", hour.p95)];
    let times = times.into_iter().filter_map(|(percentile, time)| Some((percentile, time?)));
    let Some(node) = &hour.node else {
        let time = |(percentile, time)| {
            Sample::time(&HOUR_RUN_DURATION, [workflow, &version, percentile], time)
        };
        return times.map(time).collect();
    };
    let counts = [
        ("completed", hour.completed),
        ("failed", hour.failed),
        ("retried", hour.retried),
        ("skipped", hour.skipped),
    ];
    let counts = counts.map(|(outcome, count)| {
        Sample::count(&HOUR_ATTEMPTS, [workflow, &version, node, outcome], count)
    });
    let times = times.map(|(percentile, time)| {
        Sample::time(&HOUR_STEP_DURATION, [workflow, &version, node, percentile], time)
    });
    counts.into_iter().chain(times).collect()
}
