//! Reasons why a run is not further along, for people and for programs.

use pgflow_core::store::why::Reason;
use serde::Serialize;
use serde_json::{Value, json};

use crate::output::{Paint, Tone};

use super::time::stamp;

/// A reason as programs see it.
#[derive(Debug, Serialize)]
pub(crate) struct ReasonLine {
    code: String,
    node: Option<String>,
    element: Option<u32>,
    tasks: u32,
    since: Option<String>,
    until: Option<String>,
    text: String,
    detail: Value,
}

impl ReasonLine {
    /// What of it changes only where something has happened to the run: who is before it in a queue is not that.
    pub fn news(&self) -> Value {
        let tells = matches!(self.code.as_str(), "running" | "child");
        let detail = tells.then_some(&self.detail);
        json!([self.code, self.node, self.element, self.tasks, detail])
    }
}

pub(crate) fn lines(reasons: &[Reason]) -> Vec<ReasonLine> {
    let line = |reason: &Reason| ReasonLine {
        code: reason.code.clone(),
        node: reason.node.clone(),
        element: reason.element,
        tasks: reason.tasks,
        since: reason.since.map(stamp),
        until: reason.until.map(stamp),
        text: reason.text.clone(),
        detail: reason.detail.decode().unwrap_or_default(),
    };
    reasons.iter().map(line).collect()
}

/// A line per reason.
pub(crate) fn render(paint: Paint, reasons: &[ReasonLine]) -> String {
    let line = |reason: &ReasonLine| {
        let tone = match reason.code.as_str() {
            "running" | "evaluating" | "batch" | "next" => Tone::Busy,
            "ended" if reason.detail["state"] == "completed" => Tone::Good,
            "ended" | "overdue" | "silent" | "lost" | "no_worker" | "unserved" | "refused" => {
                Tone::Bad
            }
            _ => Tone::Warning,
        };
        format!("{} {}\n", paint.paint(tone, "•"), reason.text.replace('\n', "\n  "))
    };
    reasons.iter().map(line).collect()
}
