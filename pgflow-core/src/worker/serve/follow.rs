//! What follows a settled token, with the pure code in it evaluated at once.

use std::panic::AssertUnwindSafe;

use crate::{
    failure::{Failure, FailureKind},
    lifecycle::{Arrival, Event, Position, RunState, settle},
    payload::Json,
    record::BODY,
    registry::Version,
    spec::{NodeRun, Outcome, Stored},
    store::flush::{ArrivalRow, AttemptRow, Fate, Settled},
};

use super::{
    super::token::{Token, Verdict},
    Shared, end_run,
    load::{Trouble, env},
    text_of_panic, unreadable,
};

/// Positions that a token reaches, on the way to being a flush.
#[derive(Default)]
pub(super) struct Moved {
    stay: Option<Position>,
    arrivals: Vec<(Arrival, Option<Json>)>,
    result: Option<Json>,
}

impl Moved {
    /// Where the token is, to be evaluated.
    pub fn at(at: Position) -> Self {
        Self { stay: Some(at), ..Self::default() }
    }

    pub fn along(version: &Version, at: Position, event: Event) -> Self {
        let moves = settle(&version.graph, at, event);
        Self {
            stay: moves.stay,
            arrivals: moves.arrivals.into_iter().map(|a| (a, None)).collect(),
            result: None,
        }
    }
}

/// Evaluates the pure code that follows at once, then makes the flush.
pub(super) async fn finish(
    shared: &Shared,
    token: &Token,
    row: Option<AttemptRow>,
    own: Option<(usize, Stored)>,
    mut moved: Moved,
) -> Verdict {
    let now = |at: Position| matches!(at, Position::Enter(_) | Position::End);
    let mut stay_is_open = true;
    loop {
        let arrival = moved.arrivals.iter().position(|(a, _)| a.need == 1 && now(a.at));
        let at = match (moved.stay.filter(|at| stay_is_open && now(*at)), arrival) {
            (Some(at), _) => at,
            (None, Some(i)) => moved.arrivals.swap_remove(i).0.at,
            (None, None) => break,
        };
        let staying = moved.stay == Some(at) && stay_is_open;
        let next = match evaluate(shared, token, at, own.as_ref()).await {
            Ok(next) => next,
            Err(Trouble::Unreadable(error)) if row.is_none() => return unreadable(token, &error),
            Err(Trouble::Unreadable(error)) => {
                // the step is done, whatever becomes of what follows: that has a flush of its own
                tracing::warn!(run = %token.run(), %error, "what follows a step is evaluated later");
                if !staying {
                    moved.arrivals.push((Arrival { at, need: 1 }, None));
                }
                break;
            }
            Err(Trouble::Failed(failure)) => {
                return end_run(shared, token, row, RunState::Failed, failure);
            }
        };
        if staying {
            moved.stay = next.stay;
            stay_is_open = next.result.is_none();
        } else {
            moved.arrivals.extend(next.stay.map(|at| (Arrival { at, need: 1 }, None)));
        }
        moved.arrivals.extend(next.arrivals);
        moved.result = moved.result.or(next.result);
    }
    settled(token, row, own, moved, *shared.draining.borrow())
}

/// The list of a map, or the final value.
async fn evaluate(
    shared: &Shared,
    token: &Token,
    at: Position,
    own: Option<&(usize, Stored)>,
) -> Result<Moved, Trouble> {
    let version = &token.version;
    let (reads, code) = match at {
        Position::Enter(node) => match version.spec.nodes[node].run {
            NodeRun::Map { items, .. } => (version.spec.nodes[node].loads, items),
            NodeRun::Step(_) | NodeRun::Pure(_) => {
                return Err(Trouble::in_body("a step where a map was expected"));
            }
        },
        _ => (version.spec.output_loads, version.spec.output),
    };
    let env = env(shared, token, reads, own).await?;
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| code(&env))).unwrap_or_else(|p| {
        Outcome::Failed(Failure::new(BODY, FailureKind::Body, text_of_panic(&*p)))
    });
    match (at, outcome) {
        (Position::Enter(_), Outcome::Items(items)) => {
            let mut moved = Moved::along(version, at, Event::Listed(items.len()));
            for (arrival, input) in &mut moved.arrivals {
                if let Position::Element(_, i) = arrival.at {
                    *input = usize::try_from(i - 1).ok().and_then(|i| items.get(i)).cloned();
                }
            }
            Ok(moved)
        }
        (Position::End, Outcome::Done(result)) => {
            Ok(Moved { result: Some(result), ..Moved::default() })
        }
        (_, Outcome::Failed(failure)) => Err(Trouble::Failed(failure)),
        (_, Outcome::Broken(why)) => Err(Trouble::in_body(why)),
        (_, other) => Err(Trouble::in_body(format!("unexpected {other:?}"))),
    }
}

fn settled(
    token: &Token,
    row: Option<AttemptRow>,
    result: Option<(usize, Stored)>,
    moved: Moved,
    draining: bool,
) -> Verdict {
    let version = &token.version;
    let direct = |at: Position| !draining && version.is_direct(at);
    let (fate, next) = match (moved.result, moved.stay) {
        (Some(result), _) => (Fate::End { result, run_slot: version.run_pool }, None),
        (None, None) => (Fate::Gone, None),
        (None, Some(at)) => {
            let fate = Fate::Move {
                node: version.number(at),
                queue: version.queue(at),
                direct: direct(at),
                head: version.head(at, token.priority),
            };
            (fate, direct(at).then_some(at))
        }
    };
    let arrivals: Vec<Position> = moved.arrivals.iter().map(|(a, _)| a.at).collect();
    let rows = moved.arrivals.into_iter().map(|(arrival, input)| ArrivalRow {
        lane: version.number(arrival.at),
        elem: arrival.at.elem(),
        queue: version.queue(arrival.at),
        need: arrival.need,
        direct: arrival.need == 1 && direct(arrival.at),
        head: version.head(arrival.at, token.priority),
        input,
    });
    let settled = Settled {
        key: token.key,
        epoch: token.epoch,
        attempt: row,
        fate,
        arrivals: rows.collect(),
        leaves_start: None,
        free: Vec::new(),
    };
    Verdict::Settled { settled, next, arrivals, result }
}
