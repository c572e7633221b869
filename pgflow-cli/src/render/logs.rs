//! The last log lines of attempts, for people and for programs.

use pgflow_core::store::log::AttemptLog;
use serde::Serialize;

use crate::output::{Paint, Tone};

use super::time::stamp;

/// The lines of an attempt.
#[derive(Debug, Serialize)]
pub(crate) struct LogLines {
    node: String,
    element: Option<u32>,
    attempt: u32,
    dropped: u64,
    at: String,
    lines: Vec<String>,
}

pub(crate) fn lines(logs: Vec<AttemptLog>) -> Vec<LogLines> {
    let line = |log: AttemptLog| LogLines {
        node: log.node,
        element: log.element,
        attempt: log.attempt,
        dropped: log.dropped,
        at: stamp(log.at),
        lines: log.lines,
    };
    logs.into_iter().map(line).collect()
}

/// The lines of each attempt under its name.
pub(crate) fn render(paint: Paint, logs: &[LogLines]) -> String {
    if logs.is_empty() {
        return paint.paint(Tone::Faint, "\nno log lines are kept of its attempts\n");
    }
    logs.iter().map(|log| attempt(paint, log)).collect()
}

fn attempt(paint: Paint, log: &LogLines) -> String {
    let element = log.element.map(|n| format!(", element {n}")).unwrap_or_default();
    let name = format!("{}{element}, attempt {}", log.node, log.attempt);
    let earlier = match log.dropped {
        0 => String::new(),
        n => paint.paint(Tone::Faint, &format!("… {n} earlier\n")),
    };
    let lines = log.lines.iter().map(|line| paint.paint(tone(line), line) + "\n");
    format!("\n{}\n{earlier}{}", paint.paint(Tone::Strong, &name), lines.collect::<String>())
}

/// By the level, which is the second word.
fn tone(line: &str) -> Tone {
    match line.split_whitespace().nth(1) {
        Some("ERROR") => Tone::Bad,
        Some("WARN") => Tone::Warning,
        _ => Tone::Plain,
    }
}
