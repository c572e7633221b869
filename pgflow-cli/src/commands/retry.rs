//! `retry`: goes on with a run, or repeats it, as a new run.

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::{context::Context, error::CliError, exit::Exit};

use super::payload::InputFile;

/// Go on with a run that did not complete, as a new run that keeps what had succeeded; its key leads to the new one.
/// With `--from` a node and all that follows it run again.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The run.
    run: String,
    /// The node to run again from, as `status` names it.
    #[arg(long, value_name = "NODE")]
    from: Option<String>,
    /// With another input of the whole run, as JSON; it is checked first.
    #[command(flatten)]
    file: InputFile,
}

#[derive(Serialize)]
struct Repeated {
    run: i64,
    repeats: i64,
}

impl Retry {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let run = context.run(&flow, &self.run).await?;
        let mut retry = flow.retry(run, &context.actor());
        if let Some(node) = self.from {
            retry = retry.from(node);
        }
        if let Some(input) = self.file.read(None)? {
            retry = retry.input(&input.decode::<Value>().unwrap_or_default());
        }
        let fresh = retry.await?;
        let view = Repeated { run: fresh.0, repeats: run.0 };
        context.output.tell(&view, |_| format!("run {fresh} repeats run {run}\n"));
        Ok(Exit::Done)
    }
}
