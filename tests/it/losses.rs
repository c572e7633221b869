//! Tasks that workers died of: how often they are tried again, and beside what.

use std::sync::atomic::{AtomicUsize, Ordering};

use pgflow::{Failure, step, workflow};
use tokio::sync::Semaphore;

use crate::{
    faults::{execute, lose_leases},
    support::{Database, PATIENCE, history, worker_with},
};

type Result<T> = std::result::Result<T, Failure>;

#[step]
pub async fn kills_workers(_n: u32) -> Result<u32> {
    std::future::pending().await
}

#[workflow]
pub async fn deadly(n: u32) -> Result<u32> {
    kills_workers(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_five_workers_died_of_fails_as_lost() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let run = flow.start::<deadly>(1).await.unwrap();
    let mut workers = Vec::new();
    for held in [
        "select count(*) from pgflow.task where worker_id is not null and losses = 0",
        "select count(*) from pgflow.task where worker_id is not null and losses = 1",
        "select count(*) from pgflow.task where worker_id is not null and losses = 2",
        "select count(*) from pgflow.task where worker_id is not null and losses = 3",
        "select count(*) from pgflow.task where worker_id is not null and losses = 4",
    ] {
        // a worker with one slot: it cannot take the task again while it holds the dead attempt
        workers.push(worker_with(flow.worker().slots(1), "deadly").await);
        db.until(held, 1).await;
        lose_leases(&db).await;
    }
    workers.push(worker_with(flow.worker().slots(1), "deadly").await);
    let error = run.output().await.unwrap_err().to_string();
    assert!(error.contains("5 workers died while they ran `kills_workers`"), "{error}");
    let history = history(&run.status().await.unwrap());
    assert_eq!(history.len(), 6, "{history:?}");
    assert!(history.iter().all(|attempt| attempt.ends_with(" lost")), "{history:?}");
    db.check_invariants().await;
}

static SUSPECTS: Semaphore = Semaphore::const_new(0);
static AT_ONCE: AtomicUsize = AtomicUsize::new(0);
static MOST_AT_ONCE: AtomicUsize = AtomicUsize::new(0);

#[step]
pub async fn may_kill_its_worker(n: u32) -> Result<u32> {
    let now = AT_ONCE.fetch_add(1, Ordering::SeqCst) + 1;
    MOST_AT_ONCE.fetch_max(now, Ordering::SeqCst);
    SUSPECTS.acquire().await.unwrap().forget();
    AT_ONCE.fetch_sub(1, Ordering::SeqCst);
    Ok(n)
}

#[step]
pub async fn is_innocent(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
pub async fn suspected(n: u32) -> Result<u32> {
    may_kill_its_worker(n).await
}

#[workflow]
pub async fn innocent(n: u32) -> Result<u32> {
    is_innocent(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_tasks_that_workers_died_of_a_worker_runs_one_at_a_time_and_all_others_as_ever() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let suspects = flow.start_many::<suspected>(1..=3).await.unwrap();
    execute(&db, "update pgflow.task set losses = 2, attempt = 3").await;
    let worker = flow.worker().only(["suspected", "innocent"]).spawn().await.unwrap();
    let alone = "select count(*) from pgflow.task where worker_id is not null and losses = 2";
    db.until(alone, 1).await;
    for run in flow.start_many::<innocent>(1..=20).await.unwrap() {
        run.output().await.unwrap();
    }
    SUSPECTS.add_permits(3);
    for run in suspects {
        run.output().await.unwrap();
    }
    assert_eq!(MOST_AT_ONCE.load(Ordering::SeqCst), 1);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}
