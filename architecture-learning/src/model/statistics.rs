//! What is measured on training owners and then stays: how rare words are, and how structure is scaled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codebase::Split;
use crate::discovery::STRUCTURE;
use crate::graph::{FeatureSettings, Graph, Node};

/// Statistics of the training part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Statistics {
    /// Weight of each bucket: the logarithm of how rare it is.
    idf: Vec<f32>,
    /// Mean and standard deviation of each structural feature.
    structure: Vec<(f32, f32)>,
}

impl Statistics {
    /// Measures the training graphs among `graphs`.
    #[expect(clippy::cast_precision_loss, reason = "counts of files")]
    pub(crate) fn of(graphs: &[Graph], settings: &FeatureSettings) -> Self {
        let training = graphs.iter().filter(|g| g.split == Split::Train);
        let nodes: Vec<_> = training.flat_map(|g| &g.nodes).collect();
        let mut documents = vec![0_u32; settings.buckets as usize];
        for node in &nodes {
            for (bucket, _) in node.shared.iter().chain(&node.own) {
                documents[*bucket as usize] += 1;
            }
        }
        let n = nodes.len().max(1) as f32;
        let idf = documents.iter().map(|d| ((n + 1.0) / (*d as f32 + 1.0)).ln() + 1.0).collect();
        let values: Vec<_> = nodes.iter().map(|node| structure(node)).collect();
        let scale = (0..STRUCTURE).map(|i| {
            let mean = values.iter().map(|v| v[i]).sum::<f32>() / n;
            let variance = values.iter().map(|v| (v[i] - mean).powi(2)).sum::<f32>() / n;
            (mean, variance.sqrt().max(1e-3))
        });
        Self { idf, structure: scale.collect() }
    }

    /// Number of features of a file: buckets, then structure.
    pub(crate) fn width(&self) -> usize {
        self.idf.len() + self.structure.len()
    }

    /// Whether the statistics fit the settings; a damaged file may hold anything.
    pub(crate) fn fits(&self, settings: &FeatureSettings) -> bool {
        self.idf.len() == settings.buckets as usize && self.structure.len() == STRUCTURE
    }

    /// The weights of a node's words, of unit length.
    #[expect(clippy::cast_precision_loss, reason = "counts of words")]
    pub(crate) fn words(&self, node: &Node) -> Vec<(u32, f32)> {
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for (bucket, count) in node.shared.iter().chain(&node.own) {
            *counts.entry(*bucket).or_default() += count;
        }
        let weight = |(bucket, count): (u32, u32)| {
            (bucket, (1.0 + (count as f32).ln()) * self.idf[bucket as usize])
        };
        let mut words: Vec<_> = counts.into_iter().map(weight).collect();
        let length = words.iter().map(|(_, w)| w * w).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        for (_, weight) in &mut words {
            *weight /= length;
        }
        words
    }

    /// Writes the features of `node` into `row`, which is all zeros; words of its own only where `own`.
    pub(crate) fn fill(&self, node: &Node, own: bool, row: &mut [f32]) {
        for (feature, value) in self.row(node, own) {
            row[feature as usize] = value;
        }
    }

    /// The features of `node` that are not zero, in order; words of its own only where `own`.
    #[expect(clippy::cast_precision_loss, reason = "counts of words")]
    pub(crate) fn row(&self, node: &Node, own: bool) -> Vec<(u32, f32)> {
        let value = |(bucket, count): &(u32, u32)| {
            (*bucket, (1.0 + (*count as f32).ln()) * self.idf[*bucket as usize])
        };
        let private = if own { node.own.as_slice() } else { &[] };
        let mut words: Vec<_> = node.shared.iter().chain(private).map(value).collect();
        let length: f32 = words.iter().map(|(_, value)| value * value).sum();
        // unit length, as far as words go: long files must not shout
        let scale = if length > 0.0 { length.sqrt().recip() } else { 0.0 };
        for (_, value) in &mut words {
            *value *= scale;
        }
        words.sort_by_key(|(bucket, _)| *bucket);
        // of words that share a bucket the last counts, scaled once for each: so models were fitted
        words.dedup_by(|next, kept| {
            let shared = next.0 == kept.0;
            if shared {
                kept.1 = next.1 * scale;
            }
            shared
        });
        let scaled = structure(node).into_iter().zip(&self.structure);
        let scaled = scaled.map(|(value, (mean, deviation))| {
            ((value - mean) / deviation).clamp(-3.0, 3.0) * STRUCTURE_WEIGHT
        });
        words.extend((u32::try_from(self.idf.len()).unwrap_or(u32::MAX)..).zip(scaled));
        words
    }
}

/// Structure stands beside words of unit length; unscaled it would drown them.
const STRUCTURE_WEIGHT: f32 = 0.1;

/// Constructs per hundred lines, on a logarithmic scale, and the lines.
#[expect(clippy::cast_precision_loss, reason = "counts of constructs")]
fn structure(node: &Node) -> Vec<f32> {
    let lines = node.structure.last().copied().unwrap_or(0).max(1) as f32;
    let (counts, _) = node.structure.split_at(node.structure.len().saturating_sub(1));
    let rates = counts.iter().map(|count| (1.0 + *count as f32 * 100.0 / lines).ln());
    rates.chain([lines.ln()]).collect()
}
