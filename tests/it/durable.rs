//! Runs on Postgres: what comes out, and what is left behind.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use pgflow::{Failure, RunError, RunState, StepContext, step, workflow};
use serde::{Deserialize, Serialize};

use crate::support::{Database, PATIENCE, history, worker};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} is odd")]
    Odd(u32),
    #[error(transparent)]
    Step(#[from] Failure),
}

type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    items: Vec<u32>,
}

#[step]
pub async fn look_up(n: u32) -> Result<Found> {
    Ok(Found { items: (0..n).collect() })
}

#[step]
pub async fn double_it(n: u32) -> Result<u32> {
    Ok(n * 2)
}

#[step]
pub async fn sum_up(numbers: Vec<u32>, extra: u32) -> Result<u32> {
    Ok(numbers.iter().sum::<u32>() + extra)
}

#[step(retries = 0)]
pub async fn even_only(n: u32) -> Result<u32> {
    if n.is_multiple_of(2) { Ok(n) } else { Err(Error::Odd(n)) }
}

#[workflow]
pub async fn chain_of_three(n: u32) -> Result<u32> {
    let found = look_up(n).await?;
    let doubled = double_it(u32::try_from(found.items.len()).unwrap_or_default()).await?;
    sum_up(found.items, doubled).await
}

#[workflow]
pub async fn map_and_sum(n: u32) -> Result<u32> {
    let found = look_up(n).await?;
    let all = pgflow::map(found.items, double_it).await?;
    sum_up(all, n).await
}

#[workflow]
pub async fn diamond_shape(n: u32) -> Result<u32> {
    let left = double_it(n).await?;
    let right = look_up(n).await?;
    sum_up(right.items, left).await
}

