//! `wanted`: the number of workers that the backlog asks for.

use std::time::Duration;

use clap::Args;
use pgflow_core::client::{self, Demand, WANTED_WITHIN};

use crate::{
    context::Context,
    error::CliError,
    exit::Exit,
    output::Paint,
    render::{
        table::{Cell, table},
        time::parse,
    },
};

/// The number of workers that it takes to go on with what runs and to work off within a time what waits, at the rates of
/// the last hour and within the limits of steps; 0 where there is nothing to do. It is a bare number, for what scales
/// workers; on a terminal the queues that ask for them follow.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// The time within which what waits is to be worked off [default: 5m].
    #[arg(long, value_name = "DURATION", value_parser = parse)]
    within: Option<Duration>,
}

impl Wanted {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let within = self.within.unwrap_or(WANTED_WITHIN);
        let wanted = context.flow().await?.wanted_workers(within).await?;
        let terminal = context.output.terminal;
        context.output.tell(&wanted, |paint| {
            let rest = if terminal { render(paint, &wanted) } else { String::new() };
            format!("{}\n{rest}", wanted.workers)
        });
        Ok(Exit::Done)
    }
}

fn render(paint: Paint, wanted: &client::Wanted) -> String {
    let client::Wanted { live, slots_per_worker, queues, .. } = wanted;
    let row = |queue: &Demand| -> Vec<Cell> {
        let workflow = format!("{}@{}", queue.workflow, queue.version);
        let numbers = [queue.ready, queue.running, queue.slots].map(|n| n.to_string().into());
        [workflow.into(), queue.node.as_str().into()].into_iter().chain(numbers).collect()
    };
    let rows: Vec<_> = queues.iter().map(row).collect();
    let headings = ["WORKFLOW", "NODE", "READY", "RUNNING", "SLOTS"];
    let queues = if rows.is_empty() { String::new() } else { table(paint, &headings, &rows) };
    format!("of {slots_per_worker} slots each; {live} alive\n{queues}")
}
