//! `dump`: all that is stored of a run.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::{context::Context, error::CliError, exit::Exit, output};

/// All that is stored of a run, as one JSON object: the run, its definition, attempts with outputs and errors, tasks,
/// log lines, signals, children, what was done to it, and why it is not further along.
#[derive(Debug, Args)]
pub(crate) struct Dump {
    /// The run.
    run: String,
    /// Write it to this file.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Dump {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let run = context.run(&flow, &self.run).await?;
        let dump = flow.dump(run).await?.ok_or(CliError::NoRun(run.0))?;
        let value: Value = dump.decode().unwrap_or_default();
        let text = serde_json::to_string_pretty(&value).unwrap_or_default() + "\n";
        output::write(self.output.as_deref(), &text)?;
        Ok(Exit::Done)
    }
}
