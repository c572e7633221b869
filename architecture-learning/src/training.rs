//! Step 3: fits the network and, beside it, the regression, each from its last checkpoint on, joins them, and leaves all
//! three as a candidate. The one that does best on validation owners is the model; test owners are not looked at.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::analysis::{Analysis, Dataset};
use crate::codebase::Split;
use crate::graph::{FeatureSettings, Graph, Vocabulary};
use crate::model::{
    self, CONFIG, Calibration, Device, Fit, FitSettings, Joined, ModelConfig, ModelKind,
    Statistics, WORDS, commonest, weights_file,
};
use crate::observer::Observer;
use crate::role::Role;
use crate::storage::{self, DataDir};

/// Part of the key of checkpoints and candidates.
const FORMAT: &str = "training 3";

/// What step 3 hands on: the candidate by id, and figures for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedModel {
    /// Id of the candidate: the hash of its files.
    pub candidate: String,
    /// The dataset that it was trained on.
    pub dataset: String,
    /// The kind that did best on validation owners.
    pub kind: ModelKind,
    /// Where it was trained.
    pub device: Device,
    /// How the network was fitted.
    pub network: Fit,
    /// How the regression was fitted.
    pub regression: Fit,
    /// How both do together.
    #[serde(default)]
    pub ensemble: Joined,
    /// Macro-F1 of the regression where files, not owners, are split at random: a leak, for comparison only.
    pub leaky_macro_f1: f64,
    /// Seconds of this attempt.
    pub seconds: f64,
}

/// Settings of both fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSettings {
    /// Of the network.
    pub network: FitSettings,
    /// Of the regression.
    pub regression: FitSettings,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            network: FitSettings::of(ModelKind::Network),
            regression: FitSettings::of(ModelKind::Regression),
        }
    }
}

/// Trains on the dataset of `analysis`. A second call with equal arguments finds the candidate; one after an attempt
/// that was stopped goes on after its last epoch.
///
/// # Errors
/// [`LearningError::Cancelled`] when the observer says so, [`LearningError::Diverged`] when the loss is no number; when
/// files cannot be read or written.
pub fn train(
    data: &DataDir,
    analysis: &Analysis,
    device: &Device,
    settings: &TrainingSettings,
    observer: &mut dyn Observer,
) -> Result<TrainedModel, LearningError> {
    let begun = Instant::now();
    let about = storage::to_json(data.root(), settings)?;
    let key = storage::hash([FORMAT.as_bytes(), about.as_slice(), device.name().as_bytes()]);
    let directory = data.checkpoints(&analysis.dataset, &key);
    let done = directory.join("trained.json");
    if done.is_file() {
        let known: TrainedModel = storage::read_json(&done)?;
        if data.candidate(&known.candidate).is_dir() {
            return Ok(known);
        }
    }
    let (features, graphs) = read(Dataset::open(data, &analysis.dataset)?);
    let statistics = Statistics::of(&graphs, &features);
    let weights = |name: &str| directory.join(format!("{name}.safetensors"));
    let mut fit = |kind: ModelKind, name: &str, graphs: &[Graph], settings| {
        let job = model::Job {
            kind,
            graphs,
            features: &features,
            statistics: &statistics,
            settings,
            device,
            checkpoints: &directory.join(name),
            weights: &weights(name),
        };
        model::fit(&job, observer)
    };
    let shuffled: Vec<_> = graphs.iter().flat_map(split_at_random).collect();
    let leaky = fit(ModelKind::Regression, "leaky", &shuffled, &settings.regression)?;
    drop(shuffled);
    let regression = fit(ModelKind::Regression, "regression", &graphs, &settings.regression)?;
    let network = fit(ModelKind::Network, "network", &graphs, &settings.network)?;
    let members = [(&regression, weights("regression")), (&network, weights("network"))];
    let ensemble = model::join(
        members.each_ref().map(|(fit, weights)| (*fit, weights.as_path())),
        settings.network.hidden,
        &graphs,
        &features,
        &statistics,
        &weights("ensemble"),
    )?;
    let config = |kind: ModelKind, calibration: Calibration| ModelConfig {
        kind,
        features: features.clone(),
        roles: Role::ALL.to_vec(),
        hidden: settings.network.hidden,
        calibration,
        dataset: analysis.dataset.clone(),
        statistics: statistics.clone(),
    };
    let configs = [
        config(ModelKind::Regression, regression.calibration),
        config(ModelKind::Network, network.calibration),
        config(ModelKind::Ensemble, ensemble.calibration),
    ];
    let kind = best([
        (ModelKind::Regression, regression.validation_macro_f1),
        (ModelKind::Network, network.validation_macro_f1),
        (ModelKind::Ensemble, ensemble.validation_macro_f1),
    ]);
    let candidate = candidate(data, &directory, kind, &configs)?;
    let seconds = begun.elapsed().as_secs_f64();
    let (dataset, device) = (analysis.dataset.clone(), device.clone());
    let leaky_macro_f1 = leaky.validation_macro_f1;
    let trained = TrainedModel {
        candidate,
        dataset,
        kind,
        device,
        network,
        regression,
        ensemble,
        leaky_macro_f1,
        seconds,
    };
    storage::write_json(&data.candidate_story(&trained.candidate), &trained)?;
    storage::write_json(&done, &trained)?;
    Ok(trained)
}