#[workflow]
pub async fn forgiving(n: u32) -> Result<String> {
    let checked = even_only(n).await;
    let doubled = double_it(n).await?;
    Ok(match checked {
        Ok(n) => format!("even {n} {doubled}"),
        Err(e) => format!("{e} {doubled}"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_runs_and_leaves_its_history() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "chain_of_three").await;
    let run = flow.start::<chain_of_three>(4).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 14);
    let status = run.status().await.unwrap();
    assert_eq!(status.state, RunState::Completed);
    assert_eq!(history(&status), ["look_up#1 done", "double_it#1 done", "sum_up#1 done"]);
    for attempt in &status.attempts {
        assert!(
            attempt.ready_at <= attempt.started_at && attempt.started_at <= Some(attempt.ended_at)
        );
    }
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_call_memory_and_durable_run_agree() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker =
        flow.worker().only(["map_and_sum", "diamond_shape", "forgiving"]).spawn().await.unwrap();
    for n in [0, 1, 2, 7] {
        assert_eq!(
            flow.start::<map_and_sum>(n).await.unwrap().output().await.unwrap(),
            map_and_sum(n).await.unwrap()
        );
        assert_eq!(
            flow.start::<diamond_shape>(n).await.unwrap().output().await.unwrap(),
            diamond_shape(n).await.unwrap()
        );
        assert_eq!(
            flow.start::<forgiving>(n).await.unwrap().output().await.unwrap(),
            forgiving(n).await.unwrap()
        );
    }
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

static TRIES: AtomicUsize = AtomicUsize::new(0);

#[step(retries = 2, retry_delay = "10ms")]
pub async fn third_time_lucky(n: u32) -> Result<u32> {
    if TRIES.fetch_add(1, Ordering::Relaxed) < 2 {
        Err(Error::Odd(n))
    } else {
        Ok(StepContext::current().attempt())
    }
}

#[workflow]
pub async fn lucky(n: u32) -> Result<u32> {
    third_time_lucky(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_retried_and_every_attempts_error_is_kept() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "lucky").await;
    let run = flow.start::<lucky>(1).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 3);
    let status = run.status().await.unwrap();
    assert_eq!(
        history(&status),
        ["third_time_lucky#1 failed", "third_time_lucky#2 failed", "third_time_lucky#3 done"]
    );
    assert_eq!(status.attempts[0].failure.as_ref().unwrap().message, "1 is odd");
    worker.drain(PATIENCE).await;
}

#[workflow]
pub async fn doomed(n: u32) -> Result<u32> {
    let n = even_only(n).await?;
    double_it(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_failure_ends_task_step_and_run() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "doomed").await;
    let error = flow.start::<doomed>(3).await.unwrap().output().await.unwrap_err();
    let RunError::Ended { state, failure, .. } = error else { panic!("{error}") };
    assert_eq!(
        (state, failure.message.as_str(), failure.step.as_str()),
        (RunState::Failed, "3 is odd", "even_only")
    );
    assert_eq!(db.count("select count(*) from pgflow.failure where step = 'even_only'").await, 1);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[step(timeout = "50ms", retries = 0)]
pub async fn never_done(_n: u32) -> Result<u32> {
    std::future::pending().await
}

#[workflow]
pub async fn timed(n: u32) -> Result<u32> {
    never_done(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_stops_the_step_and_says_how_long_it_had() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "timed").await;
    let error = flow.start::<timed>(3).await.unwrap().output().await.unwrap_err();
    assert!(error.to_string().contains("`never_done` ran out of its 50ms"), "{error}");
    worker.drain(PATIENCE).await;
}

#[step(retries = 0)]
pub async fn panics_here(n: u32) -> Result<u32> {
    assert!(n > 1000, "boom {n}");
    Ok(n)
}

#[workflow]
pub async fn panics_at_once(n: u32) -> Result<u32> {
    panics_here(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_failure_with_its_message() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "panics_at_once").await;
    let error = flow.start::<panics_at_once>(7).await.unwrap().output().await.unwrap_err();
    assert!(error.to_string().contains("boom 7"), "{error}");
    worker.drain(PATIENCE).await;
}

#[step]
pub async fn waits_for_ever(_n: u32) -> Result<u32> {
    StepContext::current().cancelled().await;
    Ok(0)
}

#[workflow(timeout = "200ms")]
pub async fn overdue(n: u32) -> Result<u32> {
    waits_for_ever(n).await
}

#[workflow]
pub async fn cancellable(n: u32) -> Result<u32> {
    waits_for_ever(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_ends_the_run() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "overdue").await;
    let error = flow.start::<overdue>(7).await.unwrap().output().await.unwrap_err();
    assert!(matches!(error, RunError::Ended { state: RunState::TimedOut, .. }), "{error}");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_has_no_task_left_and_its_step_is_told_to_stop() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "cancellable").await;
    let run = flow.start::<cancellable>(7).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    assert!(run.cancel("a test").await.unwrap());
    assert!(!run.cancel("a test").await.unwrap(), "the second time there is nothing to cancel");
    let error = run.output().await.unwrap_err();
    assert!(error.to_string().contains("cancelled by a test"), "{error}");
    assert_eq!(history(&run.status().await.unwrap()), ["waits_for_ever#1 cancelled"]);
    // the drain ends at once only because the step has stopped
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

static AT_ONCE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[step(concurrency = 2)]
pub async fn counted(n: u32) -> Result<u32> {
    MOST.fetch_max(AT_ONCE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    tokio::task::yield_now().await;
    AT_ONCE.fetch_sub(1, Ordering::SeqCst);
    Ok(n)
}

#[workflow]
pub async fn limited(n: u32) -> Result<u32> {
    let all = pgflow::map((0..n).collect::<Vec<_>>(), counted).await?;
    sum_up(all, 0).await
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_concurrency_tasks_run_at_once_over_all_workers() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let workers = [worker(&flow, "limited").await, worker(&db.flow().await, "limited").await];
    assert_eq!(
        flow.start::<limited>(40).await.unwrap().output().await.unwrap(),
        (0..40).sum::<u32>()
    );
    assert!(MOST.load(Ordering::SeqCst) <= 2);
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
    db.check_invariants().await;
}

#[workflow(concurrency = 1)]
pub async fn one_run_at_a_time(n: u32) -> Result<u32> {
    let n = counted_runs(n).await?;
    double_it(n).await
}

static RUNS: AtomicUsize = AtomicUsize::new(0);

#[step]
pub async fn counted_runs(n: u32) -> Result<u32> {
    assert_eq!(RUNS.fetch_add(1, Ordering::SeqCst), 0, "two runs at once");
    tokio::task::yield_now().await;
    RUNS.fetch_sub(1, Ordering::SeqCst);
    Ok(n)
}

/// Ends well, fails, or waits for ever.
#[step(retries = 0)]
pub async fn end_so(how: u32) -> Result<u32> {
    match how {
        0 => Ok(how),
        1 => Err(Error::Odd(how)),
        _ => std::future::pending().await,
    }
}

#[workflow(concurrency = 1)]
pub async fn one_at_a_time_to_any_end(how: u32) -> Result<u32> {
    end_so(how).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_is_cancelled_or_passes_its_deadline_frees_the_slot_of_its_workflow() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "one_at_a_time_to_any_end").await;
    // one after the other, as of one batch any may come first
    let fails = flow.start::<one_at_a_time_to_any_end>(1).await.unwrap();
    let cancelled = flow.start::<one_at_a_time_to_any_end>(2).await.unwrap();
    let late = flow.start::<one_at_a_time_to_any_end>(3).await.unwrap();
    let last = flow.start::<one_at_a_time_to_any_end>(0).await.unwrap();
    let under_way = "select coalesce(max(r.id), 0) from pgflow.run r join pgflow.task k on k.run_id = r.id \
                     join pgflow.slot s on s.run_id = r.id where k.worker_id is not null and k.node > 0";
    fails.output().await.unwrap_err();
    db.until(under_way, cancelled.id().0).await;
    assert_eq!(db.count("select count(*) from pgflow.attempt").await, 1, "the others wait");
    assert!(cancelled.cancel("a test").await.unwrap());
    db.until(under_way, late.id().0).await;
    sqlx::query("update pgflow.run set deadline = pgflow.clock() where id = $1")
        .bind(late.id().0)
        .execute(&mut db.sql().await)
        .await
        .unwrap();
    let error = late.output().await.unwrap_err();
    assert!(matches!(error, RunError::Ended { state: RunState::TimedOut, .. }), "{error}");
    assert_eq!(last.output().await.unwrap(), 0);
    assert_eq!(cancelled.status().await.unwrap().state, RunState::Cancelled);
    worker.drain(PATIENCE).await;
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workflow_concurrency_holds_runs_back_and_a_completed_one_frees_the_slot() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let workers = [
        worker(&flow, "one_run_at_a_time").await,
        worker(&db.flow().await, "one_run_at_a_time").await,
    ];
    let runs = flow.start_many::<one_run_at_a_time>(0..20).await.unwrap();
    for (n, run) in (0..).zip(&runs) {
        assert_eq!(run.output().await.unwrap(), 2 * n);
    }
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_one_run_and_another_input_under_it_is_reported() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let first = flow.start::<chain_of_three>(4).key("job '1' \u{1f980}").await.unwrap();
    let again = flow.start::<chain_of_three>(4).key("job '1' \u{1f980}").await.unwrap();
    assert_eq!(first.id(), again.id());
    let error =
        flow.start::<chain_of_three>(5).key("job '1' \u{1f980}").await.map(|r| r.id()).unwrap_err();
    assert!(error.to_string().contains("with another input"), "{error}");
    assert_eq!(db.count("select count(*) from pgflow.run").await, 1);
    assert_eq!(db.count("select count(*) from pgflow.task where ready_in is not null").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_is_rolled_back_and_visible_with_the_callers_transaction() {
    use sqlx::Connection;
    let db = Database::new().await;
    let flow = db.flow().await;
    let mut sql = db.sql().await;
    let mut tx = sql.begin().await.unwrap();
    flow.start::<chain_of_three>(4).on(&mut tx).await.unwrap();
    assert_eq!(db.count("select count(*) from pgflow.run").await, 0);
    tx.rollback().await.unwrap();
    let mut tx = sql.begin().await.unwrap();
    let run = flow.start::<chain_of_three>(4).on(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let worker = worker(&flow, "chain_of_three").await;
    assert_eq!(run.output().await.unwrap(), 14);
    assert_eq!(db.count("select count(*) from pgflow.run").await, 1);
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_runs_start_in_one_call_and_all_complete() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let runs = flow.start_many::<chain_of_three>((0..10_000).map(|n| n % 5)).await.unwrap();
    assert_eq!(runs.len(), 10_000);
    let worker = worker(&flow, "chain_of_three").await;
    db.until("select count(*) from pgflow.run where state = 1", 10_000).await;
    worker.drain(PATIENCE).await;
    assert_eq!(db.count("select count(*) from pgflow.attempt").await, 30_000);
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_start_stays_invisible_for_the_delay() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "chain_of_three").await;
    let run = flow.start::<chain_of_three>(4).after(Duration::from_millis(300)).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 14);
    let early = db.count("select count(*) from pgflow.attempt a join pgflow.run r on r.id = a.run_id where a.started_at < r.created_at + interval '300 ms'").await;
    assert_eq!(early, 0);
    worker.drain(PATIENCE).await;
}
