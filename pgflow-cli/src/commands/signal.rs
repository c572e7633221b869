//! `signal`: sends a run a signal.

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::{context::Context, error::CliError, exit::Exit};

use super::payload::InputFile;

/// Send a run a signal. It is kept whether or not the run waits for it already; the first of a name wins.
#[derive(Debug, Args)]
pub(crate) struct Signal {
    /// The run.
    run: String,
    /// The signal's name.
    name: String,
    /// The payload as JSON: a text has its double quotes, as in '"text"' [default: null].
    #[arg(value_name = "JSON", conflicts_with = "input")]
    payload: Option<String>,
    #[command(flatten)]
    file: InputFile,
}

#[derive(Serialize)]
struct Sent {
    run: i64,
    signal: String,
    /// `false`: it was sent before with an equal payload.
    changed: bool,
}

impl Signal {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let payload = self.file.read(self.payload.as_deref())?;
        let payload: Value = payload.and_then(|json| json.decode().ok()).unwrap_or_default();
        let flow = context.flow().await?;
        let run = context.run(&flow, &self.run).await?;
        let changed = flow.signal(run, &self.name, &payload, &context.actor()).await?;
        let view = Sent { run: run.0, signal: self.name, changed };
        context.output.tell(&view, |_| {
            let before = if changed { "" } else { " before" };
            let has = if changed { "has" } else { "had" };
            format!("run {run} {has} signal `{}`{before}\n", view.signal)
        });
        Ok(Exit::Done)
    }
}
