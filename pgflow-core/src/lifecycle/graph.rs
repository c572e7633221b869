//! The graph that tokens move on: the definition's edges, reduced transitively, with implicit places before the roots
//! and behind the sinks. Unreduced, a chain whose third step also reads the first would fork.

use std::collections::BTreeSet;

use crate::definition::{
    Definition, NodeKind, Problem,
    order::{self, Ancestors},
};

use super::Position;

/// A place of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Before the roots.
    Start,
    /// A node, by its index in the definition.
    Node(usize),
    /// Behind the sinks; evaluates the final value.
    End,
}

/// Where a token goes when a place has settled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// The place that takes the token over.
    pub stay: Option<Place>,
    /// Places that get a token of their own.
    pub forks: Vec<Place>,
    /// Places that wait for other arrivals too.
    pub joins: Vec<Place>,
}

/// The reduced graph of a definition.
#[derive(Debug, Clone)]
pub struct Graph {
    kinds: Vec<NodeKind>,
    /// Whether a node stands in an arm.
    conditional: Vec<bool>,
    /// Reduced predecessors by slot: the nodes, then `End`.
    before: Vec<BTreeSet<Place>>,
    /// Routes by slot: the nodes, then `Start`.
    routes: Vec<Route>,
}

impl Graph {
    /// Checks the definition and reduces its edges.
    ///
    /// # Errors
    /// What [`Definition::check`] finds.
    pub fn new(definition: &Definition) -> Result<Self, Vec<Problem>> {
        definition.check()?;
        let before = reduced_predecessors(definition);
        let count = definition.nodes.len();
        let mut graph = Self {
            kinds: definition.nodes.iter().map(|n| n.kind).collect(),
            conditional: definition.nodes.iter().map(|n| n.condition.is_some()).collect(),
            before,
            routes: vec![Route::default(); count + 1],
        };
        for slot in 0..=count {
            let place = if slot == count { Place::End } else { Place::Node(slot) };
            let need = graph.before[slot].len();
            for from in graph.before[slot].clone() {
                let route = &mut graph.routes[slot_of(from, count)];
                match (need, route.stay) {
                    (1, None) => route.stay = Some(place),
                    (1, Some(_)) => route.forks.push(place),
                    _ => route.joins.push(place),
                }
            }
        }
        Ok(graph)
    }

    /// Where a token goes when `place` has settled. Nothing follows [`Place::End`].
    pub fn route(&self, place: Place) -> &Route {
        static NOWHERE: Route = Route { stay: None, forks: Vec::new(), joins: Vec::new() };
        match place {
            Place::End => &NOWHERE,
            Place::Start | Place::Node(_) => &self.routes[slot_of(place, self.kinds.len())],
        }
    }

    /// The places that come right before a node, or before the end: what is drawn as its edges.
    pub fn before(&self, place: Place) -> impl Iterator<Item = Place> + '_ {
        let slot = match place {
            Place::Start => None,
            Place::Node(i) => Some(i),
            Place::End => Some(self.kinds.len()),
        };
        slot.into_iter().flat_map(|slot| self.before[slot].iter().copied())
    }

    /// Arrivals that a place waits for.
    pub fn need(&self, place: Place) -> u32 {
        match place {
            Place::Start => 1,
            Place::Node(i) => u32::try_from(self.before[i].len()).unwrap_or(u32::MAX),
            Place::End => u32::try_from(self.before[self.kinds.len()].len()).unwrap_or(u32::MAX),
        }
    }

    /// The position of a token that enters a place.
    pub fn entry(&self, place: Place) -> Position {
        match place {
            Place::Start => Position::Start,
            Place::End => Position::End,
            Place::Node(i) if self.kinds[i] == NodeKind::Step && !self.conditional[i] => {
                Position::Step(i)
            }
            Place::Node(i) => Position::Enter(i),
        }
    }

    /// Where a run without anything to wait for begins.
    pub fn first(&self) -> Position {
        match self.route(Place::Start) {
            Route { stay: Some(place), forks, joins } if forks.is_empty() && joins.is_empty() => {
                self.entry(*place)
            }
            _ => Position::Start,
        }
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there are no nodes: the run is its final value.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// What a node does.
    pub fn kind(&self, node: usize) -> NodeKind {
        self.kinds[node]
    }
}

