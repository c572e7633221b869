//! How steps and runs end: values at the edge, failures that are final, blocking code, Postgres restarts.

use std::{convert::Infallible, time::Duration};

use pgflow::{
    AttemptStatus, Failure, FailureKind, Retryable, RunError, RunState, StepContext, step, workflow,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::{Database, PATIENCE, Warnings, everything, history, survived, worker};

#[step]
async fn hand_on(value: Value) -> Result<Value, Infallible> {
    Ok(value)
}

#[workflow]
async fn hand_on_all(values: Vec<Value>) -> Result<Vec<Value>, Infallible> {
    pgflow::map(values, hand_on).await
}

#[tokio::test(flavor = "multi_thread")]
async fn falsy_values_and_the_last_digit_survive_as_outputs_and_null_elements_keep_their_place() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "hand_on_all").await;
    let values = vec![
        json!(0),
        json!(false),
        json!(""),
        Value::Null,
        json!([]),
        json!({}),
        json!(u64::MAX),
        json!(1.5e-7),
        json!(0.1 + 0.2),
    ];
    let run = flow.start::<hand_on_all>(values.clone()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), values);
    let empty = flow.start::<hand_on_all>(Vec::new()).await.unwrap();
    assert_eq!(empty.output().await.unwrap(), Vec::<Value>::new());
    worker.drain(PATIENCE).await;
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("not allowed, ever")]
    Final,
    #[error(transparent)]
    Step(#[from] Failure),
}

impl Retryable for Refusal {
    fn retryable(&self) -> bool {
        !matches!(self, Self::Final)
    }
}

#[step(retries = 5, retry_delay = "1h")]
async fn refuse_for_good(n: u32) -> Result<u32, Refusal> {
    if n == 0 { Ok(n) } else { Err(Refusal::Final) }
}

#[workflow]
async fn refused_flow(n: u32) -> Result<u32, Refusal> {
    refuse_for_good(n).await
}

#[workflow]
async fn refusal_tolerated(n: u32) -> Result<String, Refusal> {
    Ok(match refuse_for_good(n).await {
        Ok(n) => n.to_string(),
        Err(e) => e.to_string(),
    })
}

#[step(retries = 5, retry_delay = "1h")]
async fn gives_a_fatal_failure(n: u32) -> Result<u32, Failure> {
    Err(Failure::new("", FailureKind::Failed, format!("{n} is none")).fatal())
}

#[workflow]
async fn fatally_failed(n: u32) -> Result<u32, Failure> {
    gives_a_fatal_failure(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_a_step_says_is_fatal_is_not_tried_again() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["fatally_failed"]).spawn().await.unwrap();
    let run = flow.start::<fatally_failed>(1).await.unwrap();
    run.output().await.unwrap_err();
    assert_eq!(history(&run.status().await.unwrap()), ["gives_a_fatal_failure#1 failed"]);
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_non_retryable_error_fails_at_once_and_a_tolerated_one_is_a_value() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["refused_flow", "refusal_tolerated"]).spawn().await.unwrap();
    let run = flow.start::<refused_flow>(1).await.unwrap();
    assert!(matches!(run.output().await, Err(RunError::Ended { state: RunState::Failed, .. })));
    assert_eq!(history(&run.status().await.unwrap()), ["refuse_for_good#1 failed"]);
    let tolerated = flow.start::<refusal_tolerated>(1).await.unwrap();
    assert_eq!(tolerated.output().await.unwrap(), "not allowed, ever");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[step(timeout = "30ms", retries = 1, retry_delay = "1ms", concurrency = 1)]
async fn block_at_first(n: u32) -> Result<u32, Infallible> {
    let context = StepContext::current();
    if context.attempt() == 1 {
        let inner = context.clone();
        context
            .blocking(move || {
                while !inner.is_cancelled() {
                    std::thread::yield_now();
                }
            })
            .await;
    }
    Ok(n + context.attempt())
}

