//! What follows a settled token, with the pure code in it evaluated at once.

use std::{panic::AssertUnwindSafe, time::Duration};

use crate::{
    definition::NodeKind,
    env::Env,
    failure::{Failure, FailureKind},
    lifecycle::{Arrival, AttemptStatus, Event, Position, RunState, settle},
    payload::Json,
    record::BODY,
    registry::Version,
    spec::{NodeKindSpec, NodeRun, Outcome, Stored},
    store::{
        answered,
        claim::load_kept,
        flush::{ArrivalRow, AttemptRow, Fate, RecordRow, Settled, Wait},
    },
};

use super::{
    super::token::{Token, Verdict},
    Shared,
    judge::{end_run, unreadable},
    load::{Trouble, env},
    secrets::secrets,
    text_of_panic,
};

/// Positions that a token reaches, on the way to being a flush.
#[derive(Default)]
pub(super) struct Moved {
    stay: Option<Position>,
    /// What it waits for where it stays, and for how long.
    wait: Option<(Wait, Option<Duration>)>,
    arrivals: Vec<(Arrival, Option<Json>)>,
    records: Vec<RecordRow>,
    /// Results that this flush stores.
    known: Vec<(usize, Stored)>,
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
            ..Self::default()
        }
    }

    /// The same with the result of the node that the token leaves.
    pub fn with(mut self, node: usize, stored: Stored) -> Self {
        self.known.push((node, stored));
        self
    }

    fn waiting(mut self, wait: Wait, limit: Option<Duration>) -> Self {
        self.wait = Some((wait, limit));
        self
    }

    /// The same with what the pure code at `node` came to.
    fn recorded(mut self, version: &Version, node: usize, stored: Stored) -> Self {
        let (status, output) = match &stored {
            Stored::Done(key) => (AttemptStatus::Done, Some(key.clone())),
            _ => (AttemptStatus::Skipped, None),
        };
        let number = version.numbers.nodes[node];
        self.records.push(RecordRow { node: number, status, output, error: None });
        self.with(node, stored)
    }
}

/// Evaluates the pure code that follows at once, then makes the flush.
pub(super) async fn finish(
    shared: &Shared,
    token: &Token,
    row: Option<AttemptRow>,
    mut moved: Moved,
) -> Verdict {
    let version = &token.version;
    let mut stay_is_open = true;
    loop {
        let staying = moved.stay.filter(|at| stay_is_open && is_pure(*at));
        // what waits gets a token of its own first
        let now = |at: Position| is_pure(at) && !waits(version, at);
        let arrival = moved.arrivals.iter().position(|(a, _)| a.need == 1 && now(a.at));
        let at = match (staying, arrival) {
            (Some(at), _) => at,
            (None, Some(i)) => moved.arrivals.swap_remove(i).0.at,
            (None, None) => break,
        };
        let next = match evaluate(shared, token, at, &moved.known).await {
            Ok(next) => next,
            Err(Trouble::Unreadable(error)) if row.is_none() => return unreadable(token, &error),
            Err(Trouble::Unreadable(error)) => {
                // the step is done, whatever becomes of what follows: that has a flush of its own
                tracing::warn!(run = %token.run(), %error, "what follows a step is evaluated later");
                if staying.is_none() {
                    moved.arrivals.push((Arrival { at, need: 1 }, None));
                }
                break;
            }
            Err(Trouble::Failed(failure)) => {
                return end_run(shared, token, row, RunState::Failed, failure);
            }
        };
        if staying.is_some() {
            moved.stay = next.stay;
            moved.wait = next.wait;
            stay_is_open = next.result.is_none();
        } else {
            moved.arrivals.extend(next.stay.map(|at| (Arrival { at, need: 1 }, None)));
        }
        moved.arrivals.extend(next.arrivals);
        moved.records.extend(next.records);
        moved.known.extend(next.known);
        moved.result = moved.result.or(next.result);
    }
    settled(shared, token, row, moved)
}

/// Pure code, which a worker evaluates at once.
fn is_pure(at: Position) -> bool {
    matches!(at, Position::Enter(_) | Position::End)
}

