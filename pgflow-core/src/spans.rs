//! Spans: what collectors of traces are told of runs and attempts.

mod otlp;

use std::time::SystemTime;

use crate::{
    lifecycle::{AttemptStatus, RunState},
    store::{
        RunId,
        spans::{AttemptKey, AttemptSpan, RunSpan},
    },
    trace::TraceParent,
};

pub use otlp::request;

/// A span of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// Its trace and its own id, which is derived from what it stands for.
    pub id: TraceParent,
    /// The id of the span above it.
    pub parent: Option<u64>,
    /// The workflow, or the id of the node.
    pub name: String,
    /// The element of a map, from 0.
    pub element: Option<u32>,
    /// The attempt, from 1; `None`: it is a run's.
    pub attempt: Option<u32>,
    /// Since when it could have begun.
    pub ready_at: Option<SystemTime>,
    /// When it began.
    pub started_at: SystemTime,
    /// When it ended; `None`: it has not.
    pub ended_at: Option<SystemTime>,
    /// How it ended, as in `done`, `timed_out` or `completed`.
    pub status: &'static str,
    /// Why it failed.
    pub error: Option<String>,
    /// Spans that it came after, and whose results it may have read.
    pub links: Vec<TraceParent>,
    /// More about it.
    pub attributes: Vec<(&'static str, Attribute)>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

impl Span {
    /// Of a run. Above it is its parent's span, or its caller's; a run that was started without a trace has nobody above it.
    pub(crate) fn of_run(row: &RunSpan) -> Self {
        let (run, trace) = (row.run, trace_of(row));
        let above = given(row.trace.as_deref());
        let above = above.map(|caller| row.parent.map_or(caller, |run| caller.of_run(run)));
        let mut attributes = about(run, &row.workflow, row.version);
        attributes.extend(row.key.clone().map(|key| ("pgflow.key", Attribute::Text(key))));
        let origin = row.origin.as_ref();
        let origin = origin.and_then(|(run, trace)| {
            Some(trace.as_ref()?.parse::<TraceParent>().ok()?.of_run(*run))
        });
        let failed = !matches!(row.state, RunState::Live | RunState::Completed);
        Self {
            id: trace.of_run(run),
            parent: above.map(|above| above.span.get()),
            name: row.workflow.clone(),
            element: None,
            attempt: None,
            ready_at: None,
            started_at: row.started_at,
            ended_at: row.ended_at,
            status: row.state.as_str(),
            error: failed.then(|| row.message.clone().unwrap_or_default()),
            links: origin.into_iter().collect(),
            attributes,
        }
    }

    /// Of an attempt, in the trace of its run.
    pub(crate) fn of_attempt(trace: TraceParent, row: &AttemptSpan) -> Self {
        let span =
            |key: &AttemptKey| trace.of_attempt(key.run, &key.node, key.element, key.attempt);
        let mut attributes = about(row.key.run, &row.workflow, row.version);
        attributes.extend(
            row.worker.map(|worker| ("pgflow.worker", Attribute::Number(i64::from(worker)))),
        );
        let failed = matches!(
            row.status,
            AttemptStatus::Failed | AttemptStatus::TimedOut | AttemptStatus::Lost
        );
        Self {
            id: span(&row.key),
            parent: Some(trace.of_run(row.key.run).span.get()),
            name: row.key.node.clone(),
            element: row.key.element,
            attempt: Some(row.key.attempt),
            ready_at: row.ready_at,
            started_at: row.started_at,
            ended_at: Some(row.ended_at),
            status: row.status.as_str(),
            error: failed.then(|| row.message.clone().unwrap_or_default()),
            links: row.before.iter().map(span).collect(),
            attributes,
        }
    }
}

/// The trace of a run; one that was started without has one of its own.
pub(crate) fn trace_of(row: &RunSpan) -> TraceParent {
    given(row.trace.as_deref())
        .unwrap_or_else(|| TraceParent::born(row.run, &row.workflow, row.started_at))
}

/// The span that a run was started in, as it is stored.
pub(crate) fn given(trace: Option<&str>) -> Option<TraceParent> {
    trace.and_then(|trace| trace.parse().ok())
}

/// What every span has: names of our own, and those that OpenTelemetry has for work from queues
/// ([messaging spans](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/)), so that tools that know them find it.
fn about(run: RunId, workflow: &str, version: u32) -> Vec<(&'static str, Attribute)> {
    vec![
        ("messaging.system", Attribute::Text("pgflow".into())),
        ("messaging.destination.name", Attribute::Text(workflow.into())),
        ("pgflow.run", Attribute::Number(run.0)),
        ("pgflow.workflow", Attribute::Text(workflow.into())),
        ("pgflow.version", Attribute::Number(i64::from(version))),
    ]
}
