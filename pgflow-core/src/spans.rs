//! Spans: what collectors of traces are told of runs and attempts.

mod names;
mod otlp;

use std::time::{Duration, SystemTime};

use crate::{
    lifecycle::{AttemptStatus, RunState},
    store::{
        RunId,
        spans::{AttemptKey, AttemptSpan, Birth, RunSpan},
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
    /// A time, in seconds.
    Seconds(Duration),
}

impl Span {
    /// Of a run. Above it is its parent's span, or its caller's; a trace that nobody gave begins with its topmost run.
    pub(crate) fn of_run(row: &RunSpan) -> Self {
        let (run, trace) = (row.run, trace_of(&row.trace));
        let above = match row.parent {
            Some(parent) => Some(trace.of_run(parent)),
            None => given(row.trace.given.as_deref()),
        };
        let mut attributes = about(run, &row.workflow, row.version);
        attributes.extend(row.key.clone().map(|key| (names::KEY, Attribute::Text(key))));
        let outcome = names::outcome(row.state).map(|outcome| Attribute::Text(outcome.into()));
        attributes.extend(outcome.map(|outcome| (names::OUTCOME, outcome)));
        let origin = row.origin.as_ref().map(|(run, trace)| trace_of(trace).of_run(*run));
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
        attributes
            .extend(row.worker.map(|worker| (names::WORKER, Attribute::Number(i64::from(worker)))));
        let took = row.ended_at.duration_since(row.started_at).unwrap_or_default();
        attributes.push((names::DURATION, Attribute::Seconds(took)));
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

/// The trace of a run; one that nobody gave is that of its topmost run.
pub(crate) fn trace_of(birth: &Birth) -> TraceParent {
    given(birth.given.as_deref())
        .unwrap_or_else(|| TraceParent::born(birth.root, &birth.workflow, birth.at))
}

/// The span that a run was started in, as it is stored.
pub(crate) fn given(trace: Option<&str>) -> Option<TraceParent> {
    trace.and_then(|trace| trace.parse().ok())
}

/// What every span has.
fn about(run: RunId, workflow: &str, version: u32) -> Vec<(&'static str, Attribute)> {
    let text = |text: &str| Attribute::Text(text.into());
    vec![
        (names::SYSTEM, text(names::PGFLOW)),
        (names::DESTINATION, text(workflow)),
        (names::WORKFLOW_NAME, text(workflow)),
        (names::WORKFLOW_ID, Attribute::Text(format!("{workflow}@{version}"))),
        (names::WORKFLOW_TYPE, text(names::PGFLOW)),
        (names::EXECUTION, Attribute::Text(run.to_string())),
        (names::RUN, Attribute::Number(run.0)),
        (names::WORKFLOW, text(workflow)),
        (names::VERSION, Attribute::Number(i64::from(version))),
    ]
}