/// Slot of a place in `routes`; `End` has none there.
fn slot_of(place: Place, count: usize) -> usize {
    match place {
        Place::Node(i) => i,
        Place::Start | Place::End => count,
    }
}

fn reduced_predecessors(definition: &Definition) -> Vec<BTreeSet<Place>> {
    let edges = order::edges(definition);
    let ancestors = Ancestors::new(&edges);
    let places = |nodes: BTreeSet<Place>| {
        if nodes.is_empty() { BTreeSet::from([Place::Start]) } else { nodes }
    };
    let mut before: Vec<BTreeSet<Place>> =
        edges.iter().map(|e| places(ancestors.last_of(e).map(Place::Node).collect())).collect();
    let followed: BTreeSet<usize> = edges.iter().flatten().copied().collect();
    let sinks = (0..edges.len()).filter(|i| !followed.contains(i)).map(Place::Node).collect();
    before.push(places(sinks));
    before
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{Event, settle};
    use super::*;
    use crate::definition::{Node, Output, RunOptions};
    use std::collections::BTreeMap;

    /// `edges[i]` are the nodes that node `i` reads; a name beginning with `m` is a map.
    fn graph(nodes: &[(&str, &[&str])]) -> Graph {
        Graph::new(&definition(nodes)).unwrap()
    }

    pub fn definition(nodes: &[(&str, &[&str])]) -> Definition {
        let node = |(id, deps): &(&str, &[&str])| Node {
            id: (*id).into(),
            kind: if id.starts_with('m') { NodeKind::Map } else { NodeKind::Step },
            step: Some((*id).into()),
            workflow: None,
            signal: None,
            deps: deps.iter().map(|d| (*d).into()).collect(),
            after: Vec::new(),
            condition: None,
            arms: Vec::new(),
            tolerated: false,
            limit: None,
            at_least: None,
            output: None,
            options: None,
            redact: Vec::new(),
        };
        let mut d = Definition {
            name: "g".into(),
            version: 1,
            fingerprint: String::new(),
            options: RunOptions::default(),
            input: Vec::new(),
            nodes: nodes.iter().map(node).collect(),
            output: Output { r#type: "()".into(), deps: Vec::new() },
        };
        d.fingerprint = crate::definition::tests_fingerprint(&d);
        d
    }

    /// Plays all tokens to the end, in the order that `pick` chooses; returns the positions in the order they settled.
    fn play(graph: &Graph, elements: usize, mut pick: impl FnMut(usize) -> usize) -> Vec<Position> {
        let mut ready = vec![graph.first()];
        let mut waiting: BTreeMap<Position, (u32, u32)> = BTreeMap::new();
        let mut settled = Vec::new();
        while !ready.is_empty() {
            let at = ready.swap_remove(pick(ready.len()));
            settled.push(at);
            let event = if matches!(at, Position::Enter(_)) {
                Event::Listed(elements)
            } else {
                Event::Passed
            };
            let moves = settle(graph, at, event);
            assert_eq!(moves.ends_run, at == Position::End);
            ready.extend(moves.stay);
            for a in moves.arrivals {
                let (need, arrived) = waiting.entry(a.at).or_insert((a.need, 0));
                *arrived += 1;
                if arrived == need {
                    ready.push(a.at);
                    waiting.remove(&a.at);
                }
            }
        }
        assert!(waiting.is_empty(), "{waiting:?}");
        settled
    }

    #[test]
    fn a_chain_whose_last_reads_the_first_is_one_token() {
        let g = graph(&[("a", &[]), ("b", &["a"]), ("c", &["a", "b"])]);
        assert_eq!(g.first(), Position::Step(0));
        let moves = settle(&g, Position::Step(0), Event::Passed);
        assert_eq!((moves.stay, moves.arrivals.len()), (Some(Position::Step(1)), 0));
        assert_eq!(settle(&g, Position::Step(2), Event::Passed).stay, Some(Position::End));
    }

    #[test]
    fn a_diamond_forks_and_joins_once() {
        let g = graph(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])]);
        let moves = settle(&g, Position::Step(0), Event::Passed);
        assert_eq!(moves.stay, Some(Position::Step(1)));
        assert_eq!(moves.arrivals, [super::super::Arrival { at: Position::Step(2), need: 1 }]);
        assert_eq!(play(&g, 0, |n| n - 1).len(), 5);
    }

    #[test]
    fn a_map_fans_out_and_gathers_also_when_empty() {
        let g = graph(&[("m", &[]), ("b", &["m"])]);
        assert_eq!(g.first(), Position::Enter(0));
        assert_eq!(play(&g, 0, |_| 0), [Position::Enter(0), Position::Step(1), Position::End]);
        let settled = play(&g, 3, |_| 0);
        assert_eq!(settled.iter().filter(|p| matches!(p, Position::Element(..))).count(), 3);
        assert_eq!(
            settled[settled.len() - 3..],
            [Position::Gather(0), Position::Step(1), Position::End]
        );
    }

    #[test]
    fn the_longest_chain_and_the_most_edges_make_a_graph_in_good_time() {
        let begun = std::time::Instant::now();
        let ids: Vec<String> = (0..10_000).map(|n| format!("s{n}")).collect();
        // each reads the one before it and the nine before that, of which only the first is an edge
        let deps: Vec<Vec<&str>> = (0..ids.len())
            .map(|n| ids[n.saturating_sub(10)..n].iter().map(String::as_str).collect())
            .collect();
        let nodes: Vec<(&str, &[&str])> =
            ids.iter().zip(&deps).map(|(id, deps)| (id.as_str(), deps.as_slice())).collect();
        let g = graph(&nodes);
        assert_eq!(g.first(), Position::Step(0));
        for node in 1..10_000 {
            let before: Vec<Place> = g.before(Place::Node(node)).collect();
            assert_eq!(before, [Place::Node(node - 1)]);
        }
        // a debug build on a busy machine; sets of ancestors would take minutes and gigabytes
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_workflow_without_steps_is_its_final_value() {
        assert_eq!(graph(&[]).first(), Position::End);
        assert_eq!(graph(&[("a", &[]), ("b", &[])]).first(), Position::Start);
    }

    proptest::proptest! {
        #[test]
        fn every_node_settles_once_after_all_it_reads(edges in proptest::collection::vec(proptest::collection::vec(0usize..12, 0..4), 1..12), elements in 0usize..4, seed in proptest::prelude::any::<u64>()) {
            let names: Vec<String> = (0..edges.len()).map(|i| if i % 4 == 3 { format!("m{i}") } else { format!("s{i}") }).collect();
            let deps: Vec<Vec<&str>> = edges.iter().enumerate().map(|(i, ds)| ds.iter().filter(|d| **d < i).map(|d| names[*d].as_str()).collect()).collect();
            let nodes: Vec<(&str, &[&str])> = names.iter().zip(&deps).map(|(n, d)| (n.as_str(), d.as_slice())).collect();
            let g = graph(&nodes);
            let mut state = seed;
            let settled = play(&g, elements, |n| { state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1); usize::try_from(state >> 33).unwrap() % n });
            let leaves = |i: usize| settled.iter().rposition(|p| p.node() == Some(i)).unwrap();
            let enters = |i: usize| settled.iter().position(|p| p.node() == Some(i)).unwrap();
            for (i, ds) in edges.iter().enumerate() {
                for d in ds.iter().filter(|d| **d < i) {
                    proptest::prop_assert!(leaves(*d) < enters(i));
                }
            }
            proptest::prop_assert_eq!(settled.iter().filter(|p| **p == Position::End).count(), 1);
            proptest::prop_assert_eq!(*settled.last().unwrap(), Position::End);
        }
    }
}
