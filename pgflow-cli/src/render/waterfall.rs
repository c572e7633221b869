//! Where the time of a run went: a line per attempt, on one axis of time.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use pgflow_core::spans::Span;

use crate::output::{Paint, Tone};

use super::{table::brief, time::between};

/// Attempts of a node that have lines of their own; more of them share one.
const LINES_MAX: usize = 8;
/// Characters of a name.
const NAME_MAX: usize = 30;
/// Characters of the column of durations.
const TOOK: usize = 8;

/// What one line shows.
struct Line {
    name: String,
    /// Since when it waited; nothing where a line shows several.
    ready: Option<SystemTime>,
    start: SystemTime,
    end: SystemTime,
    tone: Tone,
    note: String,
}

/// The run's own line, then one for each attempt; `width` is that of the terminal.
pub(crate) fn render(paint: Paint, spans: &[Span], width: usize) -> String {
    let Some((run, attempts)) = spans.split_first() else { return String::new() };
    let last = attempts.iter().filter_map(|span| span.ended_at).max().unwrap_or(run.started_at);
    let end = run.ended_at.unwrap_or(last);
    let whole = Line {
        name: run.name.clone(),
        ready: None,
        start: run.started_at,
        end,
        tone: tone(run),
        note: run.status.replace('_', " "),
    };
    let mut lines = vec![whole];
    lines.extend(grouped(attempts));
    let names = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
    let names = names.min(NAME_MAX);
    let bars = width.saturating_sub(names + TOOK + 16).clamp(10, 100);
    let axis = Axis { start: run.started_at, end: end.max(last), width: bars };
    let line = |line: &Line| {
        let name = brief(&line.name, names);
        let took = between(line.start, line.end);
        let bar = paint.paint(line.tone, &axis.bar(line));
        format!("{name:names$}  {bar}  {took:>TOOK$}  {}", line.note).trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}

/// A line for each attempt; for all attempts of a node where it has many.
fn grouped(attempts: &[Span]) -> Vec<Line> {
    let mut of_node: HashMap<&str, Vec<&Span>> = HashMap::new();
    for span in attempts {
        of_node.entry(&span.name).or_default().push(span);
    }
    let mut lines = Vec::new();
    for span in attempts {
        let Some(all) = of_node.get(span.name.as_str()) else { continue };
        if all.len() <= LINES_MAX {
            lines.push(alone(span));
        } else if let Some(all) = of_node.remove(span.name.as_str()) {
            lines.push(together(&all));
        }
    }
    lines
}

fn alone(span: &Span) -> Line {
    let element = span.element.map_or_else(String::new, |n| format!("[{n}]"));
    let attempt = span.attempt.filter(|n| *n > 1).map_or_else(String::new, |n| format!(" #{n}"));
    Line {
        name: format!("{}{element}{attempt}", span.name),
        ready: span.ready_at,
        start: span.started_at,
        end: span.ended_at.unwrap_or(span.started_at),
        tone: tone(span),
        note: if span.error.is_some() { span.status.replace('_', " ") } else { String::new() },
    }
}

fn together(spans: &[&Span]) -> Line {
    let failed = spans.iter().filter(|span| span.error.is_some()).count();
    let first = spans.iter().map(|span| span.started_at).min().unwrap_or(SystemTime::UNIX_EPOCH);
    Line {
        name: format!("{} ×{}", spans.first().map_or("", |span| &span.name), spans.len()),
        ready: None,
        start: first,
        end: spans.iter().filter_map(|span| span.ended_at).max().unwrap_or(first),
        tone: if failed > 0 { Tone::Bad } else { Tone::Good },
        note: if failed > 0 { format!("{failed} failed") } else { String::new() },
    }
}

fn tone(span: &Span) -> Tone {
    match span.status {
        "live" => Tone::Busy,
        _ if span.error.is_some() => Tone::Bad,
        _ => Tone::Good,
    }
}

/// The time from left to right.
struct Axis {
    start: SystemTime,
    end: SystemTime,
    width: usize,
}

impl Axis {
    fn bar(&self, line: &Line) -> String {
        let start = self.column(line.start);
        let end = self.column(line.end).max(start + 1).min(self.width);
        let start = start.min(end - 1);
        let ready = line.ready.map_or(start, |at| self.column(at).min(start));
        (0..self.width)
            .map(|column| match column {
                c if (start..end).contains(&c) => '━',
                c if (ready..start).contains(&c) => '·',
                _ => ' ',
            })
            .collect()
    }

    fn column(&self, at: SystemTime) -> usize {
        let since = |at: SystemTime| at.duration_since(self.start).unwrap_or_default();
        let whole = since(self.end).max(Duration::from_micros(1));
        let share = since(at).min(whole).as_micros() * self.width as u128 / whole.as_micros();
        usize::try_from(share).unwrap_or(self.width)
    }
}
