//! `list`: runs, newest first.

use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use pgflow_core::{
    lifecycle::RunState,
    store::{
        RunId,
        look::{RunFilter, RunLine},
    },
};
use serde::Serialize;

use crate::{
    context::Context,
    error::CliError,
    exit::Exit,
    output::{Paint, Tone},
    render::{
        table::{Cell, brief, table},
        time::{ago, between, parse, stamp},
    },
};

use super::status::tone;

/// Runs, newest first.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only runs in this state.
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only runs of this workflow.
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,
    /// Only runs that were started so long ago at most.
    #[arg(long, value_name = "DURATION", value_parser = parse)]
    since: Option<Duration>,
    /// Only runs with a lower id: the next page.
    #[arg(long, value_name = "RUN")]
    before: Option<i64>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum State {
    Live,
    Completed,
    Failed,
    Cancelled,
    TimedOut,
}

impl From<State> for RunState {
    fn from(state: State) -> Self {
        match state {
            State::Live => Self::Live,
            State::Completed => Self::Completed,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
            State::TimedOut => Self::TimedOut,
        }
    }
}

#[derive(Serialize)]
struct View {
    runs: Vec<Line>,
    /// What to give as `--before` for the next page.
    next: Option<i64>,
}

#[derive(Serialize)]
struct Line {
    run: i64,
    workflow: String,
    version: u32,
    state: &'static str,
    paused: bool,
    key: Option<String>,
    created_at: String,
    ended_at: Option<String>,
    at: Vec<String>,
    error: Option<String>,
}

impl List {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let mut filter = RunFilter::default();
        filter.state = self.state.map(Into::into);
        filter.workflow = self.workflow;
        filter.since = self.since;
        filter.before = self.before.map(RunId);
        let runs = context.flow().await?.list(&filter, self.limit.saturating_add(1)).await?;
        let shown = &runs[..runs.len().min(self.limit as usize)];
        let more = runs.len() > shown.len();
        let next = shown.last().filter(|_| more).map(|line| line.run.0);
        let view = View { runs: shown.iter().map(line).collect(), next };
        context.output.tell(&view, |paint| render(paint, shown, next));
        Ok(Exit::Done)
    }
}

fn line(run: &RunLine) -> Line {
    Line {
        run: run.run.0,
        workflow: run.workflow.clone(),
        version: run.version,
        state: run.state.as_str(),
        paused: run.paused,
        key: run.key.clone(),
        created_at: stamp(run.created_at),
        ended_at: run.ended_at.map(stamp),
        at: run.at.clone(),
        error: run.failure.as_ref().map(|failure| failure.message.clone()),
    }
}

fn render(paint: Paint, runs: &[RunLine], next: Option<i64>) -> String {
    if runs.is_empty() {
        return "no runs\n".into();
    }
    let now = SystemTime::now();
    let row = |run: &RunLine| {
        let state = if run.paused { "paused" } else { run.state.as_str() };
        let failure = run.failure.as_ref().map(|failure| failure.message.as_str());
        let last = match failure {
            Some(message) => Cell::new(Tone::Bad, brief(message, 60)),
            None => Cell::new(Tone::Faint, brief(&run.at.join(", "), 60)),
        };
        vec![
            run.run.to_string().into(),
            format!("{}@{}", run.workflow, run.version).into(),
            Cell::new(if run.paused { Tone::Warning } else { tone(run.state) }, state),
            ago(run.created_at, now).into(),
            between(run.created_at, run.ended_at.unwrap_or(now)).into(),
            brief(run.key.as_deref().unwrap_or_default(), 30).into(),
            last,
        ]
    };
    let rows: Vec<Vec<Cell>> = runs.iter().map(row).collect();
    let headings = ["RUN", "WORKFLOW", "STATE", "STARTED", "TOOK", "KEY", "AT / ERROR"];
    let more =
        next.map(|next| paint.paint(Tone::Faint, &format!("more with --before {next}")) + "\n");
    table(paint, &headings, &rows) + &more.unwrap_or_default()
}