fn waits(version: &Version, at: Position) -> bool {
    let kind = at.node().map(|node| version.graph.kind(node));
    matches!(kind, Some(NodeKind::Sleep | NodeKind::Signal | NodeKind::Child))
}

/// What the pure code at a position comes to.
async fn evaluate(
    shared: &Shared,
    token: &Token,
    at: Position,
    known: &[(usize, Stored)],
) -> Result<Moved, Trouble> {
    let version = &token.version;
    let Position::Enter(node) = at else {
        let spec = version.spec;
        let outcome = call(shared, token, spec.output_loads, spec.output, known).await?;
        return match outcome {
            Outcome::Done(result) => Ok(Moved { result: Some(result), ..Moved::default() }),
            other => Err(unexpected(&other)),
        };
    };
    let spec = &version.spec.nodes[node];
    if !taken(shared, token, node, known).await? {
        return Ok(Moved::along(version, at, Event::Passed).recorded(
            version,
            node,
            Stored::Skipped,
        ));
    }
    let code = match spec.run {
        NodeRun::Step(_) => return Ok(Moved::along(version, at, Event::Taken)),
        NodeRun::Map { items, .. } => items,
        NodeRun::Pure(code) => code,
    };
    let outcome = call(shared, token, spec.loads, code, known).await?;
    if let NodeKindSpec::Sleep | NodeKindSpec::Signal { .. } | NodeKindSpec::Child(_) = spec.kind
        && let Some(stub) = shared.stubs.of(&version.definition.nodes[node].id, &spec.kind)
        && let Outcome::Done(value) = stub.await
    {
        let moved = Moved::along(version, at, Event::Passed);
        return Ok(moved.recorded(version, node, Stored::Done(value)));
    }
    match (spec.kind, outcome) {
        (NodeKindSpec::Map(_, options), Outcome::Items(items)) => {
            let kept = kept_elements(shared, token, node).await?;
            Ok(fan_out(version, at, &items, options.limit, &kept))
        }
        (NodeKindSpec::Branch(arms), Outcome::Arm(arm)) => {
            let key = arms.get(arm).ok_or_else(|| Trouble::in_body("an arm that is not there"))?;
            let key = Json::encode(key).map_err(|e| Trouble::in_body(e.to_string()))?;
            let moved = Moved::along(version, at, Event::Passed);
            Ok(moved.recorded(version, node, Stored::Done(key)))
        }
        (NodeKindSpec::Sleep, Outcome::Wait(time)) => {
            let moved = Moved::along(version, at, Event::Waits);
            Ok(moved.waiting(Wait::Time, Some(time.unwrap_or_default())))
        }
        (NodeKindSpec::Signal { name, .. }, Outcome::Wait(limit)) => {
            let moved = Moved::along(version, at, Event::Waits);
            Ok(moved.waiting(Wait::Signal(name.into()), limit))
        }
        (NodeKindSpec::Child(spec), Outcome::Done(input)) => {
            let child = shared.child(spec(), input, token.priority)?;
            Ok(Moved::along(version, at, Event::Waits).waiting(Wait::Child(child), None))
        }
        (_, other) => Err(unexpected(&other)),
    }
}

/// Whether the arm was taken in which a node stands.
async fn taken(
    shared: &Shared,
    token: &Token,
    node: usize,
    known: &[(usize, Stored)],
) -> Result<bool, Trouble> {
    let Some((branch, arm)) = token.version.spec.nodes[node].condition else { return Ok(true) };
    let NodeKindSpec::Branch(arms) = token.version.spec.nodes[branch].kind else {
        return Err(Trouble::in_body("an arm of what is no branch"));
    };
    let env = env(shared, token, &[branch], known).await?;
    match env.stored(branch) {
        Some(Stored::Skipped) => Ok(false),
        Some(Stored::Done(key)) => {
            let key: String = key.decode().map_err(|e| Trouble::in_body(e.to_string()))?;
            Ok(arms.get(arm).is_some_and(|own| *own == key))
        }
        _ => Err(Trouble::in_body("the arm of a branch should be stored and is not")),
    }
}

