//! `metrics`: how the last hour went, and how much there is to do, of the whole database.

use std::time::Duration;

use clap::Args;
use pgflow_core::{
    client::WANTED_WITHIN,
    metrics::{of_last_hour, of_load, of_wanted},
    store::load::{LastHour, LimitLoad, Load, NodeHour, OpenAlert, QueueLoad, RunsEnded},
};
use serde::Serialize;

use crate::{
    context::Context,
    error::CliError,
    exit::Exit,
    output::print,
    render::{metrics, prometheus, time::stamp},
};

/// How the last hour went, and how much there is to do: runs, nodes, queues, limits, workers, alerts, of the whole
/// database. Wanted workers are those that work off within five minutes what waits. It takes eight statements, and no locks.
#[derive(Debug, Args)]
pub(crate) struct Metrics {
    /// Print what Prometheus reads, as for a textfile collector.
    #[arg(long, conflicts_with = "json")]
    prometheus: bool,
}

#[derive(Serialize)]
struct View<'a> {
    runs: Vec<RunsView<'a>>,
    nodes: Vec<NodeView<'a>>,
    queues: Vec<QueueView<'a>>,
    limits: Vec<LimitView<'a>>,
    workers: WorkersView,
    alerts: Vec<AlertView<'a>>,
}

#[derive(Serialize)]
struct RunsView<'a> {
    workflow: &'a str,
    completed: u64,
    failed: u64,
    cancelled: u64,
    timed_out: u64,
    per_minute: f64,
    error_rate: Option<f64>,
}

#[derive(Serialize)]
struct NodeView<'a> {
    workflow: &'a str,
    version: u32,
    node: Option<&'a str>,
    completed: u64,
    failed: u64,
    retried: u64,
    skipped: u64,
    mean_waited_ms: Option<u128>,
    mean_ms: Option<u128>,
    half_ms: Option<u128>,
    p95_ms: Option<u128>,
}

#[derive(Serialize)]
struct QueueView<'a> {
    workflow: &'a str,
    version: u32,
    node: &'a str,
    kind: &'a str,
    ready: u64,
    age_ms: u128,
}

#[derive(Serialize)]
struct LimitView<'a> {
    limit: &'a str,
    slots: u64,
    held: u64,
}

#[derive(Serialize)]
struct WorkersView {
    alive: u64,
    slots: u64,
    slots_busy: u64,
    gpus: u64,
    wanted: u64,
}

#[derive(Serialize)]
struct AlertView<'a> {
    kind: &'a str,
    subject: &'a str,
    detail: &'a str,
    raised_at: String,
}

impl Metrics {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let (hour, load) = (flow.last_hour().await?, flow.load().await?);
        let wanted = flow.wanted_workers(WANTED_WITHIN).await?.workers;
        if self.prometheus {
            let samples = [of_load(&load), vec![of_wanted(wanted)], of_last_hour(&hour)];
            print(&prometheus::render(&samples.concat()));
        } else {
            let view = view(&hour, &load, wanted);
            context.output.tell(&view, |paint| metrics::render(paint, &hour, &load, wanted));
        }
        Ok(Exit::Done)
    }
}

fn view<'a>(hour: &'a LastHour, load: &'a Load, wanted: u64) -> View<'a> {
    View {
        runs: hour.runs.iter().map(runs).collect(),
        nodes: hour.nodes.iter().map(node).collect(),
        queues: load.queues.iter().map(queue).collect(),
        limits: load.limits.iter().map(limit).collect(),
        workers: WorkersView {
            alive: load.workers.alive,
            slots: load.workers.slots,
            slots_busy: load.workers.busy,
            gpus: load.workers.gpus,
            wanted,
        },
        alerts: load.alerts.iter().map(alert).collect(),
    }
}

fn runs(runs: &RunsEnded) -> RunsView<'_> {
    RunsView {
        workflow: &runs.workflow,
        completed: runs.completed,
        failed: runs.failed,
        cancelled: runs.cancelled,
        timed_out: runs.timed_out,
        per_minute: runs.per_minute(),
        error_rate: runs.error_rate(),
    }
}

fn node(node: &NodeHour) -> NodeView<'_> {
    NodeView {
        workflow: &node.workflow,
        version: node.version,
        node: node.node.as_deref(),
        completed: node.completed,
        failed: node.failed,
        retried: node.retried,
        skipped: node.skipped,
        mean_waited_ms: millis(node.mean_waited),
        mean_ms: millis(node.mean),
        half_ms: millis(node.half),
        p95_ms: millis(node.p95),
    }
}

fn millis(time: Option<Duration>) -> Option<u128> {
    time.map(|time| time.as_millis())
}

fn queue(queue: &QueueLoad) -> QueueView<'_> {
    QueueView {
        workflow: &queue.workflow,
        version: queue.version,
        node: &queue.node,
        kind: &queue.kind,
        ready: queue.ready,
        age_ms: queue.age.as_millis(),
    }
}

fn limit(limit: &LimitLoad) -> LimitView<'_> {
    LimitView { limit: &limit.name, slots: limit.size, held: limit.held }
}

fn alert(alert: &OpenAlert) -> AlertView<'_> {
    AlertView {
        kind: alert.kind.as_str(),
        subject: &alert.subject,
        detail: &alert.detail,
        raised_at: stamp(alert.raised_at),
    }
}
