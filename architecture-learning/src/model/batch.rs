//! Codebases as tensors: dense, several side by side with a block-diagonal adjacency.

use std::collections::BTreeSet;

use burn::tensor::{Tensor, TensorData, backend::Backend};

use super::Reads;
use super::network::width;
use super::statistics::Statistics;
use crate::graph::{Graph, Node};
use crate::random::Random;
use crate::role::{OUTPUTS, ROLES, Role};

/// Edges per batch that the direction head is asked about.
const PAIRS_MAX: usize = 256;

/// Some codebases, `n` files in all.
#[derive(Clone, Debug)]
pub(super) struct Batch<B: Backend> {
    /// Features of each file, `[n, features]`.
    pub own: Tensor<B, 2>,
    /// What neighbours see of each file, `[n, features]`.
    pub seen: Tensor<B, 2>,
    /// The row-normalised adjacency, `[n, n]`.
    pub neighbours: Tensor<B, 2>,
    /// The same of the other files in a file's directory, where these are read.
    pub siblings: Option<Tensor<B, 2>>,
    /// Weight of each role's log-likelihood, `[n, outputs]`: all zeros for a file without label.
    pub targets: Tensor<B, 2>,
    /// Sum of the weights.
    pub weight: f32,
    /// Edges to tell the direction of.
    pub pairs: Option<Pairs<B>>,
}

/// `p` pairs of files joined by an edge, in random order.
#[derive(Clone, Debug)]
pub(super) struct Pairs<B: Backend> {
    /// One row per pair with a one at the first file, `[p, n]`. A matmul, as scatter kernels are slow on GPUs.
    pub first: Tensor<B, 2>,
    /// The same for the second file.
    pub second: Tensor<B, 2>,
    /// `[1, 0]` where the first depends on the second, else `[0, 1]`; `[p, 2]`.
    pub targets: Tensor<B, 2>,
}

/// How graphs become batches.
#[derive(Clone, Copy)]
pub(super) struct Layout<'s> {
    pub statistics: &'s Statistics,
    pub reads: Reads,
    /// Weight of each output in the loss.
    pub weights: &'s [f32; OUTPUTS],
}

impl<B: Backend> Batch<B> {
    pub(super) fn new(
        graphs: &[&Graph],
        layout: Layout<'_>,
        random: &mut Random,
        device: &B::Device,
    ) -> Self {
        let n: usize = graphs.iter().map(|g| g.nodes.len()).sum();
        let matrix = |values: Vec<f32>, width: usize| {
            let rows = values.len() / width.max(1);
            Tensor::<B, 2>::from_data(TensorData::new(values, [rows, width]), device)
        };
        let width = width(layout.reads);
        let targets = targets(graphs, layout.weights);
        let weight = targets.iter().sum();
        let pairs = pairs(graphs, random);
        let pairs = (!pairs.is_empty()).then(|| {
            let one_hot = |files: Vec<usize>| matrix(one_hot(&files, n), n);
            Pairs {
                first: one_hot(pairs.iter().map(|p| p.0).collect()),
                second: one_hot(pairs.iter().map(|p| p.1).collect()),
                targets: matrix(one_hot_of(pairs.iter().map(|p| usize::from(!p.2)), 2), 2),
            }
        });
        Self {
            own: matrix(features(graphs, layout, true), width),
            seen: matrix(features(graphs, layout, false), width),
            neighbours: matrix(means(graphs, n, Graph::neighbours), n),
            siblings: layout.reads.directory.then(|| matrix(means(graphs, n, siblings), n)),
            targets: matrix(targets, OUTPUTS),
            weight,
            pairs,
        }
    }
}

fn features(graphs: &[&Graph], layout: Layout<'_>, own: bool) -> Vec<f32> {
    let Layout { statistics, reads, .. } = layout;
    let width = width(reads);
    let nodes: Vec<_> = graphs.iter().flat_map(|g| &g.nodes).collect();
    let mut values = vec![0.0; nodes.len() * width];
    for (node, row) in nodes.iter().zip(values.chunks_mut(width)) {
        let words = if own {
            statistics.words(node, reads.own)
        } else {
            statistics.shared(node, reads.around)
        };
        for (word, weight) in words {
            row[word as usize] = weight;
        }
        row[reads.own..].copy_from_slice(&statistics.structure(node));
    }
    values
}

