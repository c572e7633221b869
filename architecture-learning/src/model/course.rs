//! What each kind of model is taught, batch by batch, and how it is examined after an epoch.

use burn::module::AutodiffModule;
use burn::optim::GradientsParams;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{ElementConversion, Tensor, activation};

use super::Reads;
use super::batch::{Batch, Layout, output, output_weights, pack};
use super::layers::Layers;
use super::network::Network;
use super::predict::Logits;
use super::regression::Regression;
use super::rows::{Row, rows};
use super::statistics::Statistics;
use crate::codebase::Split;
use crate::graph::{Graph, Node};
use crate::random::Random;
use crate::role::OUTPUTS;

/// Weight of the direction head's loss beside that of the roles.
const DIRECTION_WEIGHT: f32 = 0.3;

/// What a batch taught.
pub(super) struct Lesson {
    /// Mean loss of the roles.
    pub loss: f32,
    /// Sum of the weights of its labels.
    pub weight: f32,
    pub gradients: GradientsParams,
}

/// How a kind of model is taught and examined.
pub(super) trait Course<B: AutodiffBackend> {
    type Model: AutodiffModule<B>;
    type Batch;

    /// The batches of an epoch of about `size` files each, in an order of its own.
    fn batches(&self, size: usize, random: &mut Random) -> Vec<Self::Batch>;

    /// What a batch teaches; none without a label.
    fn lesson(
        &self,
        model: &Self::Model,
        batch: &Self::Batch,
        random: &mut Random,
    ) -> Option<Lesson>;

    /// Logits of the validation graphs.
    fn examine(&self, model: &Self::Model) -> Logits;
}

/// The graphs of a part of the corpus.
pub(super) fn part(graphs: &[Graph], split: Split) -> Vec<&Graph> {
    graphs.iter().filter(|g| g.split == split).collect()
}

/// Codebases side by side, neighbours and all.
pub(super) struct NetworkCourse<'a, B: AutodiffBackend> {
    training: Vec<&'a Graph>,
    validation: Vec<&'a Graph>,
    statistics: &'a Statistics,
    reads: Reads,
    weights: [f32; OUTPUTS],
    device: &'a B::Device,
}

impl<'a, B: AutodiffBackend> NetworkCourse<'a, B> {
    pub(super) fn new(
        graphs: &'a [Graph],
        statistics: &'a Statistics,
        reads: Reads,
        device: &'a B::Device,
    ) -> Self {
        let training = part(graphs, Split::Train);
        let weights = output_weights(&training);
        let validation = part(graphs, Split::Validation);
        Self { training, validation, statistics, reads, weights, device }
    }
}

impl<'a, B: AutodiffBackend> Course<B> for NetworkCourse<'a, B> {
    type Model = Network<B>;
    type Batch = Vec<&'a Graph>;

    fn batches(&self, size: usize, random: &mut Random) -> Vec<Self::Batch> {
        let mut order = self.training.clone();
        random.shuffle(&mut order);
        pack(&order, size)
    }

    fn lesson(
        &self,
        model: &Network<B>,
        batch: &Self::Batch,
        random: &mut Random,
    ) -> Option<Lesson> {
        let layout =
            Layout { statistics: self.statistics, reads: self.reads, weights: &self.weights };
        let batch = Batch::<B>::new(batch, layout, random, self.device);
        if batch.weight <= 0.0 {
            return None;
        }
        let (roles, all) = loss(model, &batch);
        let gradients = GradientsParams::from_grads(all.backward(), model);
        Some(Lesson { loss: roles.into_scalar().elem(), weight: batch.weight, gradients })
    }

    fn examine(&self, model: &Network<B>) -> Logits {
        let layers = Layers::of(&model.valid());
        let of_graph = |graph: &&Graph| layers.logits(graph, self.statistics, self.reads);
        self.validation.iter().map(of_graph).collect()
    }
}

/// Loss of the roles, and that of roles and directions together.
fn loss<B: Backend>(model: &Network<B>, batch: &Batch<B>) -> (Tensor<B, 1>, Tensor<B, 1>) {
    let scores = model.score(batch);
    let likelihood = activation::log_softmax(scores.roles, 1) * batch.targets.clone();
    let roles = likelihood.sum().neg().div_scalar(batch.weight);
    let mut all = roles.clone();
    if let (Some(logits), Some(pairs)) = (scores.direction, &batch.pairs) {
        let likelihood = activation::log_softmax(logits, 1) * pairs.targets.clone();
        all = all + likelihood.sum_dim(1).mean().neg().mul_scalar(DIRECTION_WEIGHT);
    }
    (roles, all)
}

/// The labelled files, each as a row that was made once.
pub(super) struct RegressionCourse<'a, B: AutodiffBackend> {
    training: Vec<(Row, usize)>,
    validation: Vec<Vec<Row>>,
    weights: [f32; OUTPUTS],
    device: &'a B::Device,
}

impl<'a, B: AutodiffBackend> RegressionCourse<'a, B> {
    pub(super) fn new(
        graphs: &[Graph],
        statistics: &Statistics,
        reads: Reads,
        device: &'a B::Device,
    ) -> Self {
        let training = part(graphs, Split::Train);
        let weights = output_weights(&training);
        let taught = |node: &Node| output(node).is_some();
        let of_graph = |graph: &&Graph| {
            let rows = rows(graph, statistics, reads, taught);
            let outputs = graph.nodes.iter().map(output);
            rows.into_iter().zip(outputs.collect::<Vec<_>>())
        };
        let lessons = training.iter().flat_map(of_graph);
        let training = lessons.filter_map(|(row, output)| Some((row, output?))).collect();
        let validation = part(graphs, Split::Validation).into_iter();
        let validation = validation.map(|g| rows(g, statistics, reads, taught)).collect();
        Self { training, validation, weights, device }
    }
}

impl<B: AutodiffBackend> Course<B> for RegressionCourse<'_, B> {
    type Model = Regression<B>;
    type Batch = Vec<usize>;

    fn batches(&self, size: usize, random: &mut Random) -> Vec<Vec<usize>> {
        let mut order: Vec<_> = (0..self.training.len()).collect();
        random.shuffle(&mut order);
        order.chunks(size.max(1)).map(<[usize]>::to_vec).collect()
    }

    fn lesson(
        &self,
        model: &Regression<B>,
        batch: &Vec<usize>,
        _random: &mut Random,
    ) -> Option<Lesson> {
        let lesson = |file: &usize| {
            let (row, output) = &self.training[*file];
            (row, *output, self.weights[*output])
        };
        let lessons: Vec<_> = batch.iter().map(lesson).collect();
        let (loss, slope) = model.lines().loss(&lessons);
        let weight = lessons.iter().map(|(_, _, weight)| weight).sum();
        Some(Lesson { loss, weight, gradients: model.gradients(&slope, self.device) })
    }

    fn examine(&self, model: &Regression<B>) -> Logits {
        let lines = model.lines();
        let of_graph = |rows: &Vec<Row>| rows.iter().map(|row| lines.logits(row)).collect();
        self.validation.iter().map(of_graph).collect()
    }
}
