//! Step 4: scores a saved candidate on test owners, always on the CPU, beside its baselines and the champion. Whoever
//! trained should not score: [`validate_apart`] does it in a process of its own.

mod bootstrap;
mod gold;
mod neighbours;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::analysis::Dataset;
use crate::champion::Champion;
use crate::codebase::Split;
use crate::graph::{Graph, Node};
use crate::metrics::{self, CoveragePoint, Prediction, RoleScore};
use crate::model::{CONFIG, LoadedModel, ModelConfig, ModelKind, weights_file};
use crate::role::{ROLES, Role};
use crate::storage::{self, DataDir};
use crate::training::{TrainedModel, config_file};
use neighbours::Neighbours;

pub use bootstrap::Interval;
pub use gold::{GoldReport, GoldScore};

/// The report's file in an artifact.
pub(crate) const METRICS: &str = "metrics.json";

/// Scores of a candidate on test owners.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The candidate.
    pub candidate: String,
    /// The dataset whose test owners it was scored on.
    pub dataset: String,
    /// The kind that the candidate proposes.
    pub kind: ModelKind,
    /// Artifact of the champion that was scored beside it, where one reads this dataset.
    #[serde(default)]
    pub champion: Option<String>,
    /// Whether its files still hash to its id.
    pub verified: bool,
    /// Test owners with labelled files.
    pub owners: usize,
    /// Scores by model: `ensemble`, `network`, `regression`, `neighbours`, `majority`, and `champion` where there is one.
    pub scores: BTreeMap<String, Score>,
    /// The proposed model's macro-F1 minus another's, by the other's name, over the same resampled owners.
    pub differences: BTreeMap<String, Interval>,
    /// The same on `applications` and on `libraries`, where there are any.
    #[serde(default)]
    pub kinds: BTreeMap<String, Kind>,
    /// Scores on files whose role was read, where the corpus has them.
    #[serde(default)]
    pub gold: Option<GoldReport>,
    /// Accuracy of the surest tenth, two tenths, … of files.
    pub coverage: Vec<CoveragePoint>,
    /// Share of files at or above the threshold of abstention, and how many of these are right.
    pub answered: CoveragePoint,
    /// Macro-F1 of the regression where files are split at random: too high, since siblings leak. Never a result.
    pub leaky_macro_f1: f64,
}

/// Scores of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Labelled files.
    pub files: usize,
    /// Mean F1 over roles, with a 95 % interval over resampled owners.
    pub macro_f1: Interval,
    /// Share of files whose likeliest role is right.
    pub accuracy: f64,
    /// Share of files with the label among the three likeliest.
    pub top3: f64,
    /// Mean distance of confidence and accuracy over ten bins of equal size.
    pub calibration_error: f64,
    /// Each role, by its name.
    pub roles: BTreeMap<String, RoleScore>,
}

/// Scores on the codebases of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kind {
    /// Their owners.
    pub owners: usize,
    /// As [`Report::scores`].
    pub scores: BTreeMap<String, Score>,
    /// As [`Report::answered`].
    pub answered: CoveragePoint,
    /// As [`Report::coverage`].
    pub coverage: Vec<CoveragePoint>,
}

impl Report {
    /// Reads the report that lies in an artifact.
    ///
    /// # Errors
    /// When it is not there or damaged.
    pub fn open(artifact: &Path) -> Result<Self, LearningError> {
        storage::read_json(&artifact.join(METRICS))
    }

    /// The scores of the proposed model.
    pub fn ours(&self) -> Option<&Score> {
        self.scores.get(self.kind.name())
    }
}

/// Scores the candidate of `trained` in this process, beside the champion of `data`.
///
/// # Errors
/// When its files or the dataset cannot be read.
pub fn validate(data: &DataDir, trained: &TrainedModel) -> Result<Report, LearningError> {
    let champion = Champion::read(data)?;
    compare(data, trained, champion.as_ref().map(|c| c.artifact.as_str()))
}

