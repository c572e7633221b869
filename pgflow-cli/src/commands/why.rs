//! `why`: every reason why a run is not further along.

use clap::Args;
use serde::Serialize;

use crate::{
    context::Context,
    error::CliError,
    exit::Exit,
    render::reasons::{self, ReasonLine},
};

/// Every reason why a run is not further along: what runs where and since when, what waits for what, who holds the
/// limit, who paused it, whom nobody serves. In SQL: `select * from pgflow.why_1(RUN)`.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The run.
    run: String,
}

#[derive(Serialize)]
struct View {
    run: i64,
    reasons: Vec<ReasonLine>,
}

impl Why {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let run = context.run(&flow, &self.run).await?;
        let found = flow.why(run).await?;
        if found.is_empty() {
            return Err(CliError::NoRun(run.0));
        }
        let view = View { run: run.0, reasons: reasons::lines(&found) };
        context.output.tell(&view, |paint| reasons::render(paint, &view.reasons));
        Ok(Exit::Done)
    }
}
