//! Sleeps, signals, child runs and bounded maps on Postgres: what waits holds no worker, and nothing is missed.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use pgflow::{
    ActionError, Failure, FailureKind, RunError, RunState, StepContext, TaskState, step, workflow,
};
use tokio::sync::{Barrier, OnceCell};

use crate::support::{Database, PATIENCE, history, worker};

type Result<T> = std::result::Result<T, Failure>;

#[step]
pub async fn prepare(n: u32) -> Result<u32> {
    Ok(n + 1)
}

#[step]
pub async fn publish(n: u32, by: String) -> Result<String> {
    Ok(format!("{n} by {by}"))
}

#[workflow]
pub async fn publishing(n: u32) -> Result<String> {
    let ready = prepare(n).await?;
    let by = pgflow::signal::<String>("approve").await?;
    publish(ready, by).await
}

#[workflow]
pub async fn publishing_soon(n: u32) -> Result<String> {
    let ready = prepare(n).await?;
    let by = pgflow::signal::<String>("approve").within("200ms").await?;
    publish(ready, by).await
}

#[workflow]
pub async fn resting(seconds: u64) -> Result<u32> {
    pgflow::sleep(Duration::from_secs(seconds)).await;
    prepare(1).await
}

/// What is parked; beside it a join may wait, as a signal is ordered by data alone.
const WAITING: &str = "select count(*) from pgflow.task where num_nonnulls(ready_in, worker_id) = 0 and arrived = need";
/// Steps of children that run.
const CHILDREN_RUNNING: &str = "select count(*) from pgflow.task k join pgflow.run r on r.id = k.run_id \
     where k.worker_id is not null and r.parent_run is not null";

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_wakes_the_run_that_waits_for_it_and_the_first_one_wins() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "publishing").await;
    let run = flow.start::<publishing>(6).await.unwrap();
    db.until(WAITING, 1).await;
    let tasks = run.status().await.unwrap().tasks;
    let parked =
        |t: &pgflow::TaskView| t.node == "signal:approve" && t.state == TaskState::AwaitsSignal;
    assert!(tasks.iter().any(parked), "{tasks:?}");
    let error = run.signal("aprove", &"x", "ann").await.unwrap_err();
    let expected = format!(
        "the workflow of run {} waits for no signal `aprove`; it waits for `approve`",
        run.id()
    );
    assert_eq!(error.to_string(), expected);
    assert!(run.signal("approve", &"eve", "ann").await.unwrap());
    assert!(!run.signal("approve", &"eve", "ann").await.unwrap());
    let error = run.signal("approve", &"bob", "ann").await.unwrap_err();
    assert!(matches!(error, ActionError::OtherPayload { .. }), "{error}");
    assert_eq!(run.output().await.unwrap(), "7 by eve");
    let ended = history(&run.status().await.unwrap());
    assert_eq!(ended.last().unwrap(), "publish#1 done");
    assert!(ended.contains(&"signal:approve#1 done".into()), "{ended:?}");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_sent_before_it_is_awaited_is_kept() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let run = flow.start::<publishing>(1).await.unwrap();
    run.signal("approve", &"early", "ann").await.unwrap();
    let worker = worker(&flow, "publishing").await;
    assert_eq!(run.output().await.unwrap(), "2 by early");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_that_race_their_waits_are_never_missed() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "publishing").await;
    let runs = flow.start_many::<publishing>(0..100).await.unwrap();
    for run in &runs {
        run.signal("approve", &"all", "ann").await.unwrap();
    }
    for (n, run) in (1..).zip(&runs) {
        assert_eq!(run.output().await.unwrap(), format!("{n} by all"));
    }
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_is_late_times_out_and_says_so() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "publishing_soon").await;
    let run = flow.start::<publishing_soon>(1).await.unwrap();
    let RunError::Ended { failure, .. } = run.output().await.unwrap_err() else { panic!("ended") };
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert_eq!(failure.message, "signal `approve` did not come within 200ms");
    let error = run.signal("approve", &"late", "ann").await.unwrap_err();
    assert!(matches!(error, ActionError::Ended(_)), "{error}");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleep_holds_no_worker_and_outlives_it() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let first = worker(&flow, "resting").await;
    let run = flow.start::<resting>(3600).await.unwrap();
    db.until(WAITING, 1).await;
    assert_eq!(run.status().await.unwrap().tasks[0].state, TaskState::Sleeping);
    first.drain(PATIENCE).await;
    // an hour later, as the database sees it
    let later = "update pgflow.task set due_at = due_at - interval '1 hour'";
    sqlx::query(later).execute(&mut db.sql().await).await.unwrap();
    let second = worker(&flow, "resting").await;
    assert_eq!(run.output().await.unwrap(), 2);
    second.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[step(retries = 0)]
pub async fn halve(n: u32) -> Result<u32> {
    if n.is_multiple_of(2) {
        return Ok(n / 2);
    }
    Err(Failure::new("halve", FailureKind::Failed, format!("{n} is odd")))
}

#[step]
pub async fn linger(n: u32) -> Result<u32> {
    StepContext::current().cancelled().await;
    Ok(n)
}

#[workflow]
pub async fn halving(n: u32) -> Result<u32> {
    let half = halve(n).await?;
    prepare(half).await
}

#[workflow]
pub async fn lingering(n: u32) -> Result<u32> {
    linger(n).await
}