/// Scores the candidate of `trained` in this process, beside the model of an artifact.
///
/// # Errors
/// When its files or the dataset cannot be read.
pub fn compare(
    data: &DataDir,
    trained: &TrainedModel,
    champion: Option<&str>,
) -> Result<Report, LearningError> {
    let dataset = Dataset::open(data, &trained.dataset)?;
    let directory = data.candidate(&trained.candidate);
    let verified = storage::hash_dir(&directory)? == trained.candidate;
    let known = champion.map(|artifact| data.artifact(artifact)).filter(|a| a.is_dir());
    if let Some(report) = known.map(|artifact| Report::open(&artifact)).transpose()?
        && (&report.candidate, &report.dataset) == (&trained.candidate, &trained.dataset)
    {
        // it serves already: what was said of it then stands
        return Ok(Report { verified, ..report });
    }
    let proposed = LoadedModel::open(&directory)?.config.kind;
    let mut all = BTreeMap::new();
    for kind in [ModelKind::Regression, ModelKind::Network, ModelKind::Ensemble] {
        all.insert(kind.name().to_owned(), of_kind(&directory, kind)?);
    }
    let ours = &all[proposed.name()];
    let threshold = ours.config.calibration.threshold;
    let read = |split| ours.read(&dataset.words, dataset.part(split));
    let (training, test) = (read(Split::Train), read(Split::Test));
    let mut predictions: BTreeMap<_, _> =
        all.iter().map(|(name, model)| (name.clone(), model.predictions(&test))).collect();
    let ours = predictions[proposed.name()].clone();
    let majority = majority(&dataset);
    predictions.insert("majority".to_owned(), constant(&ours, majority));
    let neighbours = Neighbours::of(training.iter(), &all[proposed.name()].config.statistics);
    predictions.insert("neighbours".to_owned(), nearest(&neighbours, &test));
    let gold = gold_report(&dataset, &all, &neighbours, majority);
    let champion = champion.map(|artifact| readable(data, artifact)).transpose()?.flatten();
    if let Some((_, model)) = &champion {
        let test = model.read(&dataset.words, dataset.part(Split::Test));
        predictions.insert("champion".to_owned(), model.predictions(&test));
    }
    let others = predictions.iter().filter(|(name, _)| *name != proposed.name());
    Ok(Report {
        candidate: trained.candidate.clone(),
        dataset: trained.dataset.clone(),
        kind: proposed,
        champion: champion.map(|(artifact, _)| artifact),
        verified,
        owners: owners(&ours),
        differences: others
            .map(|(name, p)| (name.clone(), bootstrap::difference(&ours, p)))
            .collect(),
        scores: predictions.iter().map(|(name, p)| (name.clone(), score(p))).collect(),
        kinds: kinds(&predictions, proposed.name(), threshold),
        gold,
        coverage: metrics::coverage_curve(&ours),
        answered: answered(&ours, threshold),
        leaky_macro_f1: trained.leaky_macro_f1,
    })
}

/// Scores the candidate in a process that did not train: `program` must answer to the arguments of `archlearn`.
///
/// # Errors
/// [`LearningError::Validator`] when the process cannot be started, fails or answers nonsense.
pub fn validate_apart(
    program: &Path,
    data: &DataDir,
    trained: &TrainedModel,
) -> Result<Report, LearningError> {
    let mut command = Command::new(program);
    command.arg("validate-artifact").arg(&trained.candidate).env("ARCHLEARN_DATA_DIR", data.root());
    let shown = format!("{} validate-artifact {}", program.display(), trained.candidate);
    let failed = |status: String, stderr: String| LearningError::Validator {
        status,
        stderr,
        command: shown.clone(),
    };
    let output = command.output().map_err(|e| failed("not started".to_owned(), e.to_string()))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(failed(output.status.to_string(), stderr));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|e| failed("no report".to_owned(), e.to_string()))
}

fn of_kind(directory: &Path, kind: ModelKind) -> Result<LoadedModel, LearningError> {
    let config: ModelConfig = storage::read_json(&directory.join(config_file(kind)))?;
    LoadedModel::with(config, &directory.join(weights_file(kind)))
}

/// The model of an artifact, if it is here.
fn readable(
    data: &DataDir,
    artifact: &str,
) -> Result<Option<(String, LoadedModel)>, LearningError> {
    let directory = data.artifact(artifact);
    if !directory.join(CONFIG).is_file() {
        return Ok(None);
    }
    Ok(Some((artifact.to_owned(), LoadedModel::open(&directory)?)))
}

