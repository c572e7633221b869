//! Time that a test moves: hours and days of waiting pass at once, and nobody's lease is lost over it.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

use pgflow::{Failure, RunState, step, workflow};
use pgflow_core::store::{
    connect::Endpoint,
    upkeep::{heartbeat, register_worker},
};
use sqlx::Connection;
use tokio::sync::Semaphore;

use crate::support::{Database, PATIENCE, worker};

type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not yet")]
    NotYet,
    #[error(transparent)]
    Step(#[from] Failure),
}

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

static TRIES: AtomicU32 = AtomicU32::new(0);

/// Five minutes a time, for a day and some hours: the delays vary by a fifth.
#[step(retries = 350, retry_delay = "5m", backoff = "fixed")]
async fn fails_for_a_day(n: u32) -> Result<u32> {
    if TRIES.fetch_add(1, Ordering::Relaxed) < 350 { Err(Error::NotYet) } else { Ok(n) }
}

#[workflow]
async fn patient(n: u32) -> Result<u32> {
    fails_for_a_day(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_over_a_day_and_their_output_come_at_once() {
    let db = Database::new().await;
    let clock = db.virtual_time().await.unwrap();
    let flow = db.flow().await;
    let worker = worker(&flow, "patient").await;
    let began = (clock.now().await.unwrap(), SystemTime::now());
    let run = flow.start::<patient>(7).await.unwrap();
    assert_eq!(clock.auto_advance(run.output()).await.unwrap(), 7);
    let passed = clock.now().await.unwrap().duration_since(began.0).unwrap();
    assert!(passed > DAY, "{passed:?}");
    println!("{passed:?} in {:?}", began.1.elapsed().unwrap());
    assert_eq!(run.status().await.unwrap().attempts.len(), 351);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[step]
async fn pass_on(n: u32) -> Result<u32> {
    Ok(n + 1)
}

#[step(rate_limit = "1/h")]
async fn once_an_hour(n: u32) -> Result<u32> {
    Ok(n)
}

/// Of which one at a time may be under way, asleep or not.
#[workflow(concurrency = 1)]
async fn sleeps_for_days(n: u32) -> Result<u32> {
    let n = pass_on(n).await?;
    pgflow::sleep(Duration::from_hours(72)).await;
    once_an_hour(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn time_jumps_from_one_due_thing_to_the_next_past_whatever_waits_for_a_limit() {
    let db = Database::new().await;
    let clock = db.virtual_time().await.unwrap();
    let flow = db.flow().await;
    let worker = worker(&flow, "sleeps_for_days").await;
    let began = clock.now().await.unwrap();
    let runs = flow.start_many::<sleeps_for_days>(0..3).await.unwrap();
    for (n, run) in (1..).zip(&runs) {
        assert_eq!(clock.auto_advance(run.output()).await.unwrap(), n);
    }
    // one after the other, and not a moment longer
    let passed = clock.now().await.unwrap().duration_since(began).unwrap();
    assert!(passed > 9 * DAY && passed < 9 * DAY + HOUR, "{passed:?}");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[workflow]
async fn limited_by_the_hour(n: u32) -> Result<Vec<u32>> {
    pgflow::map((0..n).collect::<Vec<_>>(), once_an_hour).await
}

#[tokio::test(flavor = "multi_thread")]
async fn time_jumps_over_the_rest_of_a_rate_limit() {
    let db = Database::new().await;
    let clock = db.virtual_time().await.unwrap();
    let flow = db.flow().await;
    let worker = worker(&flow, "limited_by_the_hour").await;
    let began = clock.now().await.unwrap();
    let run = flow.start::<limited_by_the_hour>(4).await.unwrap();
    assert_eq!(clock.auto_advance(run.output()).await.unwrap(), [0, 1, 2, 3]);
    let passed = clock.now().await.unwrap().duration_since(began).unwrap();
    assert!(passed > 3 * HOUR && passed < 4 * HOUR, "{passed:?}");
    worker.drain(PATIENCE).await;
}

#[workflow(timeout = "48h")]
async fn waits_for_a_word(n: u32) -> Result<u32> {
    let word = pgflow::signal::<u32>("word").await?;
    pass_on(n + word).await
}

#[step]
async fn never_ends(n: u32) -> Result<u32> {
    std::future::pending::<()>().await;
    Ok(n)
}

#[workflow(timeout = "48h")]
async fn holds(n: u32) -> Result<u32> {
    never_ends(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_passes_at_once_for_what_waits_and_for_what_runs() {
    let db = Database::new().await;
    let clock = db.virtual_time().await.unwrap();
    let flow = db.flow().await;
    let worker = flow.worker().only(["waits_for_a_word", "holds"]).spawn().await.unwrap();
    let run = flow.start::<waits_for_a_word>(1).await.unwrap();
    clock.auto_advance(run.output()).await.unwrap_err();
    assert_eq!(run.status().await.unwrap().state, RunState::TimedOut);
    let run = flow.start::<holds>(1).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    clock.advance(2 * DAY).await.unwrap();
    run.output().await.unwrap_err();
    assert_eq!(run.status().await.unwrap().state, RunState::TimedOut);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

static BEGUN_LATE: AtomicU32 = AtomicU32::new(0);

#[step]
async fn begins_too_late(n: u32) -> Result<u32> {
    BEGUN_LATE.fetch_add(1, Ordering::Relaxed);
    Ok(n)
}

#[workflow(timeout = "1h")]
async fn committed_late(n: u32) -> Result<u32> {
    begins_too_late(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_start_commits_after_its_deadline_is_ended_by_who_claims_it() {
    let db = Database::new().await;
    let clock = db.virtual_time().await.unwrap();
    let flow = db.flow().await;
    let worker = worker(&flow, "committed_late").await;
    let mut connection = db.sql().await;
    let mut transaction = connection.begin().await.unwrap();
    let run = flow.start::<committed_late>(1).on(&mut transaction).await.unwrap();
    clock.advance(DAY).await.unwrap();
    // the scan for passed deadlines does not look there again
    let passed = "select count(*) from pgflow.meta where deadline_cursor > pgflow.clock() - interval '1 hour'";
    db.until(passed, 1).await;
    transaction.commit().await.unwrap();
    run.output().await.unwrap_err();
    assert_eq!(run.status().await.unwrap().state, RunState::TimedOut);
    assert_eq!(BEGUN_LATE.load(Ordering::Relaxed), 0);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

static HELD: Semaphore = Semaphore::const_new(0);

#[step]
async fn holds_on(n: u32) -> Result<u32> {
    HELD.acquire().await.expect("it is never closed").forget();
    Ok(n)
}

#[workflow]
async fn outlasts_a_month(n: u32) -> Result<u32> {
    holds_on(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_takes_no_task_from_a_worker_that_lives() {
    let db = Database::new().await;
    let clock = db.virtual_time().await.unwrap();
    let flow = db.flow().await;
    let worker = worker(&flow, "outlasts_a_month").await;
    let run = flow.start::<outlasts_a_month>(5).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    for _ in 0..30 {
        clock.advance(DAY).await.unwrap();
        db.count("select pgflow.recover_1()::bigint").await;
    }
    HELD.add_permits(1);
    assert_eq!(run.output().await.unwrap(), 5);
    assert_eq!(run.status().await.unwrap().attempts.len(), 1);
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_amid_jumps_never_puts_a_lease_back() {
    const LEASE: Duration = Duration::from_secs(10);
    let db = Database::new().await;
    let clock = db.virtual_time().await.unwrap();
    let endpoint = Endpoint { options: db.options(), pooler: false };
    let mut connection = endpoint.open("heartbeat").await.unwrap();
    let worker = register_worker(&mut connection, "w", "{}", LEASE).await.unwrap();
    let beats = tokio::spawn(async move {
        for beat in 0..300 {
            assert!(heartbeat(&mut connection, worker, LEASE, 0).await.unwrap(), "beat {beat}");
        }
    });
    while !beats.is_finished() {
        clock.advance(HOUR).await.unwrap();
    }
    beats.await.unwrap();
}

#[workflow(schedule = "0 3 * * *")]
async fn every_night() -> Result<u32> {
    pass_on(1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_of_nights_fires_at_once() {
    let db = Database::new().await;
    let clock = db.virtual_time().await.unwrap();
    let flow = db.flow().await;
    let worker = worker(&flow, "every_night").await;
    let done = "select count(*) from pgflow.run where state = 1";
    clock.advance(DAY).await.unwrap();
    db.until(done, 1).await;
    // of the nights that one jump passes over the newest is made up for
    clock.advance(3 * DAY).await.unwrap();
    db.until(done, 2).await;
    // and none is passed over by the way
    clock
        .auto_advance(db.until("select least(count(*), 7) from pgflow.run where state = 1", 7))
        .await;
    // each night had one run; in one look, as the worker goes on
    let beside_a_night = "
        select (select count(*) from pgflow.run)
             - (select count(distinct key) from pgflow.run_key where key like 'schedule %T03:00:00Z')";
    assert_eq!(db.count(beside_a_night).await, 0);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}
