//! Asking a model about graphs.

use burn::tensor::backend::Backend;

use super::Reads;
use super::batch::{Batch, Layout, pack};
use super::network::Network;
use super::statistics::Statistics;
use crate::graph::Graph;
use crate::metrics::{self, Prediction};
use crate::random::Random;
use crate::role::OUTPUTS;

/// Files per question, about.
const BATCH: usize = 1024;

/// Logits of every node of every graph.
pub(super) type Logits = Vec<Vec<[f32; OUTPUTS]>>;

/// Logits by a network on some device.
pub(super) fn of_network<B: Backend>(
    model: &Network<B>,
    graphs: &[&Graph],
    statistics: &Statistics,
    reads: Reads,
    device: &B::Device,
) -> Logits {
    let layout = Layout { statistics, reads, weights: &[1.0; OUTPUTS] };
    let mut answers = Vec::new();
    for pack in pack(graphs, BATCH) {
        let batch = Batch::<B>::new(&pack, layout, &mut Random::new(0), device);
        let values = model.score(&batch).roles.into_data().to_vec::<f32>().unwrap_or_default();
        answers.extend(values.chunks_exact(OUTPUTS).map(|row| std::array::from_fn(|i| row[i])));
    }
    let mut answers = answers.into_iter();
    graphs.iter().map(|graph| answers.by_ref().take(graph.nodes.len()).collect()).collect()
}

/// Logits of the labelled nodes as predictions at a temperature.
pub(super) fn predictions(graphs: &[&Graph], logits: &Logits, temperature: f32) -> Vec<Prediction> {
    let of_graph = |(graph, logits): (&&Graph, &Vec<[f32; OUTPUTS]>)| {
        let labelled = graph.nodes.iter().zip(logits).filter_map(|(node, logits)| {
            Some(Prediction {
                owner: graph.owner.clone(),
                application: graph.application,
                truth: node.role?,
                probabilities: metrics::probabilities(logits, temperature),
            })
        });
        labelled.collect::<Vec<_>>()
    };
    graphs.iter().zip(logits).flat_map(of_graph).collect()
}
