//! Breadth first through all that may happen, so that the first counter-example is a shortest one.

use std::{collections::HashSet, rc::Rc};

use pgflow_core::lifecycle::RunState;

use super::{Model, moves::Event, world::World};

/// Worlds beyond which a model is too large to be searched.
const MOST: usize = 3_000_000;

/// What a search came to.
pub struct Found {
    pub worlds: usize,
    /// The property that does not hold, and how that comes about.
    pub broken: Option<(&'static str, Vec<Event>)>,
}

/// Searches a model.
pub fn search(model: &Model) -> Found {
    let first = Rc::new(model.begin());
    let mut seen = HashSet::from([first.clone()]);
    // what leads to each, so that a counter-example can be told
    let mut came = vec![Came { from: 0, by: Event::of(0, "begins"), world: first }];
    let mut at = 0;
    while at < came.len() {
        let world = came[at].world.clone();
        let next = model.next(&world);
        if let Some(broken) = broken(model, &world, next.is_empty()) {
            return Found { worlds: came.len(), broken: Some((broken, story(&came, at))) };
        }
        for (by, world) in next {
            let world = Rc::new(world);
            if seen.insert(world.clone()) {
                came.push(Came { from: at, by, world });
            }
        }
        assert!(came.len() < MOST, "too many worlds");
        at += 1;
    }
    Found { worlds: came.len(), broken: None }
}

/// A world, and what led to it from which.
struct Came {
    from: usize,
    by: Event,
    world: Rc<World>,
}

fn story(came: &[Came], mut at: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while at > 0 {
        events.push(came[at].by.clone());
        at = came[at].from;
    }
    events.reverse();
    events
}

/// The property that a world breaks.
fn broken(model: &Model, world: &World, is_last: bool) -> Option<&'static str> {
    let live = |run: usize| world.runs[run].state == RunState::Live;
    let dead = world.workers.iter().filter(|w| w.lease_over).count();
    let begun = |t: &&super::world::Token| t.key.elem > 0 && t.is_full();
    if world.broken.is_some() {
        return world.broken;
    }
    if world.runs.iter().any(|r| r.ends > 1) {
        return Some("a run ends twice");
    }
    if world.tokens.iter().any(|t| !live(t.key.run)) {
        return Some("an ended run has a token");
    }
    if world
        .runs
        .iter()
        .any(|r| r.state == RunState::Live && r.parent.is_some_and(|p| !live(p.run)))
    {
        return Some("a child outlives its parent");
    }
    let goes_on = |parent: usize| {
        world.runs.iter().any(|r| {
            let child = r.parent.is_some_and(|p| p.run == parent);
            child && r.state == RunState::Live && !r.paused
        })
    };
    if world.runs.iter().enumerate().any(|(i, r)| r.paused && goes_on(i)) {
        return Some("the child of a paused run goes on");
    }
    if world.tokens.iter().any(|t| usize::from(t.losses) > dead) {
        return Some("a task is lost more often than workers died");
    }
    let bound = model.bound.and_then(|bound| usize::try_from(bound).ok());
    if bound.is_some_and(|bound| world.tokens.iter().filter(begun).count() > bound) {
        return Some("a map exceeds its bound");
    }
    if is_last && world.runs.iter().any(|r| r.state == RunState::Live) {
        return Some("a run never ends");
    }
    None
}
