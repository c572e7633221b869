//! Codebases as tensors: dense, several side by side with a block-diagonal adjacency.

use std::collections::BTreeSet;

use burn::tensor::{Tensor, TensorData, backend::Backend};

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
    /// What neighbours see of each file, `[n, features]`, and the row-normalised adjacency, `[n, n]`.
    pub near: Option<(Tensor<B, 2>, Tensor<B, 2>)>,
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
    pub neighbours: bool,
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
        let width = layout.statistics.width();
        let near = layout.neighbours.then(|| {
            (matrix(features(graphs, layout, false), width), matrix(adjacency(graphs, n), n))
        });
        let targets = targets(graphs, layout.weights);
        let weight = targets.iter().sum();
        let pairs = if layout.neighbours { pairs(graphs, random) } else { Vec::new() };
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
            near,
            targets: matrix(targets, OUTPUTS),
            weight,
            pairs,
        }
    }
}

fn features(graphs: &[&Graph], layout: Layout<'_>, own: bool) -> Vec<f32> {
    let width = layout.statistics.width();
    let nodes: Vec<_> = graphs.iter().flat_map(|g| &g.nodes).collect();
    let mut values = vec![0.0; nodes.len() * width];
    for (node, row) in nodes.iter().zip(values.chunks_mut(width)) {
        layout.statistics.fill(node, own, row);
    }
    values
}

/// Neighbours in both directions, each row summing to one; the direction must not show, as a head has to tell it.
fn adjacency(graphs: &[&Graph], n: usize) -> Vec<f32> {
    let mut values = vec![0.0; n * n];
    let mut offset = 0;
    for graph in graphs {
        for (from, to) in &graph.edges {
            let (from, to) = (offset + *from as usize, offset + *to as usize);
            values[from * n + to] = 1.0;
            values[to * n + from] = 1.0;
        }
        offset += graph.nodes.len();
    }
    for row in values.chunks_mut(n.max(1)) {
        let sum: f32 = row.iter().sum();
        if sum > 0.0 {
            for value in row {
                *value /= sum;
            }
        }
    }
    values
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
fn output(node: &Node) -> Option<usize> {
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
