//! A trace that a caller began goes on through every step.

use std::num::NonZeroU64;

use pgflow::{Failure, StepContext, TraceParent, step, workflow};

use crate::support::{Database, PATIENCE, worker};

type Result<T> = std::result::Result<T, Failure>;

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn here() -> Option<String> {
    StepContext::current().trace_parent().map(|parent| parent.to_string())
}

#[step]
pub async fn first_traced(n: u32) -> Result<Option<String>> {
    let _ = n;
    Ok(here())
}

#[step]
pub async fn each_traced(n: u32) -> Result<Option<String>> {
    let _ = n;
    Ok(here())
}

#[workflow]
pub async fn inner_traced(n: u32) -> Result<Option<String>> {
    first_traced(n).await
}

#[workflow]
pub async fn traced(n: u32) -> Result<Vec<Option<String>>> {
    let first = first_traced(n).await?;
    pgflow::sleep(std::time::Duration::from_millis(30)).await;
    let each = pgflow::map(vec![1, 2], each_traced).await?;
    let inner = pgflow::child(inner_traced(n)).await?;
    Ok([vec![first], each, vec![inner]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_begun_by_the_caller_goes_on_through_every_step_on_whichever_worker() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(worker(&db.flow().await, "traced").await);
        workers.push(worker(&db.flow().await, "inner_traced").await);
    }
    let caller: TraceParent = CALLER.parse().unwrap();
    let run = flow.start::<traced>(1).trace(caller).await.unwrap();
    let id = run.id();
    let spans: Vec<TraceParent> =
        run.output().await.unwrap().iter().map(|s| s.as_ref().unwrap().parse().unwrap()).collect();
    assert_eq!(spans[0], caller.of_attempt(id, "first_traced", None, 1));
    assert_eq!(spans[1], caller.of_attempt(id, "each_traced", Some(0), 1));
    assert_eq!(spans[2], caller.of_attempt(id, "each_traced", Some(1), 1));
    assert!(spans.iter().all(|span| span.trace == caller.trace && span.sampled));
    let stored = "select count(*) from pgflow.runs where trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'";
    assert_eq!(db.count(stored).await, 2, "the run and its child");

    // a source on the flow, and no trace at all
    let other = TraceParent::new(caller.trace, NonZeroU64::MIN, false);
    let sourced = flow.traced(move || Some(other)).start::<inner_traced>(1).await.unwrap();
    let expected = other.of_attempt(sourced.id(), "first_traced", None, 1);
    assert_eq!(sourced.output().await.unwrap(), Some(expected.to_string()));
    let plain = flow.start::<inner_traced>(1).await.unwrap();
    assert_eq!(plain.output().await.unwrap(), None);
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
}
