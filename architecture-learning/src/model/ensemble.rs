//! Regression and network together: the mean of their logits, each made as sure as it should be on validation owners.

use std::path::Path;

use burn::module::Module;
use burn::tensor::backend::Backend;
use burn_ndarray::NdArrayDevice;
use serde::{Deserialize, Serialize};

use super::artifact::{self, Calibration};
use super::backend::Cpu;
use super::course::part;
use super::layers::Layers;
use super::network::Network;
use super::predict;
use super::regression::{Lines, Regression};
use super::statistics::Statistics;
use super::{Fit, Reads};
use crate::LearningError;
use crate::codebase::Split;
use crate::graph::{FeatureSettings, Graph};
use crate::metrics;
use crate::role::OUTPUTS;

/// Both models in one.
#[derive(Module, Debug)]
pub(super) struct Ensemble<B: Backend> {
    pub regression: Regression<B>,
    pub network: Network<B>,
}

/// How two models do together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// Macro-F1 on validation owners.
    pub validation_macro_f1: f64,
    /// Measured on validation owners.
    pub calibration: Calibration,
}

impl<B: Backend> Ensemble<B> {
    pub(super) fn new(features: &FeatureSettings, hidden: usize, device: &B::Device) -> Self {
        Self {
            regression: Regression::new(Reads::of_regression(features), device),
            network: Network::new(Reads::of_network(features), hidden, 0.0, device),
        }
    }

    pub(super) fn asked(&self) -> Asked {
        Asked { lines: self.regression.lines(), layers: Layers::of(&self.network) }
    }
}

/// Both as they are asked.
pub(super) struct Asked {
    lines: Lines,
    layers: Layers,
}

impl Asked {
    pub(super) fn logits(
        &self,
        graph: &Graph,
        features: &FeatureSettings,
        statistics: &Statistics,
    ) -> Vec<[f32; OUTPUTS]> {
        let reads = Reads::of_regression(features);
        let mut all = self.lines.of_graph(graph, statistics, reads);
        let others = self.layers.logits(graph, statistics, Reads::of_network(features));
        for (logit, other) in all.iter_mut().flatten().zip(others.iter().flatten()) {
            *logit = f32::midpoint(*logit, *other);
        }
        all
    }
}

/// Joins a regression and a network that were fitted on `graphs`, writes their weights to `path`, and examines them.
pub(crate) fn join(
    members: [(&Fit, &Path); 2],
    hidden: usize,
    graphs: &[Graph],
    features: &FeatureSettings,
    statistics: &Statistics,
    path: &Path,
) -> Result<Joined, LearningError> {
    let device = NdArrayDevice::Cpu;
    let [(regression, regression_weights), (network, network_weights)] = members;
    let untrained = Ensemble::<Cpu>::new(features, hidden, &device);
    let ensemble = Ensemble {
        regression: artifact::load(untrained.regression, regression_weights)?
            .tempered(regression.calibration.temperature),
        network: artifact::load(untrained.network, network_weights)?
            .tempered(network.calibration.temperature),
    };
    artifact::save_weights(&ensemble, path)?;
    let validation = part(graphs, Split::Validation);
    let asked = ensemble.asked();
    let of_graph = |graph: &&Graph| asked.logits(graph, features, statistics);
    let logits = validation.iter().map(of_graph).collect();
    let answers = predict::predictions(&validation, &logits, 1.0);
    Ok(Joined {
        validation_macro_f1: metrics::macro_f1_of(&answers),
        calibration: Calibration::of(&validation, &logits),
    })
}
