//! `pause`: lets runs stand still.

use clap::Args;

use crate::{context::Context, error::CliError, exit::Exit};

use super::Acted;

/// Let runs and their children stand still: what is under way finishes, nothing else begins, and deadlines wait.
#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// The runs.
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<String>,
}

impl Pause {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let mut acted = Acted::new("pause");
        for run in context.runs(&flow, &self.runs).await? {
            acted.add(run, flow.pause(run, &context.actor()).await?);
        }
        acted.tell(context.output, "is paused", "was paused before");
        Ok(Exit::Done)
    }
}
