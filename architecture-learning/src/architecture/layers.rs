//! How parts lie on one another: the order in which the fewest dependencies point up, found by a greedy start and moves of
//! single parts, the same for the same input; then the longest path of what points down.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::parts::{Link, Part};

/// Rounds of moves: more never helped on the codebases tried.
const ROUNDS_MAX: usize = 8;

/// Parts in layers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Layering {
    /// Parts by their place, the top layer first: a part depends on parts of layers below it.
    pub layers: Vec<Vec<usize>>,
    /// Parts that neither depend on another nor are depended on.
    pub apart: Vec<usize>,
    /// Dependencies between files of different parts.
    pub edges: usize,
    /// Share of these that point down, 0 to 1; 1 without any.
    pub down: f64,
    /// Links that point up, the most one-sided first.
    pub upward: Vec<Upward>,
}

/// A link against the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upward {
    /// The link, by its place.
    pub link: usize,
    /// Dependencies the other way.
    pub against: usize,
}

pub(super) fn layering(parts: &[Part], links: &[Link]) -> Layering {
    let linked: BTreeSet<usize> = links.iter().flat_map(|l| [l.from, l.to]).collect();
    let order = order(parts.len(), links);
    let mut place = vec![0; parts.len()];
    order.iter().enumerate().for_each(|(i, part)| place[*part] = i);
    let up = |link: &Link| place[link.from] > place[link.to];
    let edges: usize = links.iter().map(|l| l.edges).sum();
    let pointing_up: usize = links.iter().filter(|l| up(l)).map(|l| l.edges).sum();
    let against = |link: &Link| {
        let back = links.iter().find(|l| (l.from, l.to) == (link.to, link.from));
        back.map_or(0, |l| l.edges)
    };
    let mut upward: Vec<_> = links
        .iter()
        .enumerate()
        .filter(|(_, l)| up(l))
        .map(|(i, l)| Upward { link: i, against: against(l) })
        .collect();
    // one against nineteen convinces, three against four does not
    upward.sort_by_key(|u| (links[u.link].edges * 100 / (u.against + 1), u.link));
    #[expect(clippy::cast_precision_loss, reason = "counts of edges")]
    let down = if edges == 0 { 1.0 } else { 1.0 - pointing_up as f64 / edges as f64 };
    Layering {
        layers: stack(&order, links, &up, &linked),
        apart: (0..parts.len()).filter(|p| !linked.contains(p)).collect(),
        edges,
        down: (down * 1000.0).round() / 1000.0,
        upward,
    }
}

/// The longest path of links that point down decides the layer.
fn stack(
    order: &[usize],
    links: &[Link],
    up: &dyn Fn(&Link) -> bool,
    linked: &BTreeSet<usize>,
) -> Vec<Vec<usize>> {
    let mut height = vec![0_usize; order.len()];
    for part in order.iter().rev() {
        let below = links.iter().filter(|l| l.from == *part && !up(l));
        height[*part] = below.map(|l| height[l.to] + 1).max().unwrap_or(0);
    }
    let top = linked.iter().map(|p| height[*p]).max();
    let layer = |h: usize| linked.iter().copied().filter(|p| height[*p] == h).collect();
    top.map_or_else(Vec::new, |top| (0..=top).rev().map(layer).collect())
}

/// Parts from the top down.
fn order(parts: usize, links: &[Link]) -> Vec<usize> {
    let mut weight = vec![vec![0_i64; parts]; parts];
    for link in links {
        weight[link.from][link.to] = i64::try_from(link.edges).unwrap_or(i64::MAX);
    }
    let balance = |part: usize| -> i64 {
        (0..parts).map(|other| weight[part][other] - weight[other][part]).sum()
    };
    let mut order: Vec<_> = (0..parts).collect();
    order.sort_by_key(|part| (-balance(*part), *part));
    for _ in 0..ROUNDS_MAX {
        let moved = (0..parts).filter(|part| settle(*part, &mut order, &weight)).count();
        if moved == 0 {
            break;
        }
    }
    order
}

/// Moves `part` to where the fewest dependencies point up; false where it is there already.
fn settle(part: usize, order: &mut Vec<usize>, weight: &[Vec<i64>]) -> bool {
    let Some(now) = order.iter().position(|p| *p == part) else { return false };
    order.remove(now);
    // what points up where `part` stands first: all that others depend on it
    let mut cost: i64 = order.iter().map(|other| weight[*other][part]).sum();
    let mut costs = vec![cost];
    for other in order.iter() {
        cost += weight[part][*other] - weight[*other][part];
        costs.push(cost);
    }
    let best = (0..costs.len()).min_by_key(|at| (costs[*at], at.abs_diff(now))).unwrap_or(now);
    let best = if costs[best] < costs[now] { best } else { now };
    order.insert(best, part);
    best != now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str) -> Part {
        Part { name: name.to_owned(), files: 1, lines: 1, ..Part::default() }
    }

    fn link(from: usize, to: usize, edges: usize) -> Link {
        Link { from, to, edges, path: String::new(), line: 1, target: String::new() }
    }

    #[test]
    fn the_fewest_dependencies_point_up() {
        let parts: Vec<_> = ["a", "b", "c", "d"].map(part).to_vec();
        let links = [link(2, 1, 9), link(1, 0, 5), link(0, 2, 1), link(1, 2, 1)];
        let layering = layering(&parts, &links);
        assert_eq!(layering.layers, [vec![2], vec![1], vec![0]]);
        assert_eq!(layering.apart, [3]);
        assert_eq!(layering.edges, 16);
        assert!((layering.down - 0.875).abs() < 1e-9);
        let first = Upward { link: 3, against: 9 };
        assert_eq!(layering.upward, [first, Upward { link: 2, against: 0 }]);
    }
}
