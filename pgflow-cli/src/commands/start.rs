//! `start`: starts a run.

use std::time::Duration;

use clap::Args;
use pgflow_core::{
    client::Flow,
    lifecycle::RunState,
    payload::Json,
    store::{RunId, read::Ending},
    trace::TraceParent,
};
use serde::Serialize;
use serde_json::Value;

use crate::{context::Context, error::CliError, exit::Exit, output::Tone, render::time};

use super::payload::InputFile;

/// Start a run, and print its id. The input is checked by the workflow's own types where this program has them, else by
/// the names of its inputs and the text of their types, which says nothing of what is in a type of the host's; several
/// inputs are the members of one object.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// The workflow's name.
    workflow: String,
    /// The input as JSON: a text has its double quotes, as in '"text"' [default: null].
    #[arg(value_name = "JSON", conflicts_with = "input")]
    payload: Option<String>,
    #[command(flatten)]
    file: InputFile,
    /// Start once per key: a second start gives the first run.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Begin only after this delay.
    #[arg(long, value_name = "DURATION", value_parser = time::parse)]
    after: Option<Duration>,
    /// Higher goes first.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    priority: i16,
    /// The version of the workflow [default: the newest].
    #[arg(id = "on-version", long = "version", value_name = "N")]
    version: Option<u32>,
    /// The trace that it belongs to, as W3C Trace Context writes it.
    #[arg(long, value_name = "TRACEPARENT", env = "TRACEPARENT")]
    trace: Option<TraceParent>,
    /// Wait for the run to end, and print its output.
    #[arg(long)]
    wait: bool,
}

#[derive(Serialize)]
struct Started {
    run: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The output of a run, without what its definition hides.
async fn shown(flow: &Flow, run: RunId, output: &Json) -> Result<Value, CliError> {
    let redacts = flow.definition_of(run).await?.is_none_or(|definition| definition.redacts());
    if !redacts {
        return Ok(output.decode().unwrap_or_default());
    }
    let dump: Value = flow.dump(run).await?.and_then(|dump| dump.decode().ok()).unwrap_or_default();
    Ok(dump["run"]["output"].clone())
}

impl Start {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let input = self.file.read(self.payload.as_deref())?.unwrap_or_else(Json::null);
        let flow = context.own_flow().await?;
        let mut start =
            flow.start_named(&self.workflow, input, &context.actor()).priority(self.priority);
        if let Some(key) = self.key {
            start = start.key(key);
        }
        if let Some(delay) = self.after {
            start = start.after(delay);
        }
        if let Some(version) = self.version {
            start = start.version(version);
        }
        if let Some(trace) = self.trace {
            start = start.trace(trace);
        }
        let run = start.await?;
        let mut view = Started { run: run.0, state: None, output: None, error: None };
        if !self.wait {
            context.output.tell(&view, |_| format!("{run}\n"));
            return Ok(Exit::Done);
        }
        eprintln!("run {run} is under way");
        let (state, exit) = match flow.ending(run).await? {
            Ending::Completed(output) => {
                view.output = Some(shown(&flow, run, &output).await?);
                (RunState::Completed, Exit::Done)
            }
            Ending::Ended(state, failure) => {
                view.error = Some(failure.message);
                (state, Exit::Found)
            }
        };
        view.state = Some(state.as_str());
        context.output.tell(&view, |paint| match (&view.output, &view.error) {
            (Some(output), _) => serde_json::to_string_pretty(output).unwrap_or_default() + "\n",
            (None, error) => format!(
                "run {run} {}: {}\n",
                paint.paint(Tone::Bad, &state.to_string()),
                error.as_deref().unwrap_or_default()
            ),
        });
        Ok(exit)
    }
}