#[workflow]
async fn blocking_flow(n: u32) -> Result<u32, Infallible> {
    block_at_first(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn blocking_work_keeps_its_slot_until_it_ends_and_its_late_result_is_refused() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "blocking_flow").await;
    let run = flow.start::<blocking_flow>(10).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 12);
    let statuses: Vec<AttemptStatus> =
        run.status().await.unwrap().attempts.iter().map(|a| a.status).collect();
    assert_eq!(statuses, [AttemptStatus::TimedOut, AttemptStatus::Done]);
    worker.drain(PATIENCE).await;
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
}

#[step]
async fn element_of_many(n: u32) -> Result<u32, Infallible> {
    Ok(n * 7)
}

#[workflow]
async fn wide_flow(n: u32) -> Result<Vec<u32>, Infallible> {
    pgflow::map((0..n).collect::<Vec<_>>(), element_of_many).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_elements_join_once_and_come_in_input_order() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let workers = [worker(&flow, "wide_flow").await, worker(&db.flow().await, "wide_flow").await];
    let run = flow.start::<wide_flow>(10_000).await.unwrap();
    let outputs = run.output().await.unwrap();
    assert!(outputs.iter().copied().eq((0..10_000).map(|n| n * 7)), "out of order");
    let shuffled = "select count(*) from (select elem - lag(elem) over (order by ended_at, elem) as step from pgflow.attempt) s where step <> 1";
    assert!(db.count(shuffled).await > 0, "they ended in the order in which they are listed");
    assert_eq!(db.count("select count(*) from pgflow.attempt where status = 1").await, 10_000);
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_held_open_elsewhere_does_not_stop_the_engine() {
    use sqlx::Connection;
    let db = Database::new().await;
    let flow = db.flow().await;
    let mut sql = db.sql().await;
    let mut held = sql.begin().await.unwrap();
    let _: i64 = sqlx::query_scalar(
        "select count(*) + coalesce(max(pg_current_xact_id()::text::bigint), 0) from pgflow.task",
    )
    .fetch_one(&mut *held)
    .await
    .unwrap();
    let worker = worker(&flow, "wide_flow").await;
    let (least, mut runs) = (if everything() { 180 } else { 20 }, 0);
    let open = loop {
        flow.start::<wide_flow>(300).await.unwrap().output().await.unwrap();
        runs += 1;
        // in the transaction `now()` is when it began
        let open: i64 =
            sqlx::query_scalar("select extract(epoch from clock_timestamp() - now())::bigint")
                .fetch_one(&mut *held)
                .await
                .unwrap();
        if runs >= 3 && open >= least {
            break open;
        }
        // other tests have the cores meanwhile
        db.count("select 1::bigint from pg_sleep(0.2)").await;
    };
    // it has held back the removal of dead tokens all the while
    let dead = "select pg_stat_get_dead_tuples('pgflow.task'::regclass)";
    db.until_some(async || (db.count(dead).await > 300).then_some(())).await.unwrap();
    held.rollback().await.unwrap();
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
    survived(&format!("a transaction held open for {open} s"), runs);
}

#[step]
async fn sleep_long(ms: u64) -> Result<u64, Infallible> {
    let context = StepContext::current();
    let waited = context.blocking(move || {
        let until = std::time::Instant::now() + Duration::from_millis(ms);
        while std::time::Instant::now() < until {
            std::thread::yield_now();
        }
        ms
    });
    Ok(waited.await)
}

#[workflow]
async fn long_flow(ms: u64) -> Result<u64, Infallible> {
    sleep_long(ms).await
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_go_on_while_a_step_computes_longer_than_its_lease() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "long_flow").await;
    let run = flow.start::<long_flow>(11_500).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 11_500);
    assert_eq!(history(&run.status().await.unwrap()), ["sleep_long#1 done"]);
    worker.drain(PATIENCE).await;
}

/// Blocks the thread on which it runs, and with it the runtime of a test that has one thread.
#[step(retries = 0)]
async fn block_the_runtime(ms: u64) -> Result<u64, Infallible> {
    let (_held, never) = std::sync::mpsc::channel::<()>();
    let waited = never.recv_timeout(Duration::from_millis(ms));
    Ok(if waited.is_err() { ms } else { 0 })
}

#[workflow]
async fn blocks_the_runtime(ms: u64) -> Result<u64, Infallible> {
    block_the_runtime(ms).await
}

