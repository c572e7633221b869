//! Where a settled token goes: [`settle`], and the pure code that a worker evaluates on the way (`worker/serve/follow.rs`).

use pgflow_core::{
    definition::{Definition, NodeKind},
    lifecycle::{Arrival, Event, Graph, Moves, Position, settle},
};

use super::{Fence, Model, world::Held};

/// What a flush is asked to do with one token.
#[derive(Debug, Default)]
pub struct Followed {
    pub stay: Option<Position>,
    /// It waits where it stays.
    pub parks: bool,
    pub ends_run: bool,
    pub arrivals: Vec<Arrival>,
    /// Nodes that have settled, in order.
    pub settled: Vec<usize>,
}

impl Followed {
    fn take(&mut self, moves: Moves, staying: bool) {
        if staying {
            self.stay = moves.stay;
        } else {
            self.arrivals.extend(moves.stay.map(|at| Arrival { at, need: 1 }));
        }
        self.arrivals.extend(moves.arrivals);
        self.ends_run |= moves.ends_run;
    }
}

/// Follows a token on from where it is held.
pub fn follow(model: &Model, held: &Held) -> Followed {
    let (definition, graph) = model.workflow(held.key.run);
    let mut followed = Followed::default();
    match held.at {
        Position::Enter(_) | Position::End => followed.stay = Some(held.at),
        Position::Wake(_) if held.read == Some(false) => {
            return Followed { stay: Some(held.at), parks: true, ..followed };
        }
        at => {
            let settles = !matches!(at, Position::Start | Position::Element(..));
            followed.settled.extend(at.node().filter(|_| settles));
            followed.take(settle(graph, at, Event::Passed), true);
        }
    }
    loop {
        let staying = followed.stay.filter(|at| is_pure(*at) && !followed.parks);
        let now = |a: &Arrival| {
            let ahead = model.lacks(Fence::SkipWaits) && is_skip(model, definition, a.at);
            (a.need == 1 || ahead) && is_pure(a.at) && !waits(graph, a.at)
        };
        let at = match (staying, followed.arrivals.iter().position(now)) {
            (Some(at), _) => at,
            (None, Some(i)) => followed.arrivals.remove(i).at,
            (None, None) => return followed,
        };
        if staying.is_some() {
            followed.stay = None;
        }
        let event = event(model, definition, at);
        if !matches!(event, Event::Taken | Event::Waits) && event != Event::Listed(model.elements) {
            followed.settled.extend(at.node());
        }
        followed.take(settle(graph, at, event), staying.is_some());
        followed.parks |= event == Event::Waits;
    }
}

fn is_pure(at: Position) -> bool {
    matches!(at, Position::Enter(_) | Position::End)
}

fn waits(graph: &Graph, at: Position) -> bool {
    let kind = at.node().map(|node| graph.kind(node));
    matches!(kind, Some(NodeKind::Sleep | NodeKind::Signal | NodeKind::Child))
}

/// Branches take `model.arm`.
fn is_skip(model: &Model, definition: &Definition, at: Position) -> bool {
    let condition = at.node().and_then(|node| definition.nodes[node].condition.as_ref());
    condition.is_some_and(|c| c.arm != model.arm)
}

fn event(model: &Model, definition: &Definition, at: Position) -> Event {
    let Position::Enter(node) = at else { return Event::Passed };
    match definition.nodes[node].kind {
        _ if is_skip(model, definition, at) => Event::Passed,
        NodeKind::Step => Event::Taken,
        NodeKind::Map => Event::Listed(model.elements),
        NodeKind::Branch => Event::Passed,
        NodeKind::Sleep | NodeKind::Signal | NodeKind::Child => Event::Waits,
    }
}
