//! A run that repeats another one: what it keeps of it, and where its tokens stand at first.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::{Definition, NodeKind};

use super::{AttemptStatus, Event, Graph, Position, settle};

/// The last attempt of a node or of an element, by the node's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The node.
    pub node: usize,
    /// 0, or the element of a map from 1.
    pub elem: i32,
    /// How it ended.
    pub status: AttemptStatus,
}

/// What a repeated run keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Nodes that have settled; they are not entered again.
    pub whole: BTreeSet<usize>,
    /// Maps that have not, of which the elements that succeeded are kept.
    pub partly: BTreeSet<usize>,
}

/// A token of a run that begins somewhere in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands.
    pub at: Position,
    /// Arrivals that the place waits for.
    pub need: u32,
    /// Arrivals that there are.
    pub arrived: u32,
}

/// What is kept of a run: all that had settled, without `from` and all that follows it.
pub fn kept(definition: &Definition, past: &[Past], from: Option<usize>) -> Kept {
    let again = from.map(|node| following(definition, node)).unwrap_or_default();
    let begun = |node: usize| past.iter().any(|p| p.node == node);
    let succeeded = |p: &&Past| {
        matches!(p.status, AttemptStatus::Done | AttemptStatus::Skipped | AttemptStatus::Kept)
    };
    let mut kept = Kept::default();
    for (node, stored) in definition.nodes.iter().enumerate() {
        if again.contains(&node) || !begun(node) {
            continue;
        }
        let own = past.iter().filter(|p| p.node == node);
        let passed = direct_followers(definition, node).any(begun);
        let whole = match stored.kind {
            // only what follows tells that all elements were there
            NodeKind::Map => passed || own.clone().any(|p| p.elem == 0 && succeeded(&p)),
            // a failure that was tolerated, and not one that waited for another attempt
            _ => passed || own.clone().all(|p| succeeded(&p)),
        };
        if whole {
            kept.whole.insert(node);
        } else if stored.kind == NodeKind::Map {
            kept.partly.insert(node);
        }
    }
    kept
}

/// Where the tokens stand when these nodes have settled already: places that are ready, and joins that still wait.
pub fn replay(graph: &Graph, settled: &BTreeSet<usize>) -> Vec<Standing> {
    let mut open = vec![graph.first()];
    let mut joins: BTreeMap<Position, (u32, u32)> = BTreeMap::new();
    let mut standing = Vec::new();
    while let Some(at) = open.pop() {
        let passes = at == Position::Start || at.node().is_some_and(|n| settled.contains(&n));
        if !passes {
            standing.push(Standing { at, need: 1, arrived: 1 });
            continue;
        }
        let moves = settle(graph, at, Event::Passed);
        open.extend(moves.stay);
        for arrival in moves.arrivals {
            let (need, arrived) = joins.entry(arrival.at).or_insert((arrival.need, 0));
            *arrived += 1;
            if arrived == need {
                joins.remove(&arrival.at);
                open.push(arrival.at);
            }
        }
    }
    let waiting = joins.into_iter().map(|(at, (need, arrived))| Standing { at, need, arrived });
    standing.extend(waiting);
    standing
}

fn direct_followers(definition: &Definition, node: usize) -> impl Iterator<Item = usize> {
    let id = definition.nodes[node].id.as_str();
    let follows = move |n: &crate::definition::Node| n.waits_for().any(|other| other == id);
    definition.nodes.iter().enumerate().filter(move |(_, n)| follows(n)).map(|(i, _)| i)
}

/// A node and all that waits for it, directly or not.
pub(super) fn following(definition: &Definition, node: usize) -> BTreeSet<usize> {
    let mut all = BTreeSet::new();
    let mut open = vec![node];
    while let Some(next) = open.pop() {
        if all.insert(next) {
            open.extend(direct_followers(definition, next));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::graph::tests::definition;

    fn past(node: usize, status: AttemptStatus) -> Past {
        Past { node, elem: 0, status }
    }

    #[test]
    fn a_chain_goes_on_where_it_failed() {
        let d = definition(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
        let graph = Graph::new(&d).unwrap();
        let history = [past(0, AttemptStatus::Done), past(1, AttemptStatus::Failed)];
        let kept = kept(&d, &history, None);
        assert_eq!(kept.whole, BTreeSet::from([0]));
        let at = |n| Standing { at: Position::Step(n), need: 1, arrived: 1 };
        assert_eq!(replay(&graph, &kept.whole), [at(1)]);
        assert_eq!(replay(&graph, &BTreeSet::new()), [at(0)]);
    }

    #[test]
    fn a_join_keeps_the_arrival_of_the_side_that_had_settled() {
        let d = definition(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])]);
        let graph = Graph::new(&d).unwrap();
        let found = replay(&graph, &BTreeSet::from([0, 1]));
        let at = |node, need, arrived| Standing { at: Position::Step(node), need, arrived };
        assert_eq!(found, [at(2, 1, 1), at(3, 2, 1)]);
    }

    #[test]
    fn a_chosen_step_and_all_behind_it_run_again() {
        let d = definition(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("e", &["a"])]);
        let done: Vec<Past> = (0..4).map(|n| past(n, AttemptStatus::Done)).collect();
        assert_eq!(kept(&d, &done, Some(1)).whole, BTreeSet::from([0, 3]));
    }

    #[test]
    fn a_map_is_kept_whole_only_where_something_came_after_it() {
        let d = definition(&[("m", &[]), ("b", &["m"])]);
        let element = Past { node: 0, elem: 1, status: AttemptStatus::Done };
        let unfinished = kept(&d, &[element], None);
        assert_eq!((unfinished.whole.len(), unfinished.partly.len()), (0, 1));
        let finished = kept(&d, &[element, past(1, AttemptStatus::Failed)], None);
        assert_eq!(finished.whole, BTreeSet::from([0]));
    }

    #[test]
    fn a_tolerated_failure_stays_where_the_run_went_on() {
        let d = definition(&[("a", &[]), ("b", &["a"])]);
        let between_attempts = [past(0, AttemptStatus::Failed)];
        assert!(kept(&d, &between_attempts, None).whole.is_empty());
        let tolerated = [past(0, AttemptStatus::Failed), past(1, AttemptStatus::Failed)];
        assert_eq!(kept(&d, &tolerated, None).whole, BTreeSet::from([0]));
    }
}
