//! `worker`: serves the workflows of this program.

use clap::Args;
use pgflow_core::registry::linked;

use crate::{context::Context, error::CliError, exit::Exit};

use super::serving::{Serving, Signals};

/// Serve the workflows of this program until told to stop. The first signal lets running steps finish, a second one
/// stops at once. Warnings go to standard error, more with `RUST_LOG=info` or `debug`.
#[derive(Debug, Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    serving: Serving,
}

impl Worker {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        if linked().is_empty() {
            return Err(CliError::NothingLinked);
        }
        let mut signals = Signals::hear()?;
        let Some(flow) = signals.unless_told(context.own_flow()).await else {
            return Ok(Exit::Done);
        };
        let flow = flow?;
        let worker = self.serving.spawn(context, &flow).await?;
        self.serving.work(signals, Some(worker)).await
    }
}
