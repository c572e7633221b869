//! What is measured on training owners and then stays: which words most of them use, how rare words are, and how
//! structure is scaled.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codebase::Split;
use crate::discovery::STRUCTURE;
use crate::graph::{FeatureSettings, Graph, Node};

/// Statistics of the training part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Statistics {
    /// Weight of each word: the logarithm of how rare it is.
    idf: Vec<f32>,
    /// Mean and standard deviation of each structural feature.
    structure: Vec<(f32, f32)>,
}

/// The `most` words that most training owners use, by their numbers in `graphs`; `words` are what these mean.
pub(crate) fn commonest(graphs: &[Graph], words: &[String], most: usize) -> Vec<String> {
    let mut by_owner: BTreeMap<&str, Vec<&Graph>> = BTreeMap::new();
    for graph in graphs.iter().filter(|g| g.split == Split::Train) {
        by_owner.entry(&graph.owner).or_default().push(graph);
    }
    let mut owners = vec![0_u32; words.len()];
    for graphs in by_owner.values() {
        let nodes = graphs.iter().flat_map(|g| &g.nodes);
        let mut used: Vec<_> =
            nodes.flat_map(|n| n.shared.iter().chain(&n.own)).map(|(word, _)| *word).collect();
        used.sort_unstable();
        used.dedup();
        used.into_iter().for_each(|word| owners[word as usize] += 1);
    }
    let used = words.iter().zip(owners).filter(|(_, owners)| *owners > 0);
    let mut ranked: Vec<_> = used.map(|(word, owners)| (Reverse(owners), word)).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(most).map(|(_, word)| word.clone()).collect()
}

impl Statistics {
    /// Measures the training graphs among `graphs`.
    #[expect(clippy::cast_precision_loss, reason = "counts of files")]
    pub(crate) fn of(graphs: &[Graph], settings: &FeatureSettings) -> Self {
        let training = graphs.iter().filter(|g| g.split == Split::Train);
        let nodes: Vec<_> = training.flat_map(|g| &g.nodes).collect();
        let mut documents = vec![0_u32; settings.size()];
        for node in &nodes {
            for (word, _) in node.shared.iter().chain(&node.own) {
                documents[*word as usize] += 1;
            }
        }
        let n = nodes.len().max(1) as f32;
        let idf = documents.iter().map(|d| ((n + 1.0) / (*d as f32 + 1.0)).ln() + 1.0).collect();
        let values: Vec<_> = nodes.iter().map(|node| rates(node)).collect();
        let scale = (0..STRUCTURE).map(|i| {
            let mean = values.iter().map(|v| v[i]).sum::<f32>() / n;
            let variance = values.iter().map(|v| (v[i] - mean).powi(2)).sum::<f32>() / n;
            (mean, variance.sqrt().max(1e-3))
        });
        Self { idf, structure: scale.collect() }
    }

    /// Whether the statistics fit the settings; a damaged file may hold anything.
    pub(crate) fn fits(&self, settings: &FeatureSettings) -> bool {
        self.idf.len() == settings.size() && self.structure.len() == STRUCTURE
    }

    /// The weights of a node's words, of those before `end`, of unit length and in order.
    pub(crate) fn words(&self, node: &Node, end: usize) -> Vec<(u32, f32)> {
        let (mut words, length) = self.weigh(node.shared.iter().chain(&node.own), end);
        words.sort_by_key(|(word, _)| *word);
        // only hashed words meet here, and models that hash were fitted to what became of them
        words.dedup_by(|own, shared| {
            let same = own.0 == shared.0;
            if same {
                shared.1 = own.1 / length;
            }
            same
        });
        words
    }

    /// [`Statistics::words`] of what neighbours may see.
    pub(crate) fn shared(&self, node: &Node, end: usize) -> Vec<(u32, f32)> {
        self.weigh(node.shared.iter(), end).0
    }

    /// Unit length, as long files must not shout; and the length before.
    #[expect(clippy::cast_precision_loss, reason = "counts of words")]
    fn weigh<'n>(
        &self,
        counts: impl Iterator<Item = &'n (u32, u32)>,
        end: usize,
    ) -> (Vec<(u32, f32)>, f32) {
        let counts = counts.filter(|(word, _)| (*word as usize) < end);
        let weight = |(word, count): &(u32, u32)| {
            (*word, (1.0 + (*count as f32).ln()) * self.idf[*word as usize])
        };
        let mut words: Vec<_> = counts.map(weight).collect();
        let length = to_unit_length(&mut words);
        (words, length)
    }

    /// The structure of a node, scaled.
    pub(crate) fn structure(&self, node: &Node) -> Vec<f32> {
        let scaled = rates(node).into_iter().zip(&self.structure);
        let scale = |(value, (mean, deviation)): (f32, &(f32, f32))| {
            ((value - mean) / deviation).clamp(-3.0, 3.0) * STRUCTURE_WEIGHT
        };
        scaled.map(scale).collect()
    }
}

/// Scales words to unit length, and tells the one that they had.
pub(super) fn to_unit_length(words: &mut [(u32, f32)]) -> f32 {
    let length = words.iter().map(|(_, w)| w * w).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    for (_, weight) in words {
        *weight /= length;
    }
    length
}

/// Structure stands beside words of unit length; unscaled it would drown them.
const STRUCTURE_WEIGHT: f32 = 0.1;

/// Constructs per hundred lines, on a logarithmic scale, and the lines.
#[expect(clippy::cast_precision_loss, reason = "counts of constructs")]
fn rates(node: &Node) -> Vec<f32> {
    let lines = node.structure.last().copied().unwrap_or(0).max(1) as f32;
    let (counts, _) = node.structure.split_at(node.structure.len().saturating_sub(1));
    let rates = counts.iter().map(|count| (1.0 + *count as f32 * 100.0 / lines).ln());
    rates.chain([lines.ln()]).collect()
}
