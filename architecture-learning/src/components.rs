//! Strongly connected components of a graph of numbers.

use std::collections::{BTreeMap, BTreeSet};

/// Which nodes reach each other, each with a group.
pub(crate) struct Groups {
    of: Vec<usize>,
    sizes: Vec<usize>,
}

impl Groups {
    /// The group of a node.
    pub(crate) fn of(&self, node: u32) -> usize {
        self.of[node as usize]
    }

    /// How many nodes are in the group of a node.
    pub(crate) fn size(&self, node: u32) -> usize {
        self.sizes[self.of(node)]
    }
}

/// The groups of a graph of so many nodes.
pub(crate) fn groups(nodes: usize, edges: impl IntoIterator<Item = (u32, u32)>) -> Groups {
    let mut successors: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (from, to) in edges {
        successors.entry(from).or_default().insert(to);
    }
    let of = components(nodes, &successors);
    let mut sizes = vec![0; nodes];
    for group in &of {
        sizes[*group] += 1;
    }
    Groups { of, sizes }
}

/// Tarjan's algorithm, with a stack of its own; the group of each node.
pub(crate) fn components(nodes: usize, successors: &BTreeMap<u32, BTreeSet<u32>>) -> Vec<usize> {
    const NEW: usize = usize::MAX;
    let next: Vec<Vec<usize>> = (0..nodes)
        .map(|n| {
            let of = u32::try_from(n).ok().and_then(|n| successors.get(&n));
            of.into_iter().flatten().map(|t| *t as usize).collect()
        })
        .collect();
    let (mut index, mut low) = (vec![NEW; nodes], vec![0; nodes]);
    let (mut open, mut group) = (Vec::new(), vec![NEW; nodes]);
    let (mut counter, mut groups) = (0, 0);
    for start in 0..nodes {
        if index[start] != NEW {
            continue;
        }
        let mut calls = vec![(start, 0)];
        while let Some((node, child)) = calls.pop() {
            if child == 0 {
                (index[node], low[node]) = (counter, counter);
                counter += 1;
                open.push(node);
            }
            if let Some(&target) = next[node].get(child) {
                calls.push((node, child + 1));
                if index[target] == NEW {
                    calls.push((target, 0));
                } else if group[target] == NEW {
                    low[node] = low[node].min(index[target]);
                }
                continue;
            }
            if let Some((parent, _)) = calls.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == index[node] {
                while let Some(member) = open.pop() {
                    group[member] = groups;
                    if member == node {
                        break;
                    }
                }
                groups += 1;
            }
        }
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_find_the_circle_and_leave_the_chain() {
        let groups = groups(5, [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4)]);
        assert_eq!(groups.of(0), groups.of(1));
        assert_eq!(groups.of(1), groups.of(2));
        assert_ne!(groups.of(2), groups.of(3));
        assert_ne!(groups.of(3), groups.of(4));
        assert_eq!([0, 2, 3, 4].map(|node| groups.size(node)), [3, 3, 1, 1]);
    }
}