#[tokio::test]
async fn a_step_that_blocks_the_runtime_itself_keeps_its_lease_beside_workers_that_look_for_the_dead()
 {
    let db = Database::new().await;
    let flow = db.flow().await;
    let blocked = worker(&flow, "blocks_the_runtime").await;
    // somebody who would take over from it, in a runtime of its own
    let (over, ended) = tokio::sync::oneshot::channel::<()>();
    let url = db.url();
    let other = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let flow = pgflow::connect(&url).await.unwrap();
            let other = worker(&flow, "refused_flow").await;
            let _ = ended.await;
            other.drain(PATIENCE).await;
        });
    });
    db.until("select count(*) from pgflow.worker", 2).await;
    let run = flow.start::<blocks_the_runtime>(11_500).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 11_500);
    assert_eq!(history(&run.status().await.unwrap()), ["block_the_runtime#1 done"]);
    over.send(()).unwrap();
    other.join().unwrap();
    blocked.drain(PATIENCE).await;
    db.check_invariants().await;
}

static LET_GO: Semaphore = Semaphore::const_new(0);

/// Hears of no cancellation.
#[step(timeout = "30ms", retries = 0)]
async fn deaf_step(n: u32) -> Result<u32, Infallible> {
    let handle = tokio::runtime::Handle::current();
    let wait = move || handle.block_on(LET_GO.acquire()).unwrap().forget();
    StepContext::current().blocking(wait).await;
    Ok(n)
}

#[workflow]
async fn deaf_flow(n: u32) -> Result<u32, Infallible> {
    deaf_step(n).await
}

/// On one thread, so that the warning is heard.
#[tokio::test]
async fn a_step_that_ignores_its_cancellation_is_named_in_the_log() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let warnings = Warnings::hear();
    let worker = worker(&flow, "deaf_flow").await;
    let error = flow.start::<deaf_flow>(1).await.unwrap().output().await.unwrap_err().to_string();
    assert!(error.contains("`deaf_step` ran out of its 30ms"), "{error}");
    let words = "the step ignores its cancellation; it keeps its slots until it ends";
    let named = async || Some(warnings.fields(words)).filter(|fields| !fields.is_empty());
    let named = db.until_some(named).await.unwrap_or_default();
    assert_eq!(named, ["step=\"deaf_step\""], "{:?}", warnings.said());
    LET_GO.add_permits(1);
    worker.drain(PATIENCE).await;
}

#[step(retries = 0)]
async fn shout(size: usize) -> Result<String, String> {
    Err(format!("'; drop table pgflow.run; -- \0 \u{1f980} {}", "x".repeat(size)))
}

#[workflow]
async fn shouting(size: usize) -> Result<String, String> {
    shout(size).await
}

#[step]
async fn measure(text: String) -> Result<usize, Infallible> {
    Ok(text.len())
}

#[workflow]
async fn measured(text: String) -> Result<usize, Infallible> {
    measure(text).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_of_error_are_cut_and_of_input_are_refused_with_the_limit() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["shouting", "measured"]).spawn().await.unwrap();
    let run = flow.start::<shouting>(10 << 20).await.unwrap();
    let error = run.output().await.unwrap_err().to_string();
    assert!(
        error.contains("drop table pgflow.run; -- \u{fffd} \u{1f980} xxx"),
        "{}",
        &error[..200]
    );
    assert!(error.len() < 100_000, "{} bytes", error.len());
    let status = run.status().await.unwrap();
    assert!(status.failure.unwrap().message.len() < 100_000);
    let refused = flow.start::<measured>("x".repeat(10 << 20)).await.map(|r| r.id());
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains("`measured` has 10485762 bytes, more than the limit of 4194304"),
        "{error}"
    );
    // to the byte, with the quotes
    let most = (4 << 20) - 2;
    let large = flow.start::<measured>("x".repeat(most)).await.unwrap();
    assert_eq!(large.output().await.unwrap(), most);
    let refused = flow.start::<measured>("x".repeat(most + 1)).await.map(|r| r.id());
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("4194305 bytes, more than the limit of 4194304"), "{error}");
    worker.drain(PATIENCE).await;
}
