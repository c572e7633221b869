//! A worker that lost its lease without knowing it, and the slots that others hold by then.

use std::time::Duration;

use pgflow::{Failure, StepContext, step, workflow};
use pgflow_core::store::{
    Connection,
    claim::{LimitedQueue, claim, claim_limited},
    connect::Endpoint,
    upkeep::register_worker,
};
use sqlx::Connection as _;
use tokio::sync::Semaphore;

use crate::support::{Database, PATIENCE, history, worker_with};

type Result<T> = std::result::Result<T, Failure>;

/// Lets the first attempt end, and the second.
static GATES: [Semaphore; 2] = [Semaphore::const_new(0), Semaphore::const_new(0)];

#[step(concurrency = 1)]
pub async fn fenced(n: u32) -> Result<u32> {
    let attempt = StepContext::current().attempt();
    let _ = GATES[usize::from(attempt > 1)].acquire().await;
    Ok(n + attempt)
}

#[workflow]
pub async fn fenced_alone(n: u32) -> Result<u32> {
    fenced(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_frees_no_slot_that_another_worker_holds_by_then() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let zombie = worker_with(flow.worker().name("zombie").slots(1), "fenced_alone").await;
    let run = flow.start::<fenced_alone>(10).await.unwrap();
    db.until("select count(*) from pgflow.slot where worker_id is not null", 1).await;
    db.expire("zombie").await;
    db.count("select pgflow.recover_1()::bigint").await;
    let second = worker_with(db.flow().await.worker().name("second"), "fenced_alone").await;
    let held = "select count(*) from pgflow.slot s join pgflow.worker w on w.id = s.worker_id where w.name = 'second'";
    db.until(held, 1).await;
    GATES[0].add_permits(1);
    // it has been refused, and begins anew
    db.until("select count(*) from pgflow.worker where name = 'zombie'", 2).await;
    assert_eq!(db.count(held).await, 1);
    GATES[1].add_permits(1);
    assert_eq!(run.output().await.unwrap(), 12);
    assert_eq!(history(&run.status().await.unwrap()), ["fenced#1 lost", "fenced#2 done"]);
    for worker in [second, zombie] {
        worker.drain(PATIENCE).await;
    }
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_lease_gets_nothing_from_a_limited_queue() {
    let db = Database::new().await;
    let flow = db.flow().await;
    // registers the workflow and its pool
    worker_with(flow.worker(), "fenced_alone").await.drain(PATIENCE).await;
    flow.start::<fenced_alone>(1).await.unwrap();
    let number = async |query| i32::try_from(db.count(query).await).unwrap();
    let queue = LimitedQueue {
        queue: number("select ready_in::bigint from pgflow.task").await,
        pools: vec![number("select id::bigint from pgflow.pool where name = 'step:fenced'").await],
        devices: Vec::new(),
        device_count: 0,
        rate: None,
    };
    let endpoint = Endpoint { options: db.options(), pooler: false };
    let mut connection = endpoint.open("claims").await.unwrap();
    let lease = Duration::from_secs(60);
    let silent = register_worker(&mut connection, "silent", "{}", lease).await.unwrap();
    db.expire("silent").await;
    assert!(claim_limited(&mut connection, silent, &queue, 1).await.unwrap().is_empty());
    let alive = register_worker(&mut connection, "alive", "{}", lease).await.unwrap();
    assert_eq!(claim_limited(&mut connection, alive, &queue, 1).await.unwrap().len(), 1);
}

#[step]
pub async fn unfenced(n: u32) -> Result<u32> {
    Ok(n + StepContext::current().attempt())
}

#[workflow]
pub async fn unfenced_alone(n: u32) -> Result<u32> {
    unfenced(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_worker_claimed_while_it_was_taken_for_dead_is_taken_over_all_the_same() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let run = flow.start::<unfenced_alone>(10).await.unwrap();
    let queue = db.count("select ready_in::bigint from pgflow.task").await;
    let endpoint = Endpoint { options: db.options(), pooler: false };
    let mut connection = endpoint.open("claims").await.unwrap();
    let lease = Duration::from_secs(60);
    let slow = register_worker(&mut connection, "slow", "{}", lease).await.unwrap();
    let mut sql = db.sql().await;
    let mut tx = sql.begin().await.unwrap();
    let queues = [i32::try_from(queue).unwrap()];
    let claimed = claim(&mut Connection::within(&mut tx), slow, &queues, &[i64::MIN], 1).await;
    assert_eq!(claimed.unwrap().len(), 1);
    // the claim had a lease when it began, and nobody else sees yet what it took
    db.expire("slow").await;
    assert_eq!(db.count("select pgflow.recover_1()::bigint").await, 0);
    tx.commit().await.unwrap();
    let second = worker_with(flow.worker(), "unfenced_alone").await;
    let output = tokio::time::timeout(PATIENCE, run.output()).await.expect("somebody takes over");
    assert_eq!(output.unwrap(), 12);
    second.drain(PATIENCE).await;
    db.check_invariants().await;
}
