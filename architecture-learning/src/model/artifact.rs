//! A model in files: weights as safetensors, and beside them all that is needed to use them. No source text.

use std::collections::BTreeMap;
use std::path::Path;

use burn::store::{
    HalfPrecisionAdapter, ModuleAdapter, ModuleSnapshot, SafetensorsStore, TensorSnapshot,
};
use burn::tensor::DType;
use burn::tensor::backend::Backend;
use burn_ndarray::NdArrayDevice;
use serde::{Deserialize, Serialize};

use super::backend::Cpu;
use super::ensemble::{Asked, Ensemble};
use super::layers::Layers;
use super::network::Network;
use super::predict::{self, Logits};
use super::regression::{Lines, Regression};
use super::statistics::Statistics;
use super::{ModelKind, Reads};
use crate::LearningError;
use crate::discovery::{Shard, SourceFile};
use crate::graph::{self, FORMATS, FeatureSettings, Graph, Vocabulary};
use crate::metrics::{self, Prediction};
use crate::role::{OUTPUTS, ROLES, Role};
use crate::storage;

pub(crate) const CONFIG: &str = "config.json";

/// Accuracy that answers should have on validation owners; files below the confidence that gives it are abstained on.
const ACCURACY_WANTED: f64 = 0.8;

/// What makes logits into honest probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Logits are divided by it.
    pub temperature: f32,
    /// Confidence below which the model abstains.
    pub threshold: f32,
}

impl Calibration {
    /// Finds the temperature of the highest likelihood, then the threshold, on validation graphs.
    pub(super) fn of(graphs: &[&Graph], logits: &Logits) -> Self {
        let loss = |temperature: f32| -> f64 {
            let all = predict::predictions(graphs, logits, temperature);
            all.iter().map(|p| -f64::from(p.given_a_role()[p.truth.index()].max(1e-9)).ln()).sum()
        };
        let candidates = (0_u8..60).map(|i| 0.25 * 1.05_f32.powi(i32::from(i)));
        let temperature = candidates.min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or(1.0);
        Self {
            temperature,
            threshold: threshold(&predict::predictions(graphs, logits, temperature)),
        }
    }
}

/// The lowest confidence, of those at least 0.3, from which on answers have the wanted accuracy.
fn threshold(predictions: &[Prediction]) -> f32 {
    let candidates = (6_u8..19).map(|i| f32::from(i) * 0.05);
    let fits = |threshold: &f32| {
        let answered: Vec<_> =
            predictions.iter().filter(|p| p.top().1 >= *threshold).cloned().collect();
        metrics::accuracy(&answered) >= ACCURACY_WANTED
    };
    candidates.into_iter().find(fits).unwrap_or(0.9)
}

/// Everything about a model but its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Which model.
    pub kind: ModelKind,
    /// How words become numbers.
    pub features: FeatureSettings,
    /// Names of the outputs, in order.
    pub roles: Vec<Role>,
    /// Width of the hidden layers.
    pub hidden: usize,
    /// Temperature and threshold.
    pub calibration: Calibration,
    /// The dataset that it was trained on.
    pub dataset: String,
    pub(crate) statistics: Statistics,
}

/// The file of a kind's weights.
pub(crate) fn weights_file(kind: ModelKind) -> String {
    format!("{}.safetensors", kind.name())
}

/// Makes weights of 16 bits those of 32 that are computed with.
#[derive(Clone, Debug, Default)]
struct Widened(HalfPrecisionAdapter);

impl ModuleAdapter for Widened {
    fn adapt(&self, snapshot: &TensorSnapshot) -> TensorSnapshot {
        if snapshot.dtype == DType::F16 { self.0.adapt(snapshot) } else { snapshot.clone() }
    }

    fn clone_box(&self) -> Box<dyn ModuleAdapter> {
        Box::new(self.clone())
    }
}

/// Writes weights with 16 bits each.
pub(super) fn save_weights<B: Backend, M: ModuleSnapshot<B>>(
    model: &M,
    path: &Path,
) -> Result<(), LearningError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(LearningError::write(directory))?;
    let store = SafetensorsStore::from_file(path).overwrite(true);
    let mut store = store.with_to_adapter(HalfPrecisionAdapter::new());
    model.save_into(&mut store).map_err(|e| weights_error(path, &e))
}

fn weights_error(path: &Path, error: &impl ToString) -> LearningError {
    LearningError::Weights { what: path.display().to_string(), reason: error.to_string() }
}

/// A model read from its files, on the CPU.
pub struct LoadedModel {
    /// Everything but the weights.
    pub config: ModelConfig,
    vocabulary: Vocabulary,
    weights: Weights,
}

enum Weights {
    Regression(Lines),
    Network(Box<Layers>),
    Ensemble(Box<Asked>),
}

impl std::fmt::Debug for LoadedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadedModel").field("kind", &self.config.kind).finish_non_exhaustive()
    }
}

