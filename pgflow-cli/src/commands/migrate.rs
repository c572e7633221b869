//! `migrate`: moves runs under way to another version.

use clap::Args;
use pgflow_core::client::{Migration, Refused};
use serde::Serialize;

use crate::{
    context::Context,
    error::CliError,
    exit::Exit,
    output::{Paint, Tone},
};

use super::counted;

/// Move the runs under way of one version of a workflow to another, where what they have begun is the same there; they
/// keep their results. Runs that a worker has in hand are passed over. Ends with status 6 where some stay.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// The workflow.
    workflow: String,
    /// The version that its runs are on.
    from: u32,
    /// The version to go on with; a worker that has it was started before.
    to: u32,
    /// Only say how many there are, and which stay.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

#[derive(Serialize)]
struct View<'m> {
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_move: Option<u64>,
    busy: u64,
    refused: &'m [Refused],
}

impl Migrate {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let Self { workflow, from, to, .. } = &self;
        let flow = context.flow().await?;
        let migrate = || flow.migrate(workflow, *from, *to, &context.actor());
        let mut migration = migrate().dry_run().await?;
        if migration.moved > 0 && !self.dry_run {
            let runs = counted(migration.moved);
            let what = format!("this moves {runs} of `{workflow}` from version {from} to {to}");
            context.output.confirm(self.yes, &what)?;
            migration = migrate().await?;
        }
        let Migration { moved, busy, refused, .. } = &migration;
        let view = View {
            moved: (!self.dry_run).then_some(*moved),
            would_move: self.dry_run.then_some(*moved),
            busy: *busy,
            refused,
        };
        context.output.tell(&view, |paint| view.render(paint));
        Ok(if *busy > 0 || !refused.is_empty() { Exit::NeedsOld } else { Exit::Done })
    }
}

impl View<'_> {
    fn render(&self, paint: Paint) -> String {
        let head = match (self.moved, self.would_move) {
            (_, Some(runs)) => format!("would move {}\n", counted(runs)),
            (runs, None) => format!("moved {}\n", counted(runs.unwrap_or_default())),
        };
        let point = |tone, what: String| format!("  {} {what}\n", paint.paint(tone, "•"));
        let busy = (self.busy > 0).then(|| {
            let busy = self.busy;
            let what =
                format!("{busy} busy: a worker has them in hand; repeat this, or pause them");
            point(Tone::Warning, what)
        });
        let refused = self.refused.iter().map(|refused| point(Tone::Bad, refused.to_string()));
        std::iter::once(head).chain(busy).chain(refused).collect()
    }
}
