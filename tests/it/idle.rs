//! What a worker costs that has nothing to do. In a process of its own, because it counts the statements of the process.

use std::{
    convert::Infallible,
    env,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use pgflow::{step, testing, workflow};

use crate::support::{Database, PATIENCE, worker};

const CHILD: &str = "PGFLOW_TEST_IDLE_CHILD";
const SECONDS: usize = 15;

static STATEMENTS: AtomicUsize = AtomicUsize::new(0);

#[step]
async fn idle_step(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[workflow]
async fn idle_flow(n: u32) -> Result<u32, Infallible> {
    idle_step(n).await
}

#[test]
fn an_idle_worker_does_less_than_one_query_a_second() {
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "idle::child_main", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let (said, failed) =
        (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success(), "{failed}\nstatements:\n{said}");
}

/// Not a test by itself: what the other test runs as a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn child_main() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    testing::on_boundary(|what| {
        STATEMENTS.fetch_add(1, Ordering::Relaxed);
        println!("{what}");
    });
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "idle_flow").await;
    flow.start::<idle_flow>(1).await.unwrap().output().await.unwrap();
    db.until("select count(*) from pgflow.worker where idle", 1).await;
    // what it did is told with the next heartbeat
    db.until("select least(count(*), 1) from pgflow.stats", 1).await;
    let before = STATEMENTS.load(Ordering::Relaxed);
    // the database waits, so that nothing in this process does
    db.count("select 15::bigint from pg_sleep(15)").await;
    let spent = STATEMENTS.load(Ordering::Relaxed) - before;
    assert!(spent > 0, "not even a heartbeat");
    assert!(spent < SECONDS, "{spent} statements in {SECONDS} s");
    worker.drain(PATIENCE).await;
}
