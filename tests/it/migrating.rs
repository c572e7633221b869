//! Moving runs under way to another version, and what `check` says of them before a deploy.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use pgflow::{
    AttemptStatus, Definition, Failure, Migration, MigrationError, Run, StepContext, Verdict,
    Workflow, step, workflow,
};

use crate::support::{Database, PATIENCE};

type Result<T> = std::result::Result<T, Failure>;

/// Until it is set, what `begin` and `each` got with 5 and 3 holds its worker.
static OPEN: AtomicBool = AtomicBool::new(false);

async fn hold() {
    if !OPEN.load(Ordering::SeqCst) {
        StepContext::current().cancelled().await;
    }
}

#[step]
pub async fn begin(n: u32) -> Result<u32> {
    if n == 5 {
        hold().await;
    }
    Ok(n)
}

#[step]
pub async fn each(n: u32) -> Result<u32> {
    if n == 3 {
        hold().await;
    }
    Ok(n)
}

#[step]
pub async fn remark(n: u32) -> Result<String> {
    Ok(format!("remark {n}"))
}

#[step]
pub async fn finish(n: u32, all: Vec<u32>, word: String) -> Result<String> {
    Ok(format!("{n} {all:?} {word}"))
}

#[step]
pub async fn polish(text: String, remark: String) -> Result<String> {
    Ok(format!("{text}, {remark}"))
}

#[workflow(id = "moving", version = 1)]
pub async fn moving_v1(n: u32) -> Result<String> {
    let begun = begin(n).await?;
    let all = pgflow::map(vec![begun, begun + 1, begun + 2], each).limit(1).await?;
    pgflow::sleep(Duration::from_secs(3600)).await;
    let word = pgflow::signal::<String>("go").await?;
    finish(begun, all, word).await
}

/// What follows the sleep is another: a new step beside the signal and one behind all. The map has no limit.
#[workflow(id = "moving", version = 2)]
pub async fn moving(n: u32) -> Result<String> {
    let begun = begin(n).await?;
    let all = pgflow::map(vec![begun, begun + 1, begun + 2], each).await?;
    pgflow::sleep(Duration::from_secs(3600)).await;
    let note = remark(begun).await?;
    let word = pgflow::signal::<String>("go").await?;
    let text = finish(begun, all, word).await?;
    polish(text, note).await
}

/// The map is gone.
#[workflow(id = "moving", version = 3)]
pub async fn moving_v3(n: u32) -> Result<String> {
    let begun = begin(n).await?;
    let word = pgflow::signal::<String>("go").await?;
    Ok(format!("{begun} {word}"))
}

/// Ends sleeps as time would.
const WAKE: &str = "update pgflow.task k set due_at = now() from pgflow.queue q \
                    where q.id = k.queue and not q.control and k.due_at is not null";
/// Runs that wait for the signal.
const AT_SIGNAL: &str = "select count(*) from pgflow.task where num_nonnulls(ready_in, worker_id, due_at) = 0 and arrived = need and elem <> 1";
const SLEEPING: &str = "select count(*) from pgflow.task k join pgflow.queue q on q.id = k.queue \
                        where k.due_at is not null and not q.control";

async fn wake(db: &Database) {
    sqlx::query(WAKE).execute(&mut db.sql().await).await.unwrap();
}

fn counts(migration: &Migration) -> (u64, u64, usize) {
    (migration.moved, migration.busy, migration.refused.len())
}

fn definition<W: Workflow>() -> Definition {
    (W::SPEC)().into()
}

