//! The graph network as it is asked: the same function as [`Network::score`] without burn, on sparse words, file by file,
//! so that codebases of any size go through as they are.

use std::collections::BTreeMap;

use burn::nn::Linear;
use burn::tensor::backend::Backend;

use super::Reads;
use super::network::Network;
use super::rows::Row;
use super::statistics::Statistics;
use crate::graph::{Graph, Node};
use crate::role::OUTPUTS;

/// The weights of a network.
pub(super) struct Layers {
    own1: Layer,
    near1: Layer,
    directory1: Option<Layer>,
    own2: Layer,
    near2: Layer,
    roles: Layer,
}

/// What the first layer makes of a file: from its own words, and from what others see of it.
struct First {
    own: Vec<f32>,
    seen: Vec<f32>,
    near: Vec<f32>,
    directory: Vec<f32>,
}

impl Layers {
    pub(super) fn of<B: Backend>(network: &Network<B>) -> Self {
        Self {
            own1: Layer::of(&network.own1),
            near1: Layer::of(&network.near1),
            directory1: network.directory1.as_ref().map(Layer::of),
            own2: Layer::of(&network.own2),
            near2: Layer::of(&network.near2),
            roles: Layer::of(&network.roles),
        }
    }

    /// Logits of every node.
    pub(super) fn logits(
        &self,
        graph: &Graph,
        statistics: &Statistics,
        reads: Reads,
    ) -> Vec<[f32; OUTPUTS]> {
        let first = |node: &Node| self.first(node, statistics, reads);
        let files: Vec<_> = graph.nodes.iter().map(first).collect();
        let neighbours = graph.neighbours();
        let directories = self.directories(graph, &files);
        let around = |place: usize| {
            let near = neighbours[place].iter().map(|other| &files[*other as usize].near);
            let mut around = mean(self.near1.width, near);
            if let Some((total, others)) = directories.get(&graph.nodes[place].directory) {
                let rest = total.iter().zip(&files[place].directory).map(|(all, own)| all - own);
                around.iter_mut().zip(rest).for_each(|(into, rest)| *into += rest / others);
            }
            around
        };
        let around: Vec<_> = (0..files.len()).map(around).collect();
        let joined =
            |values: &[f32], around: &[f32]| relu(values.iter().zip(around).map(|(a, b)| a + b));
        let pairs = || files.iter().zip(&around);
        let firsts: Vec<_> = pairs().map(|(file, around)| joined(&file.own, around)).collect();
        let messages: Vec<_> =
            pairs().map(|(file, around)| self.near2.of_all(&joined(&file.seen, around))).collect();
        let logits = |(place, first): (usize, &Vec<f32>)| {
            let near = neighbours[place].iter().map(|other| &messages[*other as usize]);
            let second = joined(&self.own2.of_all(first), &mean(self.near2.width, near));
            let logits = self.roles.of_all(&[first.as_slice(), &second].concat());
            std::array::from_fn(|output| logits[output])
        };
        firsts.iter().enumerate().map(logits).collect()
    }

    fn first(&self, node: &Node, statistics: &Statistics, reads: Reads) -> First {
        let structure = (0_u32..).zip(statistics.structure(node));
        let first = u32::try_from(reads.own).unwrap_or(u32::MAX);
        let structure: Row = structure.map(|(place, value)| (first + place, value)).collect();
        let with_structure = |words: Row| [words, structure.clone()].concat();
        let own = with_structure(statistics.words(node, reads.own));
        let seen = with_structure(statistics.shared(node, reads.around));
        First {
            own: self.own1.of_row(&own),
            near: self.near1.of_row(&seen),
            directory: self.directory1.as_ref().map_or_else(Vec::new, |l| l.of_row(&seen)),
            seen: self.own1.of_row(&seen),
        }
    }

    /// Of each directory of several files their sum and, as a number to divide by, how many others each has.
    fn directories(&self, graph: &Graph, files: &[First]) -> BTreeMap<u32, (Vec<f32>, f32)> {
        let Some(layer) = &self.directory1 else { return BTreeMap::new() };
        let shared = graph.directories().into_iter().filter(|(_, places)| places.len() > 1);
        let total = |(name, places): (u32, Vec<u32>)| {
            let mut total = vec![0.0; layer.width];
            for place in &places {
                add(&mut total, &files[*place as usize].directory, 1.0);
            }
            #[expect(clippy::cast_precision_loss, reason = "a count of files")]
            let others = (places.len() - 1) as f32;
            (name, (total, others))
        };
        shared.map(total).collect()
    }
}

/// A linear layer.
struct Layer {
    /// Values that it gives.
    width: usize,
    /// A row of them for each value that it takes.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Layer {
    fn of<B: Backend>(layer: &Linear<B>) -> Self {
        let [_, width] = layer.weight.dims();
        let weights = layer.weight.val().into_data().to_vec::<f32>().unwrap_or_default();
        let bias = layer.bias.as_ref().and_then(|bias| bias.val().into_data().to_vec().ok());
        Self { width, weights, bias: bias.unwrap_or_else(|| vec![0.0; width]) }
    }

    fn of_row(&self, row: &Row) -> Vec<f32> {
        let mut values = self.bias.clone();
        for (place, value) in row {
            let first = *place as usize * self.width;
            add(&mut values, &self.weights[first..first + self.width], *value);
        }
        values
    }

    fn of_all(&self, given: &[f32]) -> Vec<f32> {
        let mut values = self.bias.clone();
        for (weights, value) in self.weights.chunks_exact(self.width).zip(given) {
            if *value != 0.0 {
                add(&mut values, weights, *value);
            }
        }
        values
    }
}

fn mean<'v>(width: usize, rows: impl ExactSizeIterator<Item = &'v Vec<f32>>) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    #[expect(clippy::cast_precision_loss, reason = "a count of files")]
    let share = 1.0 / rows.len().max(1) as f32;
    rows.for_each(|row| add(&mut sum, row, share));
    sum
}

fn add(into: &mut [f32], values: &[f32], times: f32) {
    for (into, value) in into.iter_mut().zip(values) {
        *into += value * times;
    }
}

fn relu(values: impl Iterator<Item = f32>) -> Vec<f32> {
    values.map(|value| value.max(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use burn_ndarray::NdArrayDevice;

    use super::*;
    use crate::graph::FeatureSettings;
    use crate::model::backend::Cpu;
    use crate::model::predict;

    #[test]
    fn it_answers_as_the_network_that_is_fitted() {
        let mut graph = Graph::tiny();
        for i in 2..7 {
            let mut node = graph.nodes[i % 2].clone();
            node.own = vec![(u32::try_from(i).unwrap_or(0), 2)];
            node.directory = u32::from(i > 3);
            graph.nodes.push(node);
        }
        graph.edges = vec![(0, 1), (1, 2), (2, 0), (3, 0), (5, 6), (6, 5)];
        let listed = FeatureSettings::of((0..9).map(|i| i.to_string()).collect());
        let hashed = FeatureSettings { format: 2, buckets: Some(9), words: Vec::new() };
        let device = NdArrayDevice::Cpu;
        for settings in [listed, hashed] {
            let statistics = Statistics::of(std::slice::from_ref(&graph), &settings);
            let reads = Reads::of_network(&settings);
            let network = Network::<Cpu>::new(reads, 12, 0.0, &device);
            let fitted = predict::of_network(&network, &[&graph], &statistics, reads, &device);
            let asked = Layers::of(&network).logits(&graph, &statistics, reads);
            let pairs = fitted[0].iter().flatten().zip(asked.iter().flatten());
            let difference = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < 1e-5, "{difference}");
        }
    }
}
