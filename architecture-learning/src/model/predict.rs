//! Asking a model about graphs.

use std::collections::BTreeSet;

use burn::tensor::backend::Backend;

use super::batch::{Batch, Layout, pack};
use super::network::Scorer;
use super::statistics::Statistics;
use crate::graph::{BLOCK, Graph};
use crate::metrics::{self, Prediction};
use crate::random::Random;
use crate::role::OUTPUTS;

/// Files per question, about.
const BATCH: usize = 1024;

/// Logits of every node of every graph; graphs of more than [`BLOCK`] nodes in blocks with their neighbours.
pub(super) fn logits<B: Backend, M: Scorer<B>>(
    model: &M,
    graphs: &[Graph],
    statistics: &Statistics,
    device: &B::Device,
) -> Vec<Vec<[f32; OUTPUTS]>> {
    let blocks: Vec<_> = graphs.iter().enumerate().flat_map(|(i, g)| blocks(i, g)).collect();
    let refs: Vec<_> = blocks.iter().map(|b| &b.graph).collect();
    let mut answers = Vec::new();
    for pack in pack(&refs, BATCH) {
        answers.extend(of_batch(model, &pack, statistics, device));
    }
    let mut answers = answers.into_iter();
    let mut all: Vec<_> = graphs.iter().map(|g| vec![[0.0; OUTPUTS]; g.nodes.len()]).collect();
    for block in &blocks {
        for (node, answer) in block.nodes.iter().zip(answers.by_ref().take(block.nodes.len())) {
            if block.centre.is_none_or(|(first, last)| (first..last).contains(node)) {
                all[block.of][*node as usize] = answer;
            }
        }
    }
    all
}

fn of_batch<B: Backend, M: Scorer<B>>(
    model: &M,
    graphs: &[&Graph],
    statistics: &Statistics,
    device: &B::Device,
) -> Vec<[f32; OUTPUTS]> {
    let layout = Layout { statistics, neighbours: M::NEIGHBOURS, weights: &[1.0; OUTPUTS] };
    let batch = Batch::<B>::new(graphs, layout, &mut Random::new(0), device);
    let values = model.score(&batch).roles.into_data().to_vec::<f32>().unwrap_or_default();
    values.chunks_exact(OUTPUTS).map(|row| std::array::from_fn(|i| row[i])).collect()
}

/// Nodes of a graph that go through together.
struct Block {
    of: usize,
    graph: Graph,
    nodes: Vec<u32>,
    /// The nodes that are asked about; the others are their neighbours.
    centre: Option<(u32, u32)>,
}

fn blocks(of: usize, graph: &Graph) -> Vec<Block> {
    let n = u32::try_from(graph.nodes.len()).unwrap_or(u32::MAX);
    if graph.nodes.len() <= BLOCK {
        return vec![Block { of, graph: graph.clone(), nodes: (0..n).collect(), centre: None }];
    }
    let size = u32::try_from(BLOCK / 2).unwrap_or(1);
    let block = |first: u32| {
        let last = n.min(first + size);
        let keep = graph.with_neighbours(&(first..last).collect::<BTreeSet<_>>());
        Block {
            of,
            graph: graph.part(&keep),
            nodes: keep.into_iter().collect(),
            centre: Some((first, last)),
        }
    };
    (0..n).step_by(size as usize).map(block).collect()
}

/// Logits of the labelled nodes as predictions at a temperature.
pub(super) fn predictions(
    graphs: &[Graph],
    logits: &[Vec<[f32; OUTPUTS]>],
    temperature: f32,
) -> Vec<Prediction> {
    let of_graph = |(graph, logits): (&Graph, &Vec<[f32; OUTPUTS]>)| {
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
