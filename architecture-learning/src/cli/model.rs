//! `archlearn model`: which models there are, and which one answers. The registry is the database that `learn` uses.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use architecture_learning::pipeline::Registry;
use architecture_learning::serving::{self, Origin, Serving};
use architecture_learning::validation::Report;
use architecture_learning::{DataDir, LearningError};

use super::ModelCommand;

pub(super) fn model(command: &ModelCommand) -> Result<ExitCode, LearningError> {
    let data = DataDir::from_env()?;
    match command {
        ModelCommand::List => list()?,
        ModelCommand::Show => show(&data)?,
        ModelCommand::Promote { artifact } => {
            let artifact = in_registry(async |registry| registry.serve(&data, artifact).await)?;
            super::print(&format!("{} serves\n", short(&artifact)));
        }
        ModelCommand::Rollback => {
            let artifact = in_registry(async |registry| registry.rollback(&data).await)?;
            super::print(&format!("{} serves again\n", short(&artifact)));
        }
        ModelCommand::Export { directory } => export(&data, directory)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn in_registry<T>(
    ask: impl AsyncFnOnce(Registry) -> Result<T, LearningError>,
) -> Result<T, LearningError> {
    super::runtime()?.block_on(async { ask(Registry::from_env().await?).await })
}

fn short(artifact: &str) -> &str {
    artifact.get(..12).unwrap_or(artifact)
}

fn list() -> Result<(), LearningError> {
    let models = in_registry(async |registry| registry.models().await)?;
    let mut text = format!(
        "  {:<12}  {:<10} {:>8} {:>7}  decision\n",
        "artifact", "kind", "macro-F1", "owners"
    );
    for model in &models {
        let decision = if model.decision.promoted { "promoted" } else { "refused" };
        row(&mut text, model.serves, &model.artifact, &model.report, decision);
    }
    let bundled = Serving::bundled()?;
    let serves = !models.iter().any(|m| m.serves);
    row(&mut text, serves, &bundled.champion.artifact, &bundled.report, "bundled");
    super::print(&text);
    Ok(())
}

fn row(text: &mut String, serves: bool, artifact: &str, report: &Report, decision: &str) {
    let _ = writeln!(
        text,
        "{} {:<12}  {:<10} {:>8.3} {:>7}  {decision}",
        if serves { ">" } else { " " },
        short(artifact),
        report.kind.name(),
        report.ours().map_or(0.0, |s| s.macro_f1.value),
        report.owners
    );
}

fn show(data: &DataDir) -> Result<(), LearningError> {
    let serving = Serving::open(Some(data))?;
    let from = match serving.origin {
        Origin::Bundled => "bundled with this program",
        Origin::Promoted => "promoted here",
    };
    super::print(&format!("{}\nartifact {}, {from}\n", serving.card, serving.champion.artifact));
    Ok(())
}

fn export(data: &DataDir, directory: &Path) -> Result<(), LearningError> {
    let champion = serving::export(data, directory)?;
    super::print(&format!("{} is in {}\n", short(&champion.artifact), directory.display()));
    Ok(())
}