async fn finished(run: &Run<moving>, expected: &str) {
    assert_eq!(run.output().await.unwrap(), expected);
    let status = run.status().await.unwrap();
    assert_eq!(status.version, 2);
    let done = status.attempts.iter().filter(|a| a.status == AttemptStatus::Done);
    let mut places: Vec<_> = done.map(|a| (a.node.as_str(), a.element)).collect();
    let all = places.len();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), all, "each once");
    for node in ["begin", "remark", "finish", "polish"] {
        assert!(places.contains(&(node, None)), "{node}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_in_every_state_go_on_in_another_version_where_what_they_have_begun_is_the_same() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let old = flow.worker().only(["moving@1"]).spawn().await.unwrap();
    let at_signal = flow.start::<moving_v1>(20).await.unwrap();
    db.until(SLEEPING, 1).await;
    wake(&db).await;
    db.until(AT_SIGNAL, 1).await;
    let sleeping = flow.start::<moving_v1>(30).await.unwrap();
    db.until(SLEEPING, 1).await;
    let delayed = flow.start::<moving_v1>(40).after(Duration::from_secs(3600)).await.unwrap();
    let paused = flow.start::<moving_v1>(50).await.unwrap();
    db.until(SLEEPING, 2).await;
    assert!(flow.pause(paused.id(), "a test").await.unwrap());
    let running = flow.start::<moving_v1>(5).await.unwrap();
    let in_map = flow.start::<moving_v1>(3).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 2).await;

    let unknown = flow.migrate("moving", 1, 2, "a test").await.unwrap_err();
    assert!(
        matches!(unknown, MigrationError::Unknown { version: 2, ref known, .. } if known == "1"),
        "{unknown}"
    );
    let new = flow.worker().only(["moving@2"]).spawn().await.unwrap();
    let dry = flow.migrate("moving", 1, 2, "a test").dry_run().await.unwrap();
    assert_eq!(counts(&dry), (4, 2, 0), "{dry}");
    assert_eq!(db.count("select count(*) from pgflow.run where workflow_id > 1").await, 0);
    let first = flow.migrate("moving", 1, 2, "a test").await.unwrap();
    assert_eq!(first, dry, "what a worker has in hand is left");

    old.drain(Duration::ZERO).await;
    OPEN.store(true, Ordering::SeqCst);
    let second = flow.migrate("moving", 1, 2, "a test").await.unwrap();
    assert_eq!(counts(&second), (2, 0, 0), "{second}");
    assert_eq!(counts(&flow.migrate("moving", 1, 2, "a test").await.unwrap()), (0, 0, 0));
    let noted = "select count(*) from pgflow.audit where actor = 'a test' and action = 'migrate' and detail = '{\"from\": 1, \"to\": 2}'";
    assert_eq!(db.count(noted).await, 6);

    assert!(flow.resume(paused.id(), "a test").await.unwrap());
    sqlx::query("update pgflow.task set due_at = now() where due_at is not null and node = 0")
        .execute(&mut db.sql().await)
        .await
        .unwrap();
    db.until(SLEEPING, 5).await;
    wake(&db).await;
    for (run, n) in
        [(at_signal, 20), (sleeping, 30), (delayed, 40), (paused, 50), (running, 5), (in_map, 3)]
    {
        flow.signal(run.id(), "go", &"now", "a test").await.unwrap();
        let expected = format!("{n} [{n}, {}, {}] now, remark {n}", n + 1, n + 2);
        finished(&flow.run(run.id()), &expected).await;
    }
    new.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stays_where_it_has_begun_what_is_gone_and_check_says_so_before_the_deploy() {
    let db = Database::new().await;
    let flow = db.flow().await;
    assert_eq!(flow.check(&[]).await.unwrap().to_string(), "no run is under way");
    let worker = flow.worker().only(["moving@1"]).spawn().await.unwrap();
    let sleeping = flow.start::<moving_v1>(30).await.unwrap();
    db.until(SLEEPING, 1).await;
    let delayed = flow.start::<moving_v1>(40).after(Duration::from_secs(3600)).await.unwrap();

    let check = flow.check(&[definition::<moving_v3>()]).await.unwrap();
    let expected = "`moving` version 1: 2 under way\n  \
        1 movable to version 3: what they have begun is the same in version 3\n  \
        1 need the old binary (run 1): to move to version 3: it has begun `each`, which is gone, and it has begun `sleep`, which is gone";
    assert_eq!(check.to_string(), expected);
    assert_eq!(check.stranded(), 1);
    let kept = flow.check(&[definition::<moving_v1>(), definition::<moving_v3>()]).await.unwrap();
    assert_eq!(kept.versions[0].prospects[0].verdict, Verdict::Served);
    assert_eq!((kept.stranded(), kept.versions[0].runs), (0, 2));
    let mut reshaped = definition::<moving>();
    reshaped.version = 1;
    let refused = flow.check(&[reshaped]).await.unwrap().to_string();
    assert!(
        refused.contains("2 need the old binary") && refused.contains("node `polish` is new"),
        "{refused}"
    );
    assert_eq!(db.count("select count(*) from pgflow.workflow").await, 1, "nothing was registered");
    let json = serde_json::to_value(&check).unwrap();
    assert_eq!(json["versions"][0]["prospects"][0]["examples"][0], delayed.id().0);

    let new = flow.worker().only(["moving@3"]).spawn().await.unwrap();
    let moved = flow.migrate("moving", 1, 3, "a test").await.unwrap();
    let expected = "1 moved\n1 stay (run 1): it has begun `each`, which is gone, and it has begun `sleep`, which is gone";
    assert_eq!(moved.to_string(), expected);
    assert_eq!(sleeping.status().await.unwrap().version, 1);
    assert_eq!(delayed.status().await.unwrap().version, 3);
    worker.drain(PATIENCE).await;
    new.drain(PATIENCE).await;
}

#[step(retries = 20, retry_delay = "1ms")]
pub async fn wobble(n: u32) -> Result<u32> {
    let first = StepContext::current().attempt() == 1;
    if first { Err(Failure::new("wobble", pgflow::FailureKind::Failed, "once")) } else { Ok(n) }
}

#[workflow(id = "shuttle", version = 1)]
pub async fn shuttle_v1(n: u32) -> Result<u32> {
    let a = wobble(n).await?;
    #[id = "left"]
    let left = wobble(a).await?;
    #[id = "right"]
    let right = wobble(a + 1).await?;
    Ok(left + right)
}

#[workflow(id = "shuttle", version = 2)]
pub async fn shuttle(n: u32) -> Result<u32> {
    let a = wobble(n).await?;
    #[id = "left"]
    let left = wobble(a).await?;
    #[id = "right"]
    let right = wobble(a + 1).await?;
    #[id = "third"]
    let third = wobble(left + right).await?;
    Ok(third)
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_are_moved_while_workers_of_both_versions_work_lose_and_repeat_nothing() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let workers = [
        flow.worker().only(["shuttle@1"]).slots(4).spawn().await.unwrap(),
        flow.worker().only(["shuttle@2"]).slots(4).spawn().await.unwrap(),
    ];
    let runs = flow.start_many::<shuttle_v1>(0..300).await.unwrap();
    let mut moved = 0;
    while db.count("select count(*) from pgflow.run where state = 0 and workflow_id = 1").await > 0
    {
        moved += flow.migrate("shuttle", 1, 2, "a test").await.unwrap().moved;
    }
    for (n, run) in (0..).zip(&runs) {
        assert_eq!(run.output().await.unwrap(), 2 * n + 1);
    }
    assert!(moved > 0, "some were at rest");
    assert_eq!(
        db.count("select count(*) from pgflow.audit where action = 'migrate'").await,
        moved.cast_signed()
    );
    let complete = "select count(*) from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id \
                    where (select count(*) from pgflow.attempt a where a.run_id = r.id and a.status = 1) = w.version + 2";
    assert_eq!(db.count(complete).await, 300, "as many nodes as its version has");
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    db.check_invariants().await;
}
