//! The nodes of a run in the order of the body, each with what it does or came to; a map is one.

use std::{collections::HashMap, time::SystemTime};

use pgflow_core::{
    definition::{Definition, Node, NodeKind},
    store::look::NodeView,
};
use serde::Serialize;

use crate::output::{Paint, Tone};

use super::{
    table::{Cell, brief, table},
    time::{between, stamp},
};

/// What a node does, or came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// It has not begun.
    Pending,
    /// It waits for time, others, a signal or a child.
    Waiting,
    /// It waits for a worker or a limit.
    Ready,
    /// It runs.
    Running,
    /// It succeeded.
    Done,
    /// It failed for good.
    Failed,
    /// Its arm was not taken.
    Skipped,
    /// Its run ended while it ran.
    Cancelled,
    /// Its run ended before it began.
    Unreached,
}

impl Standing {
    fn of(view: Option<&NodeView>, ended: bool) -> Self {
        let Some(view) = view else { return if ended { Self::Unreached } else { Self::Pending } };
        match () {
            () if view.running > 0 => Self::Running,
            () if view.ready > 0 => Self::Ready,
            () if view.waiting > 0 => Self::Waiting,
            () if view.cancelled > 0 => Self::Cancelled,
            () if view.failed > 0 => Self::Failed,
            () if view.done > 0 => Self::Done,
            () => Self::Skipped,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Unreached => "not reached",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Pending | Self::Skipped | Self::Unreached => Tone::Faint,
            Self::Waiting | Self::Ready | Self::Cancelled => Tone::Warning,
            Self::Running => Tone::Busy,
            Self::Done => Tone::Good,
            Self::Failed => Tone::Bad,
        }
    }
}

/// A node as people and programs see it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NodeLine {
    pub id: String,
    pub kind: NodeKind,
    pub state: Standing,
    pub attempt: u32,
    pub done: u64,
    pub failed: u64,
    pub running: u64,
    pub ready: u64,
    pub waiting: u64,
    pub ready_at: Option<String>,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    /// The arm that a branch took.
    pub arm: Option<String>,
    pub error: Option<String>,
    #[serde(skip)]
    queued: String,
    #[serde(skip)]
    took: String,
    #[serde(skip)]
    retries: u32,
}

/// All nodes of a definition, with what a run made of them.
pub(crate) fn lines(
    definition: &Definition,
    views: &[NodeView],
    ended: bool,
    now: SystemTime,
) -> Vec<NodeLine> {
    let views: HashMap<&str, &NodeView> = views.iter().map(|v| (v.id.as_str(), v)).collect();
    definition
        .nodes
        .iter()
        .map(|node| line(node, views.get(node.id.as_str()).copied(), ended, now))
        .collect()
}

fn line(node: &Node, view: Option<&NodeView>, ended: bool, now: SystemTime) -> NodeLine {
    let state = Standing::of(view, ended);
    let empty = NodeView::default();
    let view = view.unwrap_or(&empty);
    let (ready, started) = (view.ready_at, view.started_at);
    let queued = ready.map(|ready| between(ready, started.unwrap_or(now)));
    let took = started.map(|started| between(started, view.ended_at.unwrap_or(now)));
    let waits = matches!(node.kind, NodeKind::Step | NodeKind::Map);
    NodeLine {
        id: node.id.clone(),
        kind: node.kind,
        state,
        attempt: view.attempt,
        done: view.done,
        failed: view.failed,
        running: view.running,
        ready: view.ready,
        waiting: view.waiting,
        ready_at: ready.map(stamp),
        started_at: started.map(stamp),
        ended_at: view.ended_at.map(stamp),
        arm: view.arm.clone(),
        error: view.failure.as_ref().map(|failure| failure.message.clone()),
        queued: queued.filter(|_| waits).unwrap_or_default(),
        took: took.filter(|_| waits).unwrap_or_default(),
        retries: node.options.as_ref().map_or(0, |options| options.retries),
    }
}

impl NodeLine {
    /// `running`, or for a map `3 of 10 done, 2 running`.
    pub fn state_in_words(&self) -> String {
        if let (NodeKind::Branch, Some(arm)) = (self.kind, &self.arm) {
            return format!("took `{arm}`");
        }
        let all = self.done + self.failed + self.running + self.ready + self.waiting;
        if self.kind != NodeKind::Map || all == 0 {
            return self.state.word().into();
        }
        let parts = [
            ("running", self.running),
            ("ready", self.ready),
            ("waiting", self.waiting),
            ("failed", self.failed),
        ];
        let parts = parts.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!(", {n} {word}"));
        format!("{} of {all} done{}", self.done, parts.collect::<String>())
    }

    fn attempts(&self) -> String {
        if self.attempt > 1 {
            format!("{} of {}", self.attempt, 1 + self.retries)
        } else {
            String::new()
        }
    }
}

/// One line per node.
pub(crate) fn render(paint: Paint, lines: &[NodeLine]) -> String {
    let rows: Vec<Vec<Cell>> = lines
        .iter()
        .map(|line| {
            let faint = line.state.tone() == Tone::Faint;
            let tone = if faint { Tone::Faint } else { Tone::Plain };
            vec![
                Cell::new(tone, &line.id),
                Cell::new(line.state.tone(), line.state_in_words()),
                line.attempts().into(),
                line.queued.clone().into(),
                line.took.clone().into(),
                Cell::new(Tone::Bad, brief(line.error.as_deref().unwrap_or_default(), 80)),
            ]
        })
        .collect();
    table(paint, &["NODE", "STATE", "ATTEMPT", "QUEUED", "TOOK", "ERROR"], &rows)
}
