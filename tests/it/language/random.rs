//! Random programs: plain call and graph give the same value, and keep the same order of effects.

use std::collections::BTreeSet;

use pgflow::{Flow, Workflow, testing, testing::RunError};

use crate::support::{Database, PATIENCE};

use super::{
    program_steps::{Fallible, doubled, taken_calls},
    programs::*,
};

/// What one call or run of a program did.
pub struct Seen {
    pub result: Result<u32, String>,
    pub calls: Vec<u32>,
}

/// What ran before each effect. With a failure the graph may have run more, or less, than the plain call.
fn before_effects(calls: &[u32], effects: &[u32]) -> Vec<(u32, BTreeSet<u32>)> {
    let is_effect = |(_, place): &(usize, &u32)| effects.contains(place);
    let found = calls.iter().enumerate().filter(is_effect);
    found.map(|(i, place)| (*place, calls[..i].iter().copied().collect())).collect()
}

/// Compares a run with the plain call.
pub fn agree(plain: &Seen, graph: &Seen, effects: &[u32], what: &str) {
    assert_eq!(plain.result, graph.result, "{what}");
    let (mut of_plain, mut of_graph) = (plain.calls.clone(), graph.calls.clone());
    if plain.result.is_ok() {
        assert_eq!(
            before_effects(&of_plain, effects),
            before_effects(&of_graph, effects),
            "{what}"
        );
        of_plain.sort_unstable();
        of_graph.sort_unstable();
        // a tolerated map stops at its first error in a plain call, and runs all elements in the graph
        of_plain.dedup();
        of_graph.dedup();
        assert_eq!(of_plain, of_graph, "{what}");
    }
}

/// The signal that some programs wait for, given to all.
const GIVEN: (&str, u32) = ("given", 7);

/// A plain call.
pub async fn plain(call: impl Future<Output = Fallible<u32>>, run: u32) -> Seen {
    let result = testing::with_signals([GIVEN], call).await.map_err(|e| e.to_string());
    Seen { result, calls: taken_calls(run) }
}

async fn in_memory<W>(run: u32, n: u32) -> Seen
where
    W: Workflow<Input = (u32, u32), Output = u32>,
{
    let program = testing::run::<W>().signal(GIVEN.0, &GIVEN.1);
    let result = match program.input((run, n)).await {
        Ok(value) => Ok(value),
        Err(RunError::Failed(failure)) => Err(failure.message),
        Err(other) => panic!("{}: {other}", W::NAME),
    };
    Seen { result, calls: taken_calls(run) }
}

/// Checks one program for several inputs.
macro_rules! check {
    ($($program:ident $effects:expr;)+) => { $(
        for n in [0, 1, 2, 3, 7, 10, 1000] {
            let run = next_run();
            let plain = plain($program(run, n), run).await;
            let graph = in_memory::<$program>(run, n).await;
            agree(&plain, &graph, &$effects, &format!("{} {n}", stringify!($program)));
        }
    )+ };
}

/// Numbers runs, so that their steps do not write into each other's lists.
fn next_run() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread")]
async fn random_programs_give_in_the_graph_what_the_plain_call_gives() {
    each_program!(check);
}

async fn on_postgres<W>(flow: &Flow, run: u32, n: u32) -> Seen
where
    W: Workflow<Input = (u32, u32), Output = u32>,
{
    let started = flow.start::<W>((run, n)).await.unwrap();
    // a run that has ended already needs none
    let _ = started.signal(GIVEN.0, &GIVEN.1, "test").await;
    let result = match started.output().await {
        Ok(value) => Ok(value),
        Err(pgflow::RunError::Ended { failure, .. }) => Err(failure.message),
        Err(other) => panic!("{}: {other}", W::NAME),
    };
    Seen { result, calls: taken_calls(run) }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_programs_give_on_postgres_what_the_plain_call_gives() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let mut names = vec![doubled::NAME];
    macro_rules! name {
        ($($program:ident $effects:expr;)+) => { $( names.push($program::NAME); )+ };
    }
    each_program!(name);
    let workers = [
        flow.worker().only(names.clone()).spawn().await.unwrap(),
        db.flow().await.worker().only(names).spawn().await.unwrap(),
    ];
    macro_rules! check_durably {
        ($($program:ident $effects:expr;)+) => { $(
            for n in [0, 1, 3, 10] {
                let run = next_run();
                let plain = plain($program(run, n), run).await;
                let durable = on_postgres::<$program>(&flow, run, n).await;
                agree(&plain, &durable, &$effects, &format!("{} {n}", stringify!($program)));
            }
        )+ };
    }
    each_program!(check_durably);
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    db.check_invariants().await;
}
