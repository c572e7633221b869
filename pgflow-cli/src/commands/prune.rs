//! `prune`: removes old runs.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::{
    context::Context,
    error::CliError,
    exit::Exit,
    render::time::{lasting, parse},
};

use super::counted;

/// More are not counted before they are removed.
const COUNTED: u32 = 100_000;

/// Remove runs that ended long ago, with their history and keys; never one that is under way, nor a child of one. The
/// role must own the schema.
#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// How long ago they ended, as in 30d.
    #[arg(long, value_name = "DURATION", value_parser = parse)]
    older_than: Duration,
    /// Only say how many there are.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

#[derive(Serialize)]
struct Pruned {
    removed: u64,
}

#[derive(Serialize)]
struct Counted {
    would_remove: u64,
}

impl Prune {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let old = flow.count_old(self.older_than, COUNTED).await?;
        let runs =
            if old < u64::from(COUNTED) { counted(old) } else { format!("{old} or more runs") };
        let what = format!("{runs} that ended {} ago or earlier", lasting(self.older_than));
        if self.dry_run {
            context
                .output
                .tell(&Counted { would_remove: old }, |_| format!("would remove {what}\n"));
            return Ok(Exit::Done);
        }
        if old > 0 {
            context.output.confirm(self.yes, &format!("this removes {what} for ever"))?;
        }
        let removed = flow.prune(self.older_than, &context.actor()).await?;
        context.output.tell(&Pruned { removed }, |_| format!("removed {}\n", counted(removed)));
        Ok(Exit::Done)
    }
}
