//! What a model answers, without tensors: a file has a few hundred of all words, so the rows of these are gathered instead
//! of multiplying everything with zeros. Sums are always in the same order, and each file is worked out on its own: an
//! answer depends neither on files that the model does not look at from there nor on the number of cores. `network` says
//! the same in tensors, with which models are fitted; a test holds the two together.

use burn::nn::Linear;
use burn::tensor::{Tensor, TensorData};

use super::backend::Cpu;
use super::network::{Network, Regression};
use super::statistics::Statistics;
use crate::graph::Graph;
use crate::parallel;
use crate::role::OUTPUTS;

/// Weights of a model.
pub(super) enum Weights {
    Regression(Layer),
    Network(Box<Layers>),
}

/// A linear layer.
pub(super) struct Layer {
    /// A row of outputs for each input.
    rows: Vec<f32>,
    outputs: usize,
    bias: Vec<f32>,
}

/// The layers of the network by the names that they have there.
pub(super) struct Layers {
    own1: Layer,
    near1: Layer,
    own2: Layer,
    near2: Layer,
    roles: Layer,
}

impl Weights {
    pub(super) fn of_regression(model: &Regression<Cpu>) -> Self {
        Self::Regression(Layer::of(&model.roles))
    }

    pub(super) fn of_network(model: &Network<Cpu>) -> Self {
        Self::Network(Box::new(Layers {
            own1: Layer::of(&model.own1),
            near1: Layer::of(&model.near1),
            own2: Layer::of(&model.own2),
            near2: Layer::of(&model.near2),
            roles: Layer::of(&model.roles),
        }))
    }

    /// Logits of every node.
    pub(super) fn logits(&self, statistics: &Statistics, graph: &Graph) -> Vec<[f32; OUTPUTS]> {
        match self {
            Self::Regression(roles) => parallel::map(graph.nodes.len(), |node| {
                outputs(&roles.gather(&statistics.row(&graph.nodes[node], true)))
            }),
            Self::Network(layers) => layers.logits(statistics, graph),
        }
    }
}

impl Layer {
    fn of(linear: &Linear<Cpu>) -> Self {
        let values = |data: TensorData| data.to_vec::<f32>().unwrap_or_default();
        let weight: Tensor<Cpu, 2> = linear.weight.val();
        let [_, outputs] = weight.dims();
        let bias = linear.bias.as_ref().map(|bias| values(bias.val().into_data()));
        let bias = bias.unwrap_or_else(|| vec![0.0; outputs]);
        Self { rows: values(weight.into_data()), outputs, bias }
    }

    /// The outputs for the inputs that are not zero.
    fn gather(&self, inputs: &[(u32, f32)]) -> Vec<f32> {
        let mut sum = vec![0.0; self.outputs];
        for (input, value) in inputs {
            let row = &self.rows[*input as usize * self.outputs..][..self.outputs];
            add(&mut sum, *value, row);
        }
        add(&mut sum, 1.0, &self.bias);
        sum
    }

    /// The outputs for all inputs.
    fn apply(&self, inputs: impl IntoIterator<Item = f32>) -> Vec<f32> {
        let mut sum = vec![0.0; self.outputs];
        for (value, row) in inputs.into_iter().zip(self.rows.chunks_exact(self.outputs)) {
            add(&mut sum, value, row);
        }
        add(&mut sum, 1.0, &self.bias);
        sum
    }
}

/// What others see of a file.
struct Seen {
    own1: Vec<f32>,
    near1: Vec<f32>,
}

