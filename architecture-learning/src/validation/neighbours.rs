//! Nearest neighbours: the labels of the training files whose words are most alike. What a model has to beat.

use std::collections::HashMap;

use crate::graph::{Graph, Node};
use crate::model::Statistics;
use crate::role::{ROLES, Role};

/// Neighbours that vote, by how alike they are.
const NEIGHBOURS: usize = 10;

/// The labelled files of training owners by the words that they have.
pub(super) struct Neighbours<'s> {
    statistics: &'s Statistics,
    roles: Vec<Role>,
    files: HashMap<u32, Vec<(u32, f32)>>,
}

impl<'s> Neighbours<'s> {
    pub(super) fn of<'g>(
        training: impl Iterator<Item = &'g Graph>,
        statistics: &'s Statistics,
    ) -> Self {
        let mut known = Self { statistics, roles: Vec::new(), files: HashMap::new() };
        let labelled = training.flat_map(|g| &g.nodes).filter_map(|n| Some((n, n.role?)));
        for (file, (node, role)) in (0_u32..).zip(labelled) {
            known.roles.push(role);
            for (word, weight) in statistics.words(node, usize::MAX) {
                known.files.entry(word).or_default().push((file, weight));
            }
        }
        known
    }

    /// How much of the neighbours' likeness speaks for each role.
    pub(super) fn probabilities(&self, node: &Node) -> [f32; ROLES] {
        let mut alike = vec![0.0_f32; self.roles.len()];
        for (word, weight) in self.statistics.words(node, usize::MAX) {
            for (file, other) in self.files.get(&word).into_iter().flatten() {
                alike[*file as usize] += weight * other;
            }
        }
        let mut nearest: Vec<_> = alike.into_iter().zip(&self.roles).collect();
        nearest.sort_by(|a, b| b.0.total_cmp(&a.0));
        nearest.truncate(NEIGHBOURS);
        let sum: f32 = nearest.iter().map(|(alike, _)| alike).sum();
        let mut probabilities = [0.0; ROLES];
        for (alike, role) in nearest {
            probabilities[role.index()] += alike / sum.max(f32::MIN_POSITIVE);
        }
        probabilities
    }
}
