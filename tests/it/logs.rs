//! The last log lines of attempts: written down with a failure, and while somebody looks.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use pgflow::{AttemptLog, Failure, FailureKind, Flow, RunId, StepContext, step, workflow};
use tokio::sync::Notify;
use tracing::{Instrument, subscriber::DefaultGuard};
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{Database, PATIENCE, hear, worker};

type Result<T> = std::result::Result<T, Failure>;

fn listen() -> DefaultGuard {
    hear(tracing_subscriber::registry().with(pgflow::logs()))
}

/// The lines without their times.
fn said(log: &AttemptLog) -> Vec<String> {
    let without = |line: &String| line.trim_start().split_once("s ").unwrap().1.trim().to_owned();
    log.lines.iter().map(without).collect()
}

fn names(logs: &[AttemptLog]) -> Vec<(String, Option<u32>, u32, usize, u64)> {
    let name = |l: &AttemptLog| (l.node.clone(), l.element, l.attempt, l.lines.len(), l.dropped);
    logs.iter().map(name).collect()
}

#[step(retries = 1, retry_delay = "5ms")]
pub async fn talk(n: u32) -> Result<u32> {
    let attempt = StepContext::current().attempt();
    tracing::debug!("not heard");
    tracing::info!(n, name = "Ann", "attempt {attempt}\0\u{1f980}\nof two");
    let other = async { tracing::warn!(error = %"it\u{1b}[2J", "on another task") };
    tokio::spawn(other.instrument(tracing::info_span!("inner"))).await.unwrap();
    if n == 0 || (n == 1 && attempt == 1) {
        return Err(Failure::new("talk", FailureKind::Failed, "no"));
    }
    Ok(n)
}

#[workflow]
pub async fn talking(all: Vec<u32>) -> Result<Vec<u32>> {
    pgflow::map(all, talk).await
}

#[tokio::test]
async fn lines_are_there_with_every_failure_and_of_nothing_else() {
    let _hearing = listen();
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "talking").await;
    let run = flow.start::<talking>(vec![5, 1]).await.unwrap();
    assert_eq!(run.output().await.unwrap(), [5, 1]);
    let logs = flow.logs(run.id()).await.unwrap();
    assert_eq!(names(&logs), [("talk".into(), Some(1), 1, 2, 0)]);
    let expected = [
        r#"INFO attempt 1\u{0}🦀\nof two n=1 name="Ann""#,
        r"WARN on another task error=it\u{1b}[2J",
    ];
    assert_eq!(said(&logs[0]), expected);

    let run = flow.start::<talking>(vec![0]).await.unwrap();
    run.output().await.unwrap_err();
    // whoever has heard of the failure finds its lines
    let logs = flow.logs(run.id()).await.unwrap();
    let names = names(&logs);
    assert_eq!(names, [("talk".into(), Some(0), 1, 2, 0), ("talk".into(), Some(0), 2, 2, 0)]);
    assert!(said(&logs[1])[0].starts_with("INFO attempt 2"), "{logs:?}");
    let seen = "select count(*) from pgflow.logs where node = 'talk' and lines like '%name=\"Ann\"%' and said = 2";
    assert_eq!(db.count(seen).await, 3);
    let dump: serde_json::Value = flow.dump(run.id()).await.unwrap().unwrap().decode().unwrap();
    assert_eq!(dump["logs"][1]["lines"].as_array().unwrap().len(), 2);
    worker.drain(PATIENCE).await;
    flow.prune(Duration::ZERO, "dan").await.unwrap();
    assert_eq!(db.count("select count(*) from pgflow.log").await, 0);
}

static GO_ON: LazyLock<Arc<Notify>> = LazyLock::new(Arc::default);

#[step]
pub async fn mumble(lines: u32) -> Result<()> {
    for n in 0..lines {
        tracing::info!("line {n} {}", "🦀".repeat(2000));
    }
    GO_ON.notified().await;
    tracing::info!("over");
    Ok(())
}

#[workflow]
pub async fn mumbling(lines: u32) -> Result<()> {
    mumble(lines).await
}

/// Looks until there is something to see that is not as before.
async fn look(db: &Database, flow: &Flow, run: RunId, before: &[AttemptLog]) -> Vec<AttemptLog> {
    let look = async || {
        let found = flow.logs(run).await.unwrap();
        (!found.is_empty() && found != before).then_some(found)
    };
    db.until_some(look).await.expect("nothing else is to be seen")
}

#[tokio::test]
async fn lines_of_a_running_step_are_shown_to_who_looks_and_to_nobody_else() {
    let _hearing = listen();
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "mumbling").await;
    let unseen = flow.start::<mumbling>(3).await.unwrap();
    let seen = flow.start::<mumbling>(100).await.unwrap();
    let first = look(&db, &flow, seen.id(), &[]).await;
    // of lines that are cut at a kilobyte seven are kept
    assert_eq!(names(&first), [("mumble".into(), None, 1, 7, 93)]);
    assert!(said(&first[0])[6].starts_with("INFO line 99 🦀") && first[0].lines[6].ends_with('…'));
    assert_eq!(db.count("select count(*) from pgflow.log").await, 1);
    assert_eq!(db.count("select count(*) from pgflow.look").await, 1);
    GO_ON.notify_one();
    GO_ON.notify_one();
    seen.output().await.unwrap();
    unseen.output().await.unwrap();
    worker.drain(PATIENCE).await;
    let last = look(&db, &flow, seen.id(), &first).await;
    assert_eq!(said(&last[0]).last().unwrap(), "INFO over", "also what it said last");
    assert_eq!(db.count("select count(*) from pgflow.log").await, 1);

    // a mark runs out, and is removed by whoever looks next
    let other = flow.start::<mumbling>(1).await.unwrap();
    sqlx::query("update pgflow.look set until_at = pgflow.clock() - interval '1 s'")
        .execute(&mut db.sql().await)
        .await
        .unwrap();
    assert_eq!(flow.logs(other.id()).await.unwrap(), []);
    let marks = "select sum(run_id)::int8 from pgflow.look where until_at between pgflow.clock() and pgflow.clock() + interval '30 s'";
    assert_eq!(db.count(marks).await, other.id().0);
    assert_eq!(db.count("select count(*) from pgflow.look").await, 1);
}

#[tokio::test]
async fn where_the_lines_cannot_be_written_the_step_goes_on() {
    let _hearing = listen();
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "talking").await;
    sqlx::raw_sql("drop table pgflow.log cascade").execute(&mut db.sql().await).await.unwrap();
    let run = flow.start::<talking>(vec![1]).await.unwrap();
    assert_eq!(run.output().await.unwrap(), [1]);
    worker.drain(PATIENCE).await;
}
