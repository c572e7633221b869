//! Postgres goes down in the middle of load: immediately, as in a crash, and comes back. In a process and a server of
//! their own, because the other tests use the shared one.

use std::{
    convert::Infallible,
    env,
    process::{Command, id},
    sync::atomic::{AtomicUsize, Ordering},
};

use pgflow::{step, testing, workflow};
use sqlx::{Connection, PgConnection};

use crate::support::{PATIENCE, worker};

const CHILD: &str = "PGFLOW_TEST_RESTART_CHILD";
const RUNS: u32 = 300;

static DONE: AtomicUsize = AtomicUsize::new(0);

#[step(retries = 0)]
async fn restart_first(n: u32) -> Result<u32, Infallible> {
    Ok(n + 1)
}

#[step(retries = 0)]
async fn restart_second(n: u32) -> Result<u32, Infallible> {
    DONE.fetch_add(1, Ordering::SeqCst);
    Ok(n * 2)
}

#[workflow]
async fn restarted(n: u32) -> Result<u32, Infallible> {
    let n = restart_first(n).await?;
    restart_second(n).await
}

#[test]
fn a_restart_of_postgres_in_the_middle_of_load_loses_nothing() {
    let place = env::temp_dir().join(format!("pgflow-it-{}-restart", id()));
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "restart::child_main", "--nocapture"])
        .env(CHILD, "1")
        .env("PGFLOW_DATA_DIR", &place)
        .output()
        .unwrap();
    let _ = std::fs::remove_dir_all(&place);
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}

/// Not a test by itself: what the other test runs as a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn child_main() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let flow = pgflow::embedded().await.unwrap();
    let worker = worker(&flow, "restarted").await;
    let mut runs = flow.start_many::<restarted>(0..RUNS).await.unwrap();
    while DONE.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    crash(&flow).await;
    // whoever asks for the private server starts it again
    let server = testing::server().await.unwrap();
    runs.extend(flow.start_many::<restarted>(RUNS..RUNS + 10).await.unwrap());
    for (n, run) in (0..).zip(&runs) {
        assert_eq!(run.output().await.unwrap(), 2 * (n + 1));
    }
    let mut sql = PgConnection::connect_with(&server.options("pgflow")).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from pgflow.task").fetch_one(&mut sql).await.unwrap();
    assert_eq!(left, 0);
    worker.drain(PATIENCE).await;
}

/// SIGQUIT is Postgres's immediate shutdown: no checkpoint, connections cut.
async fn crash(flow: &pgflow::Flow) {
    let mut sql = PgConnection::connect_with(flow.options()).await.unwrap();
    let directory: String =
        sqlx::query_scalar("show data_directory").fetch_one(&mut sql).await.unwrap();
    let note = std::fs::read_to_string(format!("{directory}/postmaster.pid")).unwrap();
    let pid = note.lines().next().unwrap();
    assert!(Command::new("kill").args(["-QUIT", pid]).status().unwrap().success());
    while sqlx::query("select 1").execute(&mut sql).await.is_ok() {}
}
