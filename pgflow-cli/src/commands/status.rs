//! `status`: how a run stands.

use std::{
    fmt::Write,
    time::{Duration, Instant, SystemTime},
};

use clap::Args;
use pgflow_core::{
    client::Flow,
    lifecycle::RunState,
    store::{
        RunId,
        read::{RunStatus, TaskState},
    },
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    context::Context,
    error::CliError,
    exit::Exit,
    output::{self, Output, Paint, Tone},
    render::{
        audits::{self, AuditLine},
        logs::{self, LogLines},
        nodes::{self, NodeLine},
        reasons::{self, ReasonLine},
        time::{ago, between, moment, parse, stamp},
    },
};

/// How a run stands: its nodes, a map as one, why it is not further along, and what people did to it.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The run.
    run: String,
    /// Look again and again until the run ends: on a terminal in place, clipped to its height until the last look; else
    /// again where something has happened, and not for time that passed.
    #[arg(long)]
    watch: bool,
    /// Show the last log lines of its attempts too: of those that failed, and of those that run.
    #[arg(long)]
    logs: bool,
    /// How long to wait between two looks.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse, requires = "watch")]
    every: Duration,
}

#[derive(Serialize)]
struct View {
    run: i64,
    workflow: String,
    version: u32,
    state: &'static str,
    key: Option<String>,
    created_at: String,
    deadline: Option<String>,
    ended_at: Option<String>,
    parent: Option<i64>,
    repeats: Option<i64>,
    repeated_as: Option<i64>,
    nodes: Vec<NodeLine>,
    reasons: Vec<ReasonLine>,
    audit: Vec<AuditLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<Vec<LogLines>>,
    #[serde(skip)]
    status: RunStatus,
}

impl Status {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let run = context.run(&flow, &self.run).await?;
        let mut screen = Screen::default();
        let mut next = tokio::time::interval(self.every);
        next.tick().await;
        loop {
            let mut view = View::fetch(&flow, run).await?;
            if self.logs {
                let running =
                    view.status.tasks.iter().any(|t| matches!(t.state, TaskState::Running(_)));
                view.logs = Some(fetch_logs(&flow, run, running && !self.watch).await?);
            }
            let ended = view.status.state.is_terminal();
            let last = !self.watch || ended;
            screen.show(context.output, &view, last);
            if last {
                return Ok(Exit::Done);
            }
            next.tick().await;
        }
    }
}

/// How long to wait for the heartbeat that brings what running attempts say.
const HEARTBEAT: Duration = Duration::from_secs(4);

/// The log lines of a run; `fresh`: also what its workers only write down now that somebody looks.
async fn fetch_logs(flow: &Flow, run: RunId, fresh: bool) -> Result<Vec<LogLines>, CliError> {
    let before = flow.logs(run).await?;
    let mut found = before.clone();
    let mut next = tokio::time::interval(Duration::from_millis(200));
    let begun = Instant::now();
    while fresh && found == before && begun.elapsed() < HEARTBEAT {
        next.tick().await;
        found = flow.logs(run).await?;
    }
    Ok(logs::lines(found))
}

/// What was shown last.
#[derive(Default)]
struct Screen {
    text: String,
    news: Value,
}

impl Screen {
    /// Over what was shown before on a terminal; else one after the other, where there is news.
    fn show(&mut self, output: Output, view: &View, last: bool) {
        if output.json {
            output.tell(view, |_| String::new());
            return;
        }
        let text = view.render(output.paint);
        if !output.terminal {
            let news = view.news();
            if news != self.news {
                output::print(&text);
                self.news = news;
            }
            return;
        }
        // the cursor cannot go up beyond the first row
        let text = if last { text } else { output::clipped(&text, output.paint) };
        let over = match output::lines(&self.text) {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\x1b[J"),
        };
        output::print(&(over + &text));
        self.text = text;
    }
}

impl View {
    async fn fetch(flow: &Flow, run: RunId) -> Result<Self, CliError> {
        let status = flow.status(run).await?.ok_or(CliError::NoRun(run.0))?;
        let definition = flow.definition_of(run).await?;
        let views = flow.nodes(run).await?;
        let ended = status.state.is_terminal();
        let now = SystemTime::now();
        let nodes = definition.map(|d| nodes::lines(&d, &views, ended, now)).unwrap_or_default();
        let found = flow.why(run).await?;
        Ok(Self {
            run: run.0,
            workflow: status.workflow.clone(),
            version: status.version,
            state: status.state.as_str(),
            key: status.key.clone(),
            created_at: stamp(status.created_at),
            deadline: status.deadline.map(stamp),
            ended_at: status.ended_at.map(stamp),
            parent: status.parent.map(|run| run.0),
            repeats: status.origin.map(|run| run.0),
            repeated_as: status.repeated_as.map(|run| run.0),
            nodes,
            reasons: reasons::lines(&found),
            audit: audits::lines(&flow.audits(run).await?),
            logs: None,
            status,
        })
    }

    /// What has happened, without how long anything has lasted.
    fn news(&self) -> Value {
        let reasons: Vec<Value> = self.reasons.iter().map(ReasonLine::news).collect();
        json!([self.state, self.version, self.nodes, reasons, self.audit, self.logs])
    }

    fn render(&self, paint: Paint) -> String {
        let now = SystemTime::now();
        let status = &self.status;
        let mut text = format!(
            "run {} of {}@{}  {}\n",
            paint.paint(Tone::Strong, &self.run.to_string()),
            self.workflow,
            self.version,
            paint.paint(tone(status.state), self.state)
        );
        let mut fact = |name: &str, value: String| {
            let name = paint.paint(Tone::Faint, &format!("{name:<9}"));
            let _ = writeln!(text, "{name} {value}");
        };
        if let Some(key) = &self.key {
            fact("key", key.clone());
        }
        fact("started", format!("{} ({})", moment(status.created_at), ago(status.created_at, now)));
        match (status.ended_at, status.deadline) {
            (Some(ended), _) => fact(
                "ended",
                format!("{} (after {})", moment(ended), between(status.created_at, ended)),
            ),
            (None, Some(deadline)) => {
                fact("deadline", format!("{} (in {})", moment(deadline), between(now, deadline)));
            }
            (None, None) => {}
        }
        for (name, other) in [("parent", self.parent), ("repeats", self.repeats)] {
            if let Some(other) = other {
                fact(name, format!("run {other}"));
            }
        }
        text += "\n";
        text += &nodes::render(paint, &self.nodes);
        text += "\n";
        text += &reasons::render(paint, &self.reasons);
        text += &audits::render(paint, &self.audit);
        text + &self.logs.as_deref().map(|logs| logs::render(paint, logs)).unwrap_or_default()
    }
}

pub(crate) fn tone(state: RunState) -> Tone {
    match state {
        RunState::Live => Tone::Busy,
        RunState::Completed => Tone::Good,
        RunState::Cancelled => Tone::Warning,
        _ => Tone::Bad,
    }
}