impl LoadedModel {
    /// Reads the configuration and the weights from `directory`.
    ///
    /// # Errors
    /// When a file is missing or does not fit the others.
    pub fn open(directory: &Path) -> Result<Self, LearningError> {
        let config: ModelConfig = storage::read_json(&directory.join(CONFIG))?;
        let weights = directory.join(weights_file(config.kind));
        Self::with(config, &weights)
    }

    pub(crate) fn with(config: ModelConfig, path: &Path) -> Result<Self, LearningError> {
        Self::from_bytes(config, path, storage::read(path)?)
    }

    /// The model of weights in memory; `path` is what errors call them.
    pub(crate) fn from_bytes(
        config: ModelConfig,
        path: &Path,
        bytes: Vec<u8>,
    ) -> Result<Self, LearningError> {
        if !FORMATS.contains(&config.features.format)
            || !config.statistics.fits(&config.features)
            || config.roles != Role::ALL
        {
            return Err(LearningError::damaged(
                path,
                "its statistics or roles are of another version",
            ));
        }
        let device = NdArrayDevice::Cpu;
        let (features, hidden) = (&config.features, config.hidden);
        let weights = match config.kind {
            ModelKind::Regression => {
                let regression = Regression::<Cpu>::new(Reads::of_regression(features), &device);
                Weights::Regression(apply::<Cpu, _>(regression, path, bytes)?.lines())
            }
            ModelKind::Network => {
                let network = Network::new(Reads::of_network(features), hidden, 0.0, &device);
                let network = apply::<Cpu, _>(network, path, bytes)?;
                Weights::Network(Box::new(Layers::of(&network)))
            }
            ModelKind::Ensemble => {
                let ensemble = Ensemble::<Cpu>::new(features, hidden, &device);
                Weights::Ensemble(Box::new(apply::<Cpu, _>(ensemble, path, bytes)?.asked()))
            }
        };
        Ok(Self { vocabulary: Vocabulary::of(&config.features), config, weights })
    }

    /// A codebase as this model reads it, without labels.
    pub fn graph(&self, shard: &Shard) -> Graph {
        Graph::of(shard, |word| self.vocabulary.number(word))
    }

    /// The graphs of a dataset, whose words are `words`, as this model reads them.
    pub(crate) fn read<'g>(
        &self,
        words: &[String],
        graphs: impl IntoIterator<Item = &'g Graph>,
    ) -> Vec<Graph> {
        let numbers = self.vocabulary.numbers(words);
        graphs.into_iter().map(|graph| graph.renumbered(&numbers)).collect()
    }

    /// The words of a file that this model reads, by number.
    pub(crate) fn words(&self, file: &SourceFile) -> BTreeMap<u32, Vec<String>> {
        graph::words_by_number(file, &self.vocabulary)
    }

    /// Logits of the roles, and of none of them, of every node.
    pub fn logits(&self, graphs: &[Graph]) -> Vec<Vec<[f32; OUTPUTS]>> {
        let ModelConfig { features, statistics, .. } = &self.config;
        let of_graph = |graph: &Graph| match &self.weights {
            Weights::Regression(lines) => {
                lines.of_graph(graph, statistics, Reads::of_regression(features))
            }
            Weights::Network(layers) => {
                layers.logits(graph, statistics, Reads::of_network(features))
            }
            Weights::Ensemble(both) => both.logits(graph, features, statistics),
        };
        graphs.iter().map(of_graph).collect()
    }

    /// Probabilities of the roles of every labelled node.
    pub fn predictions(&self, graphs: &[Graph]) -> Vec<Prediction> {
        let (logits, temperature) = (self.logits(graphs), self.config.calibration.temperature);
        predict::predictions(&graphs.iter().collect::<Vec<_>>(), &logits, temperature)
    }

    /// Probabilities of the roles of every node.
    pub fn probabilities(&self, graph: &Graph) -> Vec<[f32; ROLES]> {
        let logits = self.logits(std::slice::from_ref(graph));
        let temperature = self.config.calibration.temperature;
        logits.iter().flatten().map(|row| metrics::probabilities(row, temperature)).collect()
    }
}

pub(super) fn load<B: Backend, M: ModuleSnapshot<B>>(
    model: M,
    path: &Path,
) -> Result<M, LearningError> {
    apply(model, path, storage::read(path)?)
}

fn apply<B: Backend, M: ModuleSnapshot<B>>(
    mut model: M,
    path: &Path,
    bytes: Vec<u8>,
) -> Result<M, LearningError> {
    let store = SafetensorsStore::from_bytes(Some(bytes));
    let mut store = store.with_from_adapter(Widened::default());
    let result = model.load_from(&mut store).map_err(|e| weights_error(path, &e))?;
    if !result.is_success() {
        return Err(weights_error(path, &format!("{result:?}")));
    }
    Ok(model)
}
