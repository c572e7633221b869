//! What comes before what, in definitions of any size that is accepted.

use std::collections::HashMap;

use super::{Definition, Node};

/// For each node the indices of the nodes that it waits for, sorted, each once. Ids that nobody has are left out.
pub(crate) fn edges(definition: &Definition) -> Vec<Vec<usize>> {
    let index: HashMap<&str, usize> =
        definition.nodes.iter().enumerate().map(|(i, n)| (n.id.as_str(), i)).collect();
    let of = |node: &Node| {
        let mut edges: Vec<usize> =
            node.waits_for().filter_map(|id| index.get(id).copied()).collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    };
    definition.nodes.iter().map(of).collect()
}

/// The nodes in an order in which each comes after what it waits for; those of a cycle, and behind one, are missing.
pub(crate) fn sorted(edges: &[Vec<usize>]) -> Vec<usize> {
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
    for (node, before) in edges.iter().enumerate() {
        for b in before {
            followers[*b].push(node);
        }
    }
    let mut left: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..edges.len()).filter(|node| left[*node] == 0).collect();
    let mut at = 0;
    while let Some(&node) = order.get(at) {
        at += 1;
        for follower in &followers[node] {
            left[*follower] -= 1;
            if left[*follower] == 0 {
                order.push(*follower);
            }
        }
    }
    order
}

/// All that must have settled before each node, a bit for each: a set for each would be gigabytes for a chain of the
/// longest that is accepted.
pub(crate) struct Ancestors {
    words: usize,
    bits: Vec<u64>,
}

impl Ancestors {
    pub fn new(edges: &[Vec<usize>]) -> Self {
        let words = edges.len().div_ceil(64);
        let mut all = Self { words, bits: vec![0; words * edges.len()] };
        for node in sorted(edges) {
            for before in &edges[node] {
                for word in 0..words {
                    all.bits[node * words + word] |= all.bits[before * words + word];
                }
                all.bits[node * words + before / 64] |= 1 << (before % 64);
            }
        }
        all
    }

    /// Whether `before` must have settled before `node`.
    pub fn has(&self, node: usize, before: usize) -> bool {
        self.bits[node * self.words + before / 64] >> (before % 64) & 1 == 1
    }

    /// Of these nodes those that come before none of the others.
    pub fn last_of(&self, nodes: &[usize]) -> impl Iterator<Item = usize> {
        let mut earlier = vec![0_u64; self.words];
        for node in nodes {
            let row = &self.bits[node * self.words..][..self.words];
            earlier.iter_mut().zip(row).for_each(|(word, own)| *word |= own);
        }
        nodes.iter().copied().filter(move |n| earlier[n / 64] >> (n % 64) & 1 == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_that_a_longer_way_implies_are_left_out() {
        // 0 → 1 → 2, 0 → 2, 3 alone, beyond the first word of bits
        let mut edges = vec![vec![], vec![0], vec![0, 1], vec![]];
        edges.extend((4..200).map(|n| vec![n - 1]));
        let ancestors = Ancestors::new(&edges);
        assert_eq!(ancestors.last_of(&edges[2]).collect::<Vec<_>>(), [1]);
        assert_eq!(ancestors.last_of(&[0, 3, 150, 199]).collect::<Vec<_>>(), [0, 199]);
        assert!(ancestors.has(199, 3) && ancestors.has(2, 0) && !ancestors.has(199, 2));
    }

    #[test]
    fn what_is_in_a_cycle_or_behind_one_has_no_place_in_the_order() {
        assert_eq!(sorted(&[vec![1], vec![0], vec![1], vec![]]), [3]);
        assert_eq!(sorted(&[vec![1, 2], vec![2], vec![]]), [2, 1, 0]);
    }
}
