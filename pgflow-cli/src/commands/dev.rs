//! `dev`: a private Postgres and a worker in one.

use clap::Args;
use pgflow_core::{client::embedded, registry::linked};
use serde::Serialize;

use crate::{context::Context, error::CliError, exit::Exit, output::Tone};

use super::serving::{Serving, Signals};

/// A private Postgres and a worker in one, whatever `DATABASE_URL` says. Its data stays between runs; other commands
/// reach it without an address. A program without workflows only keeps the server up.
#[derive(Debug, Args)]
pub(crate) struct Dev {
    #[command(flatten)]
    serving: Serving,
}

#[derive(Serialize)]
struct Serves {
    database: String,
}

impl Dev {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let mut signals = Signals::hear()?;
        let Some(flow) = signals.unless_told(embedded().into_future()).await else {
            return Ok(Exit::Done);
        };
        let flow = flow?.tuned(context.host.tuning().clone());
        let view = Serves { database: flow.url() };
        context.output.tell(&view, |paint| {
            format!("{} DATABASE_URL='{}'\n", paint.paint(Tone::Faint, "export"), view.database)
        });
        let worker = if linked().is_empty() {
            None
        } else {
            Some(self.serving.spawn(context, &flow).await?)
        };
        self.serving.work(signals, worker).await
    }
}