impl TrainedModel {
    /// What [`train`] answered when it made `candidate`.
    ///
    /// # Errors
    /// When there is no such candidate in `data`.
    pub fn open(data: &DataDir, candidate: &str) -> Result<Self, LearningError> {
        storage::read_json(&data.candidate_story(candidate))
    }
}

/// The vocabulary that is learnt, and the graphs with its numbers. Test owners choose no word.
fn read(dataset: Dataset) -> (FeatureSettings, Vec<Graph>) {
    let features = FeatureSettings::of(commonest(&dataset.graphs, &dataset.words, WORDS));
    let numbers = Vocabulary::of(&features).numbers(&dataset.words);
    let graphs = dataset.graphs.iter().map(|graph| graph.renumbered(&numbers)).collect();
    (features, graphs)
}

/// The kind with the highest score, the first of equals.
fn best(scores: [(ModelKind, f64); 3]) -> ModelKind {
    let [first, rest @ ..] = scores;
    rest.into_iter().fold(first, |best, next| if next.1 > best.1 { next } else { best }).0
}

/// A codebase twice, each time with a part of its labels, as if owners did not matter.
fn split_at_random(graph: &Graph) -> [Graph; 2] {
    let trains = |path: &str| storage::hash64(&format!("{} {path}", graph.codebase)) % 10 < 7;
    let part = |split| {
        let mut part = Graph { split, ..graph.clone() };
        for node in part.nodes.iter_mut().filter(|n| trains(&n.path) != (split == Split::Train)) {
            (node.role, node.roleless) = (None, false);
        }
        part
    };
    [part(Split::Train), part(Split::Validation)]
}

/// Puts all models into a directory named by the hash of its files: `config.json` is the chosen one's.
fn candidate(
    data: &DataDir,
    trained: &std::path::Path,
    kind: ModelKind,
    configs: &[ModelConfig],
) -> Result<String, LearningError> {
    let mut files = Vec::new();
    for config in configs {
        let weights = weights_file(config.kind);
        let text = storage::to_json(trained, config)?;
        files.push((weights.clone(), storage::read(&trained.join(weights))?));
        files.push((config_file(config.kind), text.clone()));
        if config.kind == kind {
            files.push((CONFIG.to_owned(), text));
        }
    }
    let id = storage::hash_named(&files);
    storage::write_dir(&data.candidate(&id), |directory| {
        files.iter().try_for_each(|(name, bytes)| storage::write(&directory.join(name), bytes))
    })?;
    Ok(id)
}

/// The configuration of one kind within a candidate.
pub(crate) fn config_file(kind: ModelKind) -> String {
    format!("{}.json", kind.name())
}
