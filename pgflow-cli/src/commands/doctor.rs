//! `doctor`: what keeps runs from going on.

use std::time::{Duration, SystemTime};

use clap::Args;
use pgflow_core::client::{Finding, Level};
use serde::Serialize;

use crate::{
    context::Context,
    error::CliError,
    exit::Exit,
    output::{Paint, Tone},
    render::time::parse,
};

/// Look for what keeps runs from going on, and say what to do about it: the server and its settings, the schema,
/// transactions that are held open, work that nobody serves, leases held by the dead, clocks, bloat, old queues. It
/// changes nothing. Ends with status 5 where there is a fault.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// From which age a transaction or a queue is a finding.
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse)]
    older_than: Duration,
}

#[derive(Serialize)]
struct View {
    worst: &'static str,
    findings: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    check: &'static str,
    level: &'static str,
    text: String,
    remedy: Option<String>,
}

impl Doctor {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let found = context.connect().examine(self.older_than, SystemTime::now).await?;
        let worst = found.iter().map(|f| f.level).max().unwrap_or(Level::Fine);
        let line = |f: &Finding| Line {
            check: f.check,
            level: word(f.level),
            text: f.text.clone(),
            remedy: f.remedy.clone(),
        };
        let view = View { worst: word(worst), findings: found.iter().map(line).collect() };
        context.output.tell(&view, |paint| found.iter().map(|f| render(paint, f)).collect());
        Ok(if worst == Level::Fault { Exit::Found } else { Exit::Done })
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Fine => "fine",
        Level::Warning => "warning",
        Level::Fault => "fault",
    }
}

fn render(paint: Paint, finding: &Finding) -> String {
    let (mark, tone) = match finding.level {
        Level::Fine => ("ok", Tone::Good),
        Level::Warning => ("warn", Tone::Warning),
        Level::Fault => ("FAULT", Tone::Bad),
    };
    let mark = paint.paint(tone, &format!("{mark:<6}"));
    let check = paint.paint(Tone::Faint, &format!("{:<12}", finding.check));
    let remedy = finding.remedy.as_ref().map(|remedy| format!("{:18} → {remedy}\n", ""));
    format!("{mark} {check}{}\n{}", finding.text, remedy.unwrap_or_default())
}
