//! Moving a run under way to another version of its workflow: whether that is safe, and where its tokens stand then.
//!
//! It is safe where all that the run has begun is the same in both versions, itself and what stands before it. Then what
//! has settled says where tokens stand in the other version, as it does for a run that is repeated.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::{Definition, Obstacle};

use super::{
    Graph, Place, Position, Standing,
    replay::{following, replay},
};

/// The tokens that a run needs in another version beside those that stand at `at`, which stay where they are. `at` are the
/// places that have been entered and have not settled; joins that still wait are none, and all of them are replaced.
///
/// # Errors
/// Every obstacle found.
pub fn migrate(
    from: &Definition,
    to: &Definition,
    at: &BTreeSet<Place>,
) -> Result<Vec<Standing>, BTreeSet<Obstacle>> {
    let open = open(from, at);
    let begun =
        (0..from.nodes.len()).filter(|n| !open.contains(n) || at.contains(&Place::Node(*n)));
    let mut obstacles: BTreeSet<Obstacle> = Obstacle::of_every_run(from, to).into_iter().collect();
    obstacles.extend(begun.filter_map(|n| Obstacle::of_node(&from.nodes[n], to)));
    let graph = Graph::new(to).map_err(|_| BTreeSet::from([Obstacle::Unreadable]))?;
    if !obstacles.is_empty() {
        return Err(obstacles);
    }
    if at.contains(&Place::Start) {
        return Ok(Vec::new());
    }
    let numbers: BTreeMap<&str, usize> =
        to.nodes.iter().enumerate().map(|(i, n)| (n.id.as_str(), i)).collect();
    let there = |node: usize| numbers.get(from.nodes[node].id.as_str()).copied();
    let settled = (0..from.nodes.len()).filter(|n| !open.contains(n)).filter_map(there).collect();
    let mut standing = replay(&graph, &settled);
    for place in at {
        let entered = match place {
            Place::Node(node) => there(*node).map(|n| graph.entry(Place::Node(n))),
            Place::Start | Place::End => Some(Position::End),
        };
        let here = |s: &Standing| Some(s.at) == entered && s.arrived == s.need;
        let Some(index) = standing.iter().position(here) else {
            return Err(BTreeSet::from([Obstacle::AtTheEnd]));
        };
        standing.remove(index);
    }
    Ok(standing)
}

