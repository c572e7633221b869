//! `trace`: where the time of a run went.

use clap::Args;
use pgflow_core::spans::request;

use crate::{context::Context, error::CliError, exit::Exit, output, render::waterfall};

/// Where the time of a run went: a bar for each attempt, `·` while it waited, `━` while it ran. With `--json` the spans as
/// OTLP takes them: `pgflow trace RUN --json | curl -d @- -H 'content-type: application/json'
/// http://localhost:4318/v1/traces`.
#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// The run.
    run: String,
    /// What collectors call `service.name`.
    #[arg(long, value_name = "NAME", env = "OTEL_SERVICE_NAME", default_value = "pgflow")]
    service: String,
}

impl Trace {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let run = context.run(&flow, &self.run).await?;
        let spans = flow.spans(run).await?.ok_or(CliError::NoRun(run.0))?;
        let request = request(&self.service, &spans);
        context.output.tell(&request, |paint| waterfall::render(paint, &spans, output::width()));
        Ok(Exit::Done)
    }
}
