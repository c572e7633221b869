//! `check`: what a deploy of this program means for the runs under way.

use clap::Args;
use pgflow_core::{
    client::{self, Prospect, Verdict, VersionCheck},
    registry::definitions,
};
use serde::Serialize;

use crate::{
    context::Context,
    error::CliError,
    exit::Exit,
    output::{Paint, Tone},
};

use super::counted;

/// What becomes of the runs under way where only the workflows of this program are served: which go on, which `migrate`
/// can move to a version that it has, and which need a worker of the old one. To be run of the program that is to be
/// deployed, before that; it changes nothing, and the schema may be older or missing. Ends with status 6 where some need
/// the old program.
#[derive(Debug, Args)]
pub(crate) struct Check {}

#[derive(Serialize)]
struct View {
    movable: u64,
    stranded: u64,
    versions: Vec<VersionLine>,
}

#[derive(Serialize)]
struct VersionLine {
    workflow: String,
    version: u32,
    runs: u64,
    prospects: Vec<ProspectLine>,
}

#[derive(Serialize)]
struct ProspectLine {
    verdict: &'static str,
    /// The version that they can be moved to.
    to: Option<u32>,
    runs: u64,
    reason: String,
    examples: Vec<i64>,
}

impl Check {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let served = definitions();
        if served.is_empty() {
            return Err(CliError::NothingToCheck);
        }
        let check = context.connect().check(&served).await?;
        let versions: Vec<VersionLine> = check.versions.iter().map(version_line).collect();
        let movable = versions.iter().flat_map(|v| &v.prospects).filter(|p| p.to.is_some());
        let view =
            View { movable: movable.map(|p| p.runs).sum(), stranded: check.stranded(), versions };
        context.output.tell(&view, |paint| render(paint, &check));
        Ok(if view.stranded > 0 { Exit::NeedsOld } else { Exit::Done })
    }
}

fn version_line(version: &VersionCheck) -> VersionLine {
    VersionLine {
        workflow: version.workflow.clone(),
        version: version.version,
        runs: version.runs,
        prospects: version.prospects.iter().map(prospect_line).collect(),
    }
}

fn prospect_line(prospect: &Prospect) -> ProspectLine {
    let (verdict, to) = match prospect.verdict {
        Verdict::Served => ("served", None),
        Verdict::Movable(version) => ("movable", Some(version)),
        _ => ("needs_old", None),
    };
    ProspectLine {
        verdict,
        to,
        runs: prospect.runs,
        reason: prospect.reason.clone(),
        examples: prospect.examples.iter().map(|run| run.0).collect(),
    }
}

fn render(paint: Paint, check: &client::Check) -> String {
    if check.versions.is_empty() {
        return "no run is under way\n".into();
    }
    let versions: String = check.versions.iter().map(|v| render_version(paint, v)).collect();
    let runs = check.stranded();
    if runs == 0 {
        return versions;
    }
    let ended = if runs == 1 { "it has ended" } else { "they have ended" };
    let end = format!(
        "{} would stand still: keep a worker of the old binary until {ended}",
        counted(runs)
    );
    versions + &paint.paint(Tone::Bad, &end) + "\n"
}

fn render_version(paint: Paint, version: &VersionCheck) -> String {
    let VersionCheck { workflow, version, runs, prospects, .. } = version;
    let name = paint.paint(Tone::Strong, &format!("{workflow}@{version}"));
    let prospect = |prospect: &Prospect| {
        let (tone, remedy) = match prospect.verdict {
            Verdict::Served => (Tone::Good, String::new()),
            Verdict::Movable(to) => {
                (Tone::Warning, format!("    → migrate {workflow} {version} {to}\n"))
            }
            _ => (Tone::Bad, String::new()),
        };
        format!("  {} {prospect}\n{remedy}", paint.paint(tone, "•"))
    };
    let prospects: String = prospects.iter().map(prospect).collect();
    format!("{name}: {runs} under way\n{prospects}")
}