/// Always says the commonest role of training owners, as sure as it is common there.
fn majority(dataset: &Dataset) -> [f32; ROLES] {
    let mut files = [0_usize; ROLES];
    let roles = dataset.part(Split::Train).flat_map(|g| &g.nodes).filter_map(|n| n.role);
    roles.for_each(|role: Role| files[role.index()] += 1);
    let total = files.iter().sum();
    #[expect(clippy::cast_possible_truncation, reason = "a probability")]
    let probabilities = files.map(|n| metrics::share(n, total) as f32);
    probabilities
}

fn constant(like: &[Prediction], probabilities: [f32; ROLES]) -> Vec<Prediction> {
    like.iter().map(|p| Prediction { probabilities, ..p.clone() }).collect()
}

fn nearest(neighbours: &Neighbours<'_>, graphs: &[Graph]) -> Vec<Prediction> {
    let of_graph = |graph: &Graph| {
        let labelled = graph.nodes.iter().filter_map(|node| {
            Some(Prediction {
                owner: graph.owner.clone(),
                application: graph.application,
                truth: node.role?,
                probabilities: neighbours.probabilities(node),
            })
        });
        labelled.collect::<Vec<_>>()
    };
    graphs.iter().flat_map(of_graph).collect()
}

fn gold_report(
    dataset: &Dataset,
    models: &BTreeMap<String, LoadedModel>,
    neighbours: &Neighbours<'_>,
    majority: [f32; ROLES],
) -> Option<GoldReport> {
    // they have one vocabulary
    let reader = models.values().next()?;
    let graphs = reader.read(&dataset.words, dataset.gold.iter().map(|g| &g.graph));
    let of_model = |(name, model): (&String, &LoadedModel)| {
        (name.clone(), graphs.iter().map(|graph| model.probabilities(graph)).collect::<Vec<_>>())
    };
    let mut answers: BTreeMap<_, _> = models.iter().map(of_model).collect();
    let of_nodes = |of: &dyn Fn(&Node) -> [f32; ROLES]| -> Vec<Vec<[f32; ROLES]>> {
        graphs.iter().map(|graph| graph.nodes.iter().map(of).collect()).collect()
    };
    answers.insert("neighbours".to_owned(), of_nodes(&|node| neighbours.probabilities(node)));
    answers.insert("majority".to_owned(), of_nodes(&|_| majority));
    gold::report(&dataset.gold, &answers)
}

fn score(predictions: &[Prediction]) -> Score {
    let roles = metrics::per_role(predictions.iter().map(|p| (p.truth, p.top().0)));
    Score {
        files: predictions.len(),
        macro_f1: bootstrap::macro_f1(predictions),
        accuracy: metrics::accuracy(predictions),
        top3: metrics::top3(predictions),
        calibration_error: metrics::calibration_error(predictions),
        roles: Role::ALL
            .iter()
            .zip(roles)
            .map(|(role, score)| (role.name().to_owned(), score))
            .collect(),
    }
}

fn kinds(
    predictions: &BTreeMap<String, Vec<Prediction>>,
    proposed: &str,
    threshold: f32,
) -> BTreeMap<String, Kind> {
    let kind = |(name, application): (&str, bool)| {
        let part = |all: &[Prediction]| -> Vec<_> {
            all.iter().filter(|p| p.application == application).cloned().collect()
        };
        let ours = part(predictions.get(proposed)?);
        let kind = Kind {
            owners: owners(&ours),
            scores: predictions.iter().map(|(name, p)| (name.clone(), score(&part(p)))).collect(),
            answered: answered(&ours, threshold),
            coverage: metrics::coverage_curve(&ours),
        };
        (!ours.is_empty()).then(|| (name.to_owned(), kind))
    };
    [("applications", true), ("libraries", false)].into_iter().filter_map(kind).collect()
}

fn owners(predictions: &[Prediction]) -> usize {
    predictions.iter().map(|p| &p.owner).collect::<BTreeSet<_>>().len()
}

fn answered(predictions: &[Prediction], threshold: f32) -> CoveragePoint {
    let sure: Vec<_> = predictions.iter().filter(|p| p.top().1 >= threshold).cloned().collect();
    CoveragePoint {
        coverage: metrics::share(sure.len(), predictions.len()),
        accuracy: metrics::accuracy(&sure),
        confidence: f64::from(threshold),
    }
}