/// One row per file that takes the mean over some others of its graph. Of neighbours both directions, as a head has to
/// tell the direction.
fn means(graphs: &[&Graph], n: usize, others: fn(&Graph) -> Vec<Vec<u32>>) -> Vec<f32> {
    let mut values = vec![0.0; n * n];
    let mut offset = 0;
    for graph in graphs {
        for (place, others) in others(graph).into_iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a count of files")]
            let share = 1.0 / others.len() as f32;
            for other in others {
                values[(offset + place) * n + offset + other as usize] = share;
            }
        }
        offset += graph.nodes.len();
    }
    values
}

/// The other files in the directory of each.
fn siblings(graph: &Graph) -> Vec<Vec<u32>> {
    let directories = graph.directories();
    let others = |(place, node): (u32, &Node)| {
        directories[&node.directory].iter().copied().filter(|other| *other != place).collect()
    };
    (0_u32..).zip(&graph.nodes).map(others).collect()
}

fn targets(graphs: &[&Graph], weights: &[f32; OUTPUTS]) -> Vec<f32> {
    let rows = graphs.iter().flat_map(|g| &g.nodes).flat_map(|node| {
        let mut row = [0.0; OUTPUTS];
        if let Some(output) = output(node) {
            row[output] = weights[output];
        }
        row
    });
    rows.collect()
}

/// The output that should be the largest.
pub(super) fn output(node: &Node) -> Option<usize> {
    node.role.map(Role::index).or(node.roleless.then_some(ROLES))
}

/// First file, second file, and whether the first depends on the second. Edges both ways have no direction.
fn pairs(graphs: &[&Graph], random: &mut Random) -> Vec<(usize, usize, bool)> {
    let mut all = Vec::new();
    let mut offset = 0;
    for graph in graphs {
        let edges: BTreeSet<_> = graph.edges.iter().copied().collect();
        let one_way = graph.edges.iter().filter(|(from, to)| !edges.contains(&(*to, *from)));
        all.extend(one_way.map(|(from, to)| (offset + *from as usize, offset + *to as usize)));
        offset += graph.nodes.len();
    }
    random.shuffle(&mut all);
    all.truncate(PAIRS_MAX);
    let turn = |(from, to)| if random.below(2) == 0 { (from, to, true) } else { (to, from, false) };
    all.into_iter().map(turn).collect()
}

fn one_hot(files: &[usize], width: usize) -> Vec<f32> {
    one_hot_of(files.iter().copied(), width)
}

fn one_hot_of(places: impl Iterator<Item = usize>, width: usize) -> Vec<f32> {
    let row = |place| (0..width).map(move |i| if i == place { 1.0 } else { 0.0 });
    places.flat_map(row).collect()
}

/// Weight of each output: rarer ones count more, by the root of how much rarer.
#[expect(clippy::cast_precision_loss, reason = "counts of files")]
pub(super) fn output_weights(graphs: &[&Graph]) -> [f32; OUTPUTS] {
    let mut files = [0_usize; OUTPUTS];
    let outputs = graphs.iter().flat_map(|g| &g.nodes).filter_map(output);
    outputs.for_each(|output| files[output] += 1);
    let mean = files.iter().sum::<usize>() as f32 / OUTPUTS as f32;
    files.map(|n| (mean / n.max(1) as f32).sqrt().clamp(0.3, 3.0))
}

/// Puts graphs side by side until a batch has about `size` files.
pub(super) fn pack<'g>(graphs: &[&'g Graph], size: usize) -> Vec<Vec<&'g Graph>> {
    let mut packs: Vec<Vec<&Graph>> = Vec::new();
    let mut open = 0;
    for graph in graphs {
        match packs.last_mut() {
            Some(last) if open + graph.nodes.len() <= size => last.push(graph),
            _ => {
                open = 0;
                packs.push(vec![graph]);
            }
        }
        open += graph.nodes.len();
    }
    packs
}
