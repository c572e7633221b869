//! The JSON of `learn`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use architecture_learning::analysis::Discovered;
use architecture_learning::deployment::gate::Decision;
use architecture_learning::model::Device;
use architecture_learning::pipeline::STEPS;
use architecture_learning::validation::{GoldReport, Interval, Kind, Score};
use serde::Serialize;

use super::learn::Outcome;

/// What `learn --json` prints.
#[derive(Serialize)]
pub(super) struct Output<'o> {
    run: Run,
    corpus: Corpus,
    metrics: Metrics<'o>,
    decision: &'o Decision,
    artifact: Artifact<'o>,
    device: &'o Device,
}

#[derive(Serialize)]
struct Run {
    id: i64,
    state: &'static str,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    name: &'static str,
    seconds: f64,
    failed_attempts: usize,
}

#[derive(Serialize)]
struct Corpus {
    #[serde(flatten)]
    discovered: Discovered,
    owners: usize,
    labelled_files: usize,
}

#[derive(Serialize)]
struct Metrics<'o> {
    model: &'static str,
    test_owners: usize,
    ours: Option<&'o Score>,
    baselines: BTreeMap<&'o str, &'o Score>,
    differences: &'o BTreeMap<String, Interval>,
    kinds: &'o BTreeMap<String, Kind>,
    gold: Option<&'o GoldReport>,
    leaky_macro_f1: f64,
}

#[derive(Serialize)]
struct Artifact<'o> {
    path: &'o PathBuf,
    hash: &'o str,
}

impl<'o> Output<'o> {
    pub(super) fn of(outcome: &'o Outcome) -> Self {
        let Outcome { run, standing, analysis, trained, report, deployment } = outcome;
        let step = |name: &&'static str| {
            let step = standing.steps.get(name)?;
            Some(Step { name, seconds: step.seconds, failed_attempts: step.failed_attempts })
        };
        let parts = analysis.labelled;
        let others = report.scores.iter().filter(|(name, _)| *name != report.kind.name());
        Self {
            run: Run {
                id: *run,
                state: "completed",
                steps: STEPS.iter().filter_map(step).collect(),
            },
            corpus: Corpus {
                discovered: analysis.discovered,
                owners: analysis.owners,
                labelled_files: parts.train + parts.validation + parts.test,
            },
            metrics: Metrics {
                model: report.kind.name(),
                test_owners: report.owners,
                ours: report.ours(),
                baselines: others.map(|(name, score)| (name.as_str(), score)).collect(),
                differences: &report.differences,
                kinds: &report.kinds,
                gold: report.gold.as_ref(),
                leaky_macro_f1: report.leaky_macro_f1,
            },
            decision: &deployment.decision,
            artifact: Artifact { path: &deployment.path, hash: &deployment.artifact },
            device: &trained.device,
        }
    }
}
