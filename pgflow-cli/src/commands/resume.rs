//! `resume`: lets paused runs go on.

use clap::Args;

use crate::{context::Context, error::CliError, exit::Exit};

use super::Acted;

/// Let paused runs and their children go on; their deadlines move by the pause.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The runs.
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<String>,
}

impl Resume {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let mut acted = Acted::new("resume");
        for run in context.runs(&flow, &self.runs).await? {
            acted.add(run, flow.resume(run, &context.actor()).await?);
        }
        acted.tell(context.output, "goes on", "was not paused");
        Ok(Exit::Done)
    }
}