impl Layers {
    fn logits(&self, statistics: &Statistics, graph: &Graph) -> Vec<[f32; OUTPUTS]> {
        let (nodes, near) = (graph.nodes.len(), graph.near());
        let seen = parallel::map(nodes, |node| {
            let row = statistics.row(&graph.nodes[node], false);
            Seen { own1: self.own1.gather(&row), near1: self.near1.gather(&row) }
        });
        let near1 = parallel::map(nodes, |node| {
            let rows = near[node].iter().map(|n| seen[*n as usize].near1.as_slice());
            mean(self.near1.outputs, rows)
        });
        let messages = parallel::map(nodes, |node| {
            let sums = seen[node].own1.iter().zip(&near1[node]);
            self.near2.apply(sums.map(|(own, near)| (own + near).max(0.0)))
        });
        parallel::map(nodes, |node| {
            let own = self.own1.gather(&statistics.row(&graph.nodes[node], true));
            let first = rectified(own, &near1[node]);
            let near2 = near[node].iter().map(|n| messages[*n as usize].as_slice());
            let second = self.own2.apply(first.iter().copied());
            let second = rectified(second, &mean(self.near2.outputs, near2));
            outputs(&self.roles.apply(first.into_iter().chain(second)))
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of neighbours")]
fn mean<'r>(width: usize, rows: impl ExactSizeIterator<Item = &'r [f32]>) -> Vec<f32> {
    let mut sum = vec![0.0; width];
    let share = 1.0 / rows.len().max(1) as f32;
    rows.for_each(|row| add(&mut sum, share, row));
    sum
}

fn rectified(mut own: Vec<f32>, near: &[f32]) -> Vec<f32> {
    own.iter_mut().zip(near).for_each(|(own, near)| *own = (*own + near).max(0.0));
    own
}

fn add(sum: &mut [f32], value: f32, row: &[f32]) {
    sum.iter_mut().zip(row).for_each(|(sum, weight)| *sum += value * weight);
}

fn outputs(row: &[f32]) -> [f32; OUTPUTS] {
    std::array::from_fn(|i| row[i])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use burn_ndarray::NdArrayDevice;

    use super::*;
    use crate::discovery::STRUCTURE;
    use crate::graph::{FeatureSettings, Node};
    use crate::model::predict;
    use crate::random::Random;

    fn made_up(files: u32, edges: u32, buckets: u32, random: &mut Random) -> Graph {
        let mut below = |n: u32| u32::try_from(random.below(n as usize)).unwrap_or(0);
        let mut words = |n: u32| -> Vec<(u32, u32)> {
            let words: BTreeSet<_> = (0..n).map(|_| below(buckets)).collect();
            words.into_iter().map(|word| (word, 1 + below(5))).collect()
        };
        let node = |_| {
            let structure = (0..STRUCTURE).map(|i| 3 + u32::try_from(i).unwrap_or(0) % 7);
            Node {
                shared: words(40),
                own: words(9),
                structure: structure.collect(),
                ..Graph::tiny().nodes[0].clone()
            }
        };
        let nodes = (0..files).map(node).collect();
        // the last file stands alone
        let edges = (0..edges).map(|_| (below(files - 1), below(files - 1)));
        let edges: BTreeSet<_> = edges.collect();
        Graph { nodes, edges: edges.into_iter().collect(), ..Graph::tiny() }
    }

    fn largest_difference(a: &[[f32; OUTPUTS]], b: &[[f32; OUTPUTS]]) -> f32 {
        assert_eq!(a.len(), b.len());
        let pairs = a.iter().flatten().zip(b.iter().flatten());
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn it_says_what_the_tensors_say_and_the_same_of_a_file_without_those_out_of_reach() {
        let settings = FeatureSettings { buckets: 300, ..FeatureSettings::default() };
        let mut random = Random::new(5);
        let graph = made_up(150, 120, 300, &mut random);
        let statistics = Statistics::of(&[], &settings);
        let device = NdArrayDevice::Cpu;
        let network = Network::new(statistics.width(), 24, 0.0, &device);
        let regression = Regression::new(statistics.width(), &device);
        let graphs = std::slice::from_ref(&graph);
        let tensors = [
            predict::logits(&network, graphs, &statistics, &device),
            predict::logits(&regression, graphs, &statistics, &device),
        ];
        let plain = [Weights::of_network(&network), Weights::of_regression(&regression)];
        for ((weights, tensors), reach) in plain.iter().zip(tensors).zip([2, 0]) {
            let whole = weights.logits(&statistics, &graph);
            let difference = largest_difference(&whole, &tensors[0]);
            assert!(difference < 1e-4, "{difference}");
            for asked in [vec![149], vec![3, 7], (0..150).step_by(40).collect()] {
                let beside = graph.within(asked.iter().copied().collect(), reach);
                assert!(beside.len() < 150, "something is left out");
                let some = weights.logits(&statistics, &graph.part(&beside));
                let mut logits = beside.iter().zip(some).filter(|(n, _)| asked.contains(n));
                let bits = |row: &[f32]| row.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert!(logits.all(|(n, of)| bits(&of) == bits(&whole[*n as usize])), "bit by bit");
            }
        }
    }
}