/// The nodes that have not settled: those where tokens stand, and all behind them.
fn open(definition: &Definition, at: &BTreeSet<Place>) -> BTreeSet<usize> {
    let behind = |place: &Place| match place {
        Place::Start => (0..definition.nodes.len()).collect(),
        Place::Node(node) => following(definition, *node),
        Place::End => BTreeSet::new(),
    };
    at.iter().flat_map(behind).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Event, settle, tests_definition as definition};
    use super::*;

    fn at(nodes: &[usize]) -> BTreeSet<Place> {
        nodes.iter().map(|n| Place::Node(*n)).collect()
    }

    fn refusal(from: &Definition, to: &Definition, places: &BTreeSet<Place>) -> String {
        let obstacles = migrate(from, to, places).unwrap_err();
        obstacles.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_comes_after_the_tokens_may_be_anything() {
        let from = definition(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
        let to = definition(&[("a", &[]), ("b", &["a"]), ("x", &["b"]), ("d", &["a", "x"])]);
        for places in [at(&[0]), at(&[1]), BTreeSet::from([Place::Start])] {
            assert_eq!(migrate(&from, &to, &places), Ok(Vec::new()), "{places:?}");
        }
    }

    #[test]
    fn what_has_begun_must_be_the_same() {
        let from = definition(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
        let gone = definition(&[("b", &[]), ("c", &["b"])]);
        assert_eq!(
            refusal(&from, &gone, &at(&[1])),
            "it has begun `a`, which is gone\nit has begun `b`, which is another: deps [\"a\"] → []"
        );
        assert!(migrate(&from, &gone, &BTreeSet::from([Place::Start])).is_ok());
        let mut retyped = from.clone();
        retyped.nodes[0].output = Some("u64".into());
        assert_eq!(
            refusal(&from, &retyped, &at(&[0])),
            "it has begun `a`, which is another: output `none` → `u64`"
        );
        retyped.output.r#type = "u64".into();
        assert!(refusal(&from, &retyped, &at(&[2])).contains("the final value is a `u64`"));
        let longer = definition(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &["c"])]);
        let end = BTreeSet::from([Place::End]);
        assert_eq!(refusal(&from, &longer, &end), "it is at its end, and there are further nodes");
        assert_eq!(migrate(&from, &from, &end), Ok(Vec::new()));
    }

    #[test]
    fn a_new_node_whose_dependencies_have_settled_gets_a_token() {
        let from = definition(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])]);
        let to = definition(&[
            ("a", &[]),
            ("b", &["a"]),
            ("c", &["a"]),
            ("x", &["a"]),
            ("d", &["b", "c", "x"]),
        ]);
        // `b` has settled, `c` runs
        let join = |node, need| Standing { at: Position::Step(node), need, arrived: 1 };
        assert_eq!(migrate(&from, &from, &at(&[2])), Ok(vec![join(3, 2)]));
        assert_eq!(migrate(&from, &to, &at(&[2])), Ok(vec![join(3, 1), join(4, 3)]));
    }

    /// Plays tokens over a graph.
    #[derive(Default)]
    struct Play {
        ready: Vec<Position>,
        waiting: BTreeMap<Position, (u32, u32)>,
        /// Ids of nodes in the order in which they settled.
        settled: Vec<String>,
        ended: bool,
    }

    impl Play {
        fn step(
            &mut self,
            graph: &Graph,
            definition: &Definition,
            mut draw: impl FnMut(usize) -> usize,
        ) {
            let at = self.ready.swap_remove(draw(self.ready.len()));
            let event = match at {
                Position::Enter(_) => Event::Listed(draw(3)),
                _ => Event::Passed,
            };
            let passes = !matches!(
                (at, event),
                (Position::Enter(_), Event::Listed(1..)) | (Position::Element(..), _)
            );
            self.settled
                .extend(at.node().filter(|_| passes).map(|n| definition.nodes[n].id.clone()));
            let moves = settle(graph, at, event);
            self.ended |= moves.ends_run;
            self.ready.extend(moves.stay);
            for a in moves.arrivals {
                let (need, arrived) = self.waiting.entry(a.at).or_insert((a.need, 0));
                *arrived += 1;
                if arrived == need {
                    self.ready.push(a.at);
                    self.waiting.remove(&a.at);
                }
            }
        }

        fn places(&self) -> BTreeSet<Place> {
            let gathers = self.waiting.keys().filter(|at| matches!(at, Position::Gather(_)));
            let place = |at: &Position| match at {
                Position::Start => Place::Start,
                at => at.node().map_or(Place::End, Place::Node),
            };
            self.ready.iter().chain(gathers).map(place).collect()
        }

        /// The same tokens in another version, with what they need beside them.
        fn moved(self, from: &Definition, to: &Definition, beside: Vec<Standing>) -> Self {
            let there = |n: usize| to.nodes.iter().position(|o| o.id == from.nodes[n].id).unwrap();
            let position = |at: Position| match at {
                Position::Step(n) => Position::Step(there(n)),
                Position::Enter(n) => Position::Enter(there(n)),
                Position::Element(n, elem) => Position::Element(there(n), elem),
                Position::Gather(n) => Position::Gather(there(n)),
                at => at,
            };
            let (ready, waits): (Vec<Standing>, Vec<Standing>) =
                beside.into_iter().partition(|s| s.need == s.arrived);
            let gathers =
                self.waiting.into_iter().filter(|(at, _)| matches!(at, Position::Gather(_)));
            Self {
                ready: self
                    .ready
                    .into_iter()
                    .map(position)
                    .chain(ready.iter().map(|s| s.at))
                    .collect(),
                waiting: gathers
                    .map(|(at, counts)| (position(at), counts))
                    .chain(waits.iter().map(|s| (s.at, (s.need, s.arrived))))
                    .collect(),
                ..self
            }
        }
    }

    /// A graph of which every node reads earlier ones, and another one with some nodes gone, some rewired, some new.
    fn versions(mut draw: impl FnMut(usize) -> usize, rewired: bool) -> (Definition, Definition) {
        let mut random = |names: &[String]| -> Vec<String> {
            let mut deps: Vec<String> =
                (0..draw(3)).filter_map(|_| names.get(draw(names.len().max(1))).cloned()).collect();
            deps.sort();
            deps.dedup();
            deps
        };
        let mut old: Vec<(String, Vec<String>)> = Vec::new();
        for i in 0..7 {
            let names: Vec<String> = old.iter().map(|(name, _)| name.clone()).collect();
            let kind = if i % 3 == 2 { "m" } else { "s" };
            old.push((format!("{kind}{i}"), random(&names)));
        }
        let mut new: Vec<(String, Vec<String>)> = Vec::new();
        for (i, (name, deps)) in old.iter().enumerate() {
            let names: Vec<String> = new.iter().map(|(name, _)| name.clone()).collect();
            let fate = random(&names);
            let kept = deps.iter().all(|d| names.contains(d));
            if !rewired || (kept && fate.len() < 2) {
                new.push((name.clone(), deps.clone()));
            } else if !fate.contains(&names[0]) {
                new.push((name.clone(), fate));
            }
            if i % 2 == 0 {
                let names: Vec<String> = new.iter().map(|(name, _)| name.clone()).collect();
                new.push((format!("x{i}"), random(&names)));
            }
        }
        let build = |nodes: &[(String, Vec<String>)]| {
            let deps: Vec<Vec<&str>> =
                nodes.iter().map(|(_, deps)| deps.iter().map(String::as_str).collect()).collect();
            let nodes: Vec<(&str, &[&str])> = nodes
                .iter()
                .zip(&deps)
                .map(|((name, _), deps)| (name.as_str(), deps.as_slice()))
                .collect();
            definition(&nodes)
        };
        (build(&old), build(&new))
    }

    proptest::proptest! {
        #[test]
        fn a_moved_run_settles_every_node_once_after_all_it_reads(seed in proptest::prelude::any::<u64>(), steps in 0usize..20, rewired in proptest::prelude::any::<bool>()) {
            let mut state = seed;
            let mut draw = |n: usize| { state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1); usize::try_from(state >> 33).unwrap() % n.max(1) };
            let (from, to) = versions(&mut draw, rewired);
            let (old, new) = (Graph::new(&from).unwrap(), Graph::new(&to).unwrap());
            let mut play = Play { ready: vec![old.first()], ..Play::default() };
            for _ in 0..steps {
                if play.ready != [Position::End] {
                    play.step(&old, &from, &mut draw);
                }
            }
            let places = play.places();
            let answer = migrate(&from, &to, &places);
            if !rewired && !places.contains(&Place::End) {
                proptest::prop_assert!(answer.is_ok(), "{:?}", answer);
            }
            if let Ok(beside) = answer {
                let mut play = play.moved(&from, &to, beside);
                while !play.ready.is_empty() {
                    proptest::prop_assert!(!play.ended);
                    play.step(&new, &to, &mut draw);
                }
                proptest::prop_assert!(play.ended && play.waiting.is_empty());
                proptest::prop_assert_eq!(play.settled.len(), to.nodes.len(), "{:?}", play.settled);
                let when = |id: &str| play.settled.iter().position(|s| s == id).unwrap();
                for node in &to.nodes {
                    for dep in node.waits_for() {
                        proptest::prop_assert!(when(dep) < when(&node.id));
                    }
                }
            }
        }
    }
}
