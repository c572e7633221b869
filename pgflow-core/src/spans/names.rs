//! Names of attributes. Beside our own there are those that OpenTelemetry has for work from queues
//! ([messaging spans](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/)), and those that are proposed for
//! workflows ([semantic-conventions#2387](https://github.com/open-telemetry/semantic-conventions/pull/2387)), so that tools that
//! know them find it.

use crate::lifecycle::RunState;

/// The value of names that ask for a system.
pub(super) const PGFLOW: &str = "pgflow";

pub(super) const SYSTEM: &str = "messaging.system";
/// The workflow.
pub(super) const DESTINATION: &str = "messaging.destination.name";
/// How long an attempt took; the conventions have a metric of this name.
pub(super) const DURATION: &str = "messaging.process.duration";

pub(super) const WORKFLOW_NAME: &str = "workflow.name";
/// With its version.
pub(super) const WORKFLOW_ID: &str = "workflow.id";
pub(super) const WORKFLOW_TYPE: &str = "workflow.type";
/// The run.
pub(super) const EXECUTION: &str = "workflow.execution.id";
/// How the run ended.
pub(super) const OUTCOME: &str = "workflow.execution.outcome";

pub(super) const RUN: &str = "pgflow.run";
pub(super) const WORKFLOW: &str = "pgflow.workflow";
pub(super) const VERSION: &str = "pgflow.version";
pub(super) const KEY: &str = "pgflow.key";
pub(super) const WORKER: &str = "pgflow.worker";
pub(super) const STATUS: &str = "pgflow.status";
pub(super) const ELEMENT: &str = "pgflow.element";
pub(super) const ATTEMPT: &str = "pgflow.attempt";
/// From ready to begun.
pub(super) const WAITED: &str = "pgflow.waited_ms";

/// What the conventions call the end of a run.
pub(super) fn outcome(state: RunState) -> Option<&'static str> {
    match state {
        RunState::Live => None,
        RunState::Completed => Some("success"),
        RunState::Failed => Some("failure"),
        RunState::Cancelled => Some("cancellation"),
        RunState::TimedOut => Some("timeout"),
    }
}
