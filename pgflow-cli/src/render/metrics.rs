//! How the last hour went, and how much there is to do, for people.

use std::{fmt::Write, time::Duration};

use pgflow_core::store::load::{LastHour, LimitLoad, Load, NodeHour, QueueLoad, RunsEnded};

use crate::output::{Paint, Tone};

use super::{
    table::{Cell, table},
    time::lasting,
};

/// A table of each, where there is anything; workers and alerts in lines.
pub(crate) fn render(paint: Paint, hour: &LastHour, load: &Load, wanted: u64) -> String {
    let headings =
        ["RUNS, LAST HOUR", "ENDED", "PER MIN", "FAILED", "CANCELLED", "TIMED OUT", "ERRORS"];
    let runs: Vec<_> = hour.runs.iter().map(runs).collect();
    let mut parts = vec![section(paint, &headings, &runs)];
    let headings = [
        "STEPS, LAST HOUR",
        "NODE",
        "DONE",
        "FAILED",
        "RETRIED",
        "SKIPPED",
        "WAITED",
        "TOOK",
        "HALF",
        "95 OF 100",
    ];
    let nodes: Vec<_> = hour.nodes.iter().map(node).collect();
    parts.push(section(paint, &headings, &nodes));
    let queues: Vec<_> = load.queues.iter().map(queue).collect();
    parts.push(section(paint, &["WAITING", "NODE", "READY", "OLDEST"], &queues));
    let limits: Vec<_> = load.limits.iter().map(limit).collect();
    parts.push(section(paint, &["LIMIT", "HELD", "OF", "SET BY"], &limits));
    parts.push(workers(paint, load, wanted));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn section(paint: Paint, headings: &[&str], rows: &[Vec<Cell>]) -> String {
    if rows.is_empty() { String::new() } else { table(paint, headings, rows) }
}

fn runs(runs: &RunsEnded) -> Vec<Cell> {
    let ended = runs.completed + runs.failed + runs.cancelled + runs.timed_out;
    let rate = runs.error_rate().filter(|rate| *rate > 0.0);
    vec![
        runs.workflow.as_str().into(),
        ended.to_string().into(),
        format!("{:.1}", runs.per_minute()).into(),
        bad(runs.failed),
        some(runs.cancelled),
        bad(runs.timed_out),
        Cell::new(Tone::Bad, rate.map(|rate| format!("{:.1} %", rate * 100.0)).unwrap_or_default()),
    ]
}

fn node(node: &NodeHour) -> Vec<Cell> {
    let time = |time: Option<Duration>| Cell::from(time.map(lasting).unwrap_or_default());
    let name = match &node.node {
        Some(name) => Cell::from(name.as_str()),
        None => Cell::new(Tone::Faint, "whole runs"),
    };
    vec![
        format!("{}@{}", node.workflow, node.version).into(),
        name,
        node.completed.to_string().into(),
        bad(node.failed),
        some(node.retried),
        some(node.skipped),
        time(node.mean_waited.filter(|_| node.node.is_some())),
        time(node.mean),
        time(node.half),
        time(node.p95),
    ]
}

fn queue(queue: &QueueLoad) -> Vec<Cell> {
    vec![
        format!("{}@{}", queue.workflow, queue.version).into(),
        queue.node.as_str().into(),
        queue.ready.to_string().into(),
        lasting(queue.age).into(),
    ]
}

fn limit(limit: &LimitLoad) -> Vec<Cell> {
    let tone = if limit.held >= limit.size { Tone::Busy } else { Tone::Plain };
    vec![
        limit.name.as_str().into(),
        Cell::new(tone, limit.held.to_string()),
        limit.size.to_string().into(),
        limit.source.as_deref().unwrap_or_default().into(),
    ]
}

fn workers(paint: Paint, load: &Load, wanted: u64) -> String {
    let workers = load.workers;
    let gpus = match workers.gpus {
        0 => String::new(),
        1 => ", 1 GPU".into(),
        several => format!(", {several} GPUs"),
    };
    let mut text = match workers.alive {
        0 => format!("{}, {wanted} wanted\n", paint.paint(Tone::Bad, "no worker is alive")),
        alive => format!(
            "workers alive: {alive}, wanted: {wanted}, {} of {} slots busy{gpus}\n",
            workers.busy, workers.slots
        ),
    };
    for alert in &load.alerts {
        let kind = paint.paint(Tone::Bad, alert.kind.as_str());
        let _ = writeln!(text, "alert {kind}: {}: {}", alert.subject, alert.detail);
    }
    text
}

fn some(count: u64) -> Cell {
    if count == 0 { Cell::default() } else { count.to_string().into() }
}

fn bad(count: u64) -> Cell {
    if count == 0 { Cell::default() } else { Cell::new(Tone::Bad, count.to_string()) }
}
