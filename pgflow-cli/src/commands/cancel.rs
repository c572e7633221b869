//! `cancel`: ends runs.

use clap::Args;

use crate::{context::Context, error::CliError, exit::Exit};

use super::Acted;

/// Cancel runs and their children: what runs is told to stop, and the run is over. `retry` goes on with it as a new
/// run.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The runs.
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<String>,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

impl Cancel {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let runs = context.runs(&flow, &self.runs).await?;
        let mut live = Vec::new();
        for run in &runs {
            let status = flow.status(*run).await?.ok_or(CliError::NoRun(run.0))?;
            if !status.state.is_terminal() {
                live.push(format!("run {run} of `{}`", status.workflow));
            }
        }
        if !live.is_empty() {
            context.output.confirm(self.yes, &format!("this ends {}", live.join(", ")))?;
        }
        let mut acted = Acted::new("cancel");
        for run in runs {
            acted.add(run, flow.cancel(run, &context.actor()).await?);
        }
        acted.tell(context.output, "is cancelled", "had ended before");
        Ok(Exit::Done)
    }
}
