//! What people did to a run, for people and for programs.

use pgflow_core::store::audit::Audit;
use serde::Serialize;
use serde_json::Value;

use crate::output::{Paint, Tone};

use super::time::{moment, stamp};

/// Something that was done to a run.
#[derive(Debug, Serialize)]
pub(crate) struct AuditLine {
    at: String,
    actor: String,
    action: String,
    detail: Value,
    #[serde(skip)]
    text: String,
}

pub(crate) fn lines(audits: &[Audit]) -> Vec<AuditLine> {
    audits.iter().map(line).collect()
}

fn line(audit: &Audit) -> AuditLine {
    let detail = audit.detail.as_ref().and_then(|d| d.decode().ok()).unwrap_or(Value::Null);
    let what = match audit.action.as_str() {
        "signal" => format!("signal `{}`", detail["signal"].as_str().unwrap_or_default()),
        "retry" => format!("retry as run {}", detail["run"]),
        "migrate" => format!("migrate from version {} to {}", detail["from"], detail["to"]),
        action => action.into(),
    };
    AuditLine {
        at: stamp(audit.at),
        actor: audit.actor.clone(),
        action: audit.action.clone(),
        text: format!("{what} by {} at {}", audit.actor, moment(audit.at)),
        detail,
    }
}

/// A line each, where something was done.
pub(crate) fn render(paint: Paint, lines: &[AuditLine]) -> String {
    lines.iter().map(|line| paint.paint(Tone::Faint, &line.text) + "\n").collect()
}