#[workflow]
pub async fn halving_twice(n: u32) -> Result<String> {
    let first = pgflow::child(halving(n)).await?;
    #[id = "second"]
    let second = pgflow::child(halving(first)).await;
    Ok(match second {
        Ok(n) => format!("{n}"),
        Err(failure) => format!("no: {failure}"),
    })
}

#[workflow]
pub async fn lingering_parent(n: u32) -> Result<u32> {
    pgflow::child(lingering(n)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_childs_output_and_failure_reach_its_parent() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["halving_twice", "halving"]).spawn().await.unwrap();
    for (n, expected) in [(6, "3"), (4, "no: 3 is odd")] {
        let run = flow.start::<halving_twice>(n).await.unwrap();
        let output = run.output().await.unwrap();
        assert!(output.contains(expected.trim_start_matches("no: ")), "{n}: {output}");
        assert_eq!(output.starts_with("no"), expected.starts_with("no"), "{n}: {output}");
    }
    let run = flow.start::<halving_twice>(3).await.unwrap();
    let error = run.output().await.unwrap_err();
    assert!(error.to_string().contains("3 is odd"), "{error}");
    assert_eq!(db.count("select count(*) from pgflow.run where parent_run is not null").await, 5);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_parent_cancels_its_children() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["lingering_parent", "lingering"]).spawn().await.unwrap();
    let run = flow.start::<lingering_parent>(1).await.unwrap();
    db.until(CHILDREN_RUNNING, 1).await;
    assert_eq!(run.status().await.unwrap().tasks[0].state, TaskState::AwaitsChild);
    assert!(run.cancel("ann").await.unwrap());
    assert_eq!(db.count("select count(*) from pgflow.run where state = 3").await, 2);
    assert_eq!(db.count("select count(*) from pgflow.task").await, 0);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_child_is_a_failure_of_its_parent() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["lingering_parent", "lingering"]).spawn().await.unwrap();
    let run = flow.start::<lingering_parent>(1).await.unwrap();
    db.until(CHILDREN_RUNNING, 1).await;
    let child: i64 = sqlx::query_scalar("select id from pgflow.run where parent_run is not null")
        .fetch_one(&mut db.sql().await)
        .await
        .unwrap();
    flow.cancel(pgflow::RunId(child), "ann").await.unwrap();
    let RunError::Ended { state, failure, .. } = run.output().await.unwrap_err() else { panic!() };
    assert_eq!((state, failure.kind), (RunState::Failed, FailureKind::Cancelled));
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

static AT_ONCE: AtomicU32 = AtomicU32::new(0);
static MOST: AtomicU32 = AtomicU32::new(0);
static FULL: OnceCell<Barrier> = OnceCell::const_new();

#[step(retries = 0)]
pub async fn one_of_few(n: u32) -> Result<u32> {
    let now = AT_ONCE.fetch_add(1, Ordering::SeqCst) + 1;
    MOST.fetch_max(now, Ordering::SeqCst);
    // goes on when as many are there as may be
    FULL.get_or_init(async || Barrier::new(3)).await.wait().await;
    AT_ONCE.fetch_sub(1, Ordering::SeqCst);
    halve(n).await
}

#[step]
pub async fn numbers(n: u32) -> Result<Vec<u32>> {
    Ok((0..n).collect())
}

#[workflow]
pub async fn few_at_once(n: u32) -> Result<(usize, usize)> {
    let all = numbers(n).await?;
    let halves = pgflow::map(all, one_of_few).limit(3).at_least(0.5).await?;
    let good = halves.iter().filter(|half| half.is_ok()).count();
    Ok((good, halves.len() - good))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounded_map_runs_so_many_at_once_and_may_lose_a_share() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let workers = [worker(&flow, "few_at_once").await, worker(&flow, "few_at_once").await];
    let run = flow.start::<few_at_once>(60).await.unwrap();
    assert_eq!(run.output().await.unwrap(), (30, 30));
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
    let run = flow.start::<few_at_once>(0).await.unwrap();
    assert_eq!(run.output().await.unwrap(), (0, 0));
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    db.check_invariants().await;
}

#[workflow]
pub async fn too_few(n: u32) -> Result<usize> {
    let all = numbers(n).await?;
    let halves = pgflow::map(all, halve).at_least(0.9).await?;
    Ok(halves.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_of_which_too_few_succeed_fails_and_says_how_many() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "too_few").await;
    let error = flow.start::<too_few>(4).await.unwrap().output().await.unwrap_err().to_string();
    assert!(
        error.contains(
            "2 of 4 elements succeeded, fewer than the 90 % that must; the first failure: 1 is odd"
        ),
        "{error}"
    );
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

static TRIED: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];

/// Fails the first time for 2.
#[step(retry_delay = "10ms")]
pub async fn second_time_lucky(n: u32) -> Result<u32> {
    let place = usize::try_from(n).unwrap_or_default();
    if TRIED[place].fetch_add(1, Ordering::SeqCst) == 0 && n == 2 {
        return Err(Failure::new("second_time_lucky", FailureKind::Failed, "not yet"));
    }
    Ok(n * 10)
}

#[workflow]
pub async fn lucky_list(n: u32) -> Result<Vec<u32>> {
    let all = numbers(n).await?;
    pgflow::map(all, second_time_lucky).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failing_element_of_a_map_is_tried_again_alone() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "lucky_list").await;
    let run = flow.start::<lucky_list>(4).await.unwrap();
    assert_eq!(run.output().await.unwrap(), [0, 10, 20, 30]);
    assert_eq!(TRIED.each_ref().map(|n| n.load(Ordering::SeqCst)), [1, 1, 2, 1]);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}