async fn call(
    shared: &Shared,
    token: &Token,
    reads: &[usize],
    code: fn(&Env) -> Outcome,
    known: &[(usize, Stored)],
) -> Result<Outcome, Trouble> {
    let env = env(shared, token, reads, known).await?;
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| code(&env))).unwrap_or_else(|p| {
        Outcome::Failed(Failure::new(BODY, FailureKind::Body, text_of_panic(&*p)))
    });
    let secrets = || secrets(shared, token, known);
    match outcome {
        Outcome::Failed(failure) => Err(Trouble::Failed(secrets().hide_in_failure(failure))),
        Outcome::Broken(why) => Err(Trouble::in_body(secrets().hide(&why))),
        value => Ok(value),
    }
}

fn unexpected(outcome: &Outcome) -> Trouble {
    Trouble::in_body(format!("unexpected {outcome:?}"))
}

/// The elements of a map; those beyond its limit wait for one that ends, and those that a repeated run keeps have arrived.
fn fan_out(
    version: &Version,
    at: Position,
    items: &[Json],
    limit: Option<u32>,
    kept: &[i32],
) -> Moved {
    let mut moved = Moved::along(version, at, Event::Listed(items.len()));
    let is_kept = |at: Position| matches!(at, Position::Element(_, elem) if kept.contains(&elem));
    let before = moved.arrivals.len();
    moved.arrivals.retain(|(arrival, _)| !is_kept(arrival.at));
    let here = u32::try_from(before - moved.arrivals.len()).unwrap_or_default();
    let mut room = limit.map_or(u32::MAX, |n| n.max(1));
    for (arrival, input) in &mut moved.arrivals {
        match arrival.at {
            Position::Gather(_) => arrival.need -= here,
            Position::Element(_, elem) => {
                *input = usize::try_from(elem - 1).ok().and_then(|i| items.get(i)).cloned();
                arrival.need = if room > 0 { 1 } else { 2 };
                room = room.saturating_sub(1);
            }
            _ => {}
        }
    }
    moved
}

async fn kept_elements(shared: &Shared, token: &Token, node: usize) -> Result<Vec<i32>, Trouble> {
    let number = token.version.numbers.nodes[node];
    let mut reader = shared.reader.lock().await;
    let kept = answered(async { load_kept(reader.open().await?, token.run(), number).await }).await;
    kept.map_err(|error| {
        reader.connection = None;
        Trouble::Unreadable(error)
    })
}

fn settled(shared: &Shared, token: &Token, row: Option<AttemptRow>, moved: Moved) -> Verdict {
    let version = &token.version;
    let draining = *shared.draining.borrow();
    let direct = |at: Position| !draining && version.is_direct(at);
    let (fate, next) = match (moved.result, moved.stay, moved.wait) {
        (Some(result), ..) => (Fate::End { result, run_slot: version.run_pool }, None),
        (None, None, _) => (Fate::Gone, None),
        (None, Some(at), Some((wait, limit))) => (park(token, at, wait, limit), None),
        (None, Some(at), None) => {
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
    let next_of = match token.at {
        Position::Element(node, _) => {
            let map = version.numbers.nodes[node];
            (!shared.begun.knows(token.run(), map)).then_some(map)
        }
        _ => None,
    };
    let settled = Settled {
        key: token.key,
        epoch: token.epoch,
        attempt: row,
        records: moved.records,
        fate,
        arrivals: rows.collect(),
        leaves_start: None,
        next_of,
        free: Vec::new(),
    };
    Verdict::Settled { settled, next, arrivals, results: moved.known }
}

/// The token waits at `at`.
pub(super) fn park(token: &Token, at: Position, wait: Wait, limit: Option<Duration>) -> Fate {
    let version = &token.version;
    Fate::Park {
        node: version.number(at),
        queue: version.queue(at),
        limit,
        wait,
        head: version.head(at, token.priority),
    }
}
