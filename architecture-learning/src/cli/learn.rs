//! `archlearn learn`: the five steps, one after the other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use architecture_learning::analysis::{Analysis, analyse};
use architecture_learning::codebase::{self, Codebase};
use architecture_learning::deployment::gate::Decision;
use architecture_learning::deployment::{Deployment, deploy};
use architecture_learning::discovery::{Discovery, discover};
use architecture_learning::model::{Device, DeviceChoice};
use architecture_learning::observer::Observer;
use architecture_learning::training::{TrainedModel, TrainingSettings, train};
use architecture_learning::validation::{Interval, Report, Score, validate_apart};
use architecture_learning::{DataDir, LearningError};
use serde::Serialize;

use super::progress::{Progress, STEPS};
use super::{Learn, print_json, summary};

/// Codebases that are read at once.
const READERS: usize = 2;

/// Everything that a run came to.
pub(super) struct Outcome {
    pub discoveries: Vec<Discovery>,
    pub analysis: Analysis,
    pub trained: TrainedModel,
    pub report: Report,
    pub deployment: Deployment,
    /// Seconds per step, in order.
    pub seconds: [f64; 5],
}

pub(super) fn learn(data: &DataDir, options: Learn) -> Result<(), LearningError> {
    let paths =
        if options.paths.is_empty() { codebase::registry_sources()? } else { options.paths };
    let limit = options.limit.and_then(|n| usize::try_from(n).ok());
    let codebases = codebase::find(&paths, limit)?;
    let device = DeviceChoice::from(options.device).resolve()?;
    eprintln!("{}", device_line(&device));
    let outcome = run(data, &codebases, &device)?;
    if options.json {
        return print_json(&Output::of(&outcome));
    }
    summary::print(&outcome);
    Ok(())
}

fn device_line(device: &Device) -> String {
    match device {
        Device::Cpu { stand_in: Some(reason) } => {
            format!("device: cpu, in place of a GPU: {reason}")
        }
        device => format!("device: {}", device.name()),
    }
}

fn run(data: &DataDir, codebases: &[Codebase], device: &Device) -> Result<Outcome, LearningError> {
    let progress = Progress::new();
    let mut seconds = [0.0; 5];

    let mut step = progress.step(0);
    let discoveries = discover_all(data, codebases, &mut step)?;
    let files: usize = discoveries.iter().map(|d| d.files).sum();
    seconds[0] = step.done(&format!("{files} files of {} codebases", discoveries.len()));

    let mut step = progress.step(1);
    let analysis = analyse(data, &discoveries, &mut step)?;
    seconds[1] =
        step.done(&format!("{} labels of {} owners", analysis.labels.labelled, analysis.owners));

    let mut step = progress.step(2);
    let trained = train(data, &analysis, device, &TrainingSettings::default(), &mut step)?;
    seconds[2] =
        step.done(&format!("the {} does better on validation owners", trained.kind.name()));

    let step = progress.step(3);
    let program = std::env::current_exe()
        .map_err(|source| LearningError::Read { path: PathBuf::from("archlearn"), source })?;
    let report = validate_apart(&program, data, &trained)?;
    let f1 = report.ours().map_or(0.0, |s| s.macro_f1.value);
    seconds[3] = step.done(&format!("macro-F1 {f1:.3} on {} test owners", report.owners));

    let step = progress.step(4);
    let deployment = deploy(data, &trained, &report)?;
    seconds[4] = step.done(if deployment.decision.promoted { "promoted" } else { "refused" });
    Ok(Outcome { discoveries, analysis, trained, report, deployment, seconds })
}

/// Discovers codebases, two at once, in the order in which they were given.
fn discover_all(
    data: &DataDir,
    codebases: &[Codebase],
    observer: &mut (dyn Observer + Send),
) -> Result<Vec<Discovery>, LearningError> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new((BTreeMap::new(), observer));
    let read = || -> Result<(), LearningError> {
        while let Some((i, codebase)) = {
            let i = next.fetch_add(1, Ordering::Relaxed);
            codebases.get(i).map(|c| (i, c))
        } {
            let discovery = discover(data, codebase)?;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.0.insert(i, discovery);
            let done = found.0.len();
            found.1.progress(done, codebases.len(), &codebase.name);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(read)).collect();
        readers
            .into_iter()
            .try_for_each(|reader| reader.join().unwrap_or(Err(LearningError::Cancelled)))
    })?;
    let (found, _) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(found.into_values().collect())
}

/// The JSON of `learn`.
#[derive(Serialize)]
struct Output<'o> {
    run: Run,
    corpus: Corpus,
    metrics: Metrics<'o>,
    decision: &'o Decision,
    artifact: Artifact<'o>,
    device: &'o Device,
}

#[derive(Serialize)]
struct Run {
    id: String,
    state: &'static str,
    steps: Vec<StepSeconds>,
}

#[derive(Serialize)]
struct StepSeconds {
    name: &'static str,
    seconds: f64,
}

#[derive(Serialize)]
struct Corpus {
    codebases: usize,
    files: usize,
    edges: usize,
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
    leaky_macro_f1: f64,
}

#[derive(Serialize)]
struct Artifact<'o> {
    path: &'o PathBuf,
    hash: &'o str,
}

impl<'o> Output<'o> {
    fn of(outcome: &'o Outcome) -> Self {
        let Outcome { discoveries, analysis, trained, report, deployment, seconds } = outcome;
        let steps = STEPS
            .iter()
            .zip(seconds)
            .map(|(name, seconds)| StepSeconds { name, seconds: *seconds });
        let others = report.scores.iter().filter(|(name, _)| *name != report.kind.name());
        Self {
            run: Run {
                id: format!("local-{}", &analysis.dataset[..12]),
                state: "succeeded",
                steps: steps.collect(),
            },
            corpus: Corpus {
                codebases: discoveries.len(),
                files: discoveries.iter().map(|d| d.files).sum(),
                edges: discoveries.iter().map(|d| d.edges).sum(),
                owners: analysis.owners,
                labelled_files: analysis.labelled.train
                    + analysis.labelled.validation
                    + analysis.labelled.test,
            },
            metrics: Metrics {
                model: report.kind.name(),
                test_owners: report.owners,
                ours: report.ours(),
                baselines: others.map(|(name, score)| (name.as_str(), score)).collect(),
                differences: &report.differences,
                leaky_macro_f1: report.leaky_macro_f1,
            },
            decision: &deployment.decision,
            artifact: Artifact { path: &deployment.path, hash: &deployment.artifact },
            device: &trained.device,
        }
    }
}
