//! Why a run is not further along: a test for each reason.

mod ready;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pgflow::{Failure, FailureKind, Flow, Reason, RunId, step, workflow};
use sqlx::Connection;
use tokio::sync::Notify;

use crate::support::{Database, PATIENCE, worker};

use ready::{why_concurrency, why_limit};

type Result<T> = std::result::Result<T, Failure>;

/// A gate of this name, shared by the test and its steps.
fn gate(name: &str) -> Arc<Notify> {
    static GATES: Mutex<Option<HashMap<String, Arc<Notify>>>> = Mutex::new(None);
    let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
    gates.get_or_insert_default().entry(name.into()).or_default().clone()
}

/// Asks until a reason of this code is among the answers.
async fn reason(db: &Database, flow: &Flow, run: RunId, code: &str) -> Reason {
    for _ in 0..5_000 {
        let reasons = flow.why(run).await.unwrap();
        assert!(!reasons.is_empty(), "a live run has a reason");
        if let Some(reason) = reasons.into_iter().find(|r| r.code == code) {
            return reason;
        }
        db.count("select 1::bigint from pg_sleep(0.005)").await;
    }
    panic!("never `{code}`, but {:?}", flow.why(run).await.unwrap());
}

/// A text with its durations and times of day replaced.
fn timeless(text: &str) -> String {
    let digits = |word: &str| {
        word.trim_start_matches('(').chars().all(|c| c.is_ascii_digit() || ":-".contains(c))
    };
    let words: Vec<&str> = text.split(' ').collect();
    let mut kept: Vec<&str> = Vec::new();
    for (i, word) in words.iter().enumerate() {
        let unit = words.get(i + 1).map_or("", |next| next.trim_end_matches([',', ';', ':', ')']));
        if digits(word) && ["ms", "s", "min", "h", "d"].contains(&unit) {
            kept.push("N");
        } else if word.starts_with('(') && digits(word) {
            kept.push("(TIME");
        } else {
            kept.push(word);
        }
    }
    kept.join(" ")
}

/// The text of a reason, without what time does to it.
async fn text(db: &Database, flow: &Flow, run: RunId, code: &str) -> String {
    timeless(&reason(db, flow, run, code).await.text)
}

#[step]
pub async fn hold(name: String) -> Result<u32> {
    gate(&name).notified().await;
    Ok(1)
}

#[step]
pub async fn merge_both(left: u32, right: u32) -> Result<u32> {
    Ok(left + right)
}

#[step]
pub async fn pass(name: String) -> Result<u32> {
    Ok(u32::try_from(name.len()).unwrap_or_default())
}

#[workflow]
pub async fn why_join(name: String) -> Result<u32> {
    let left = hold(name.clone()).await?;
    let right = pass(name).await?;
    merge_both(left, right).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_a_step_that_runs_on_a_worker() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().name("w3").only(["why_join"]).spawn().await.unwrap();
    let run = flow.start::<why_join>("join".into()).await.unwrap();
    let running = reason(&db, &flow, run.id(), "running").await;
    assert_eq!(
        timeless(&running.text),
        "`hold` has been running on `w3` for N s (attempt 1 of 4)".replace("N s", "N ms")
    );
    assert_eq!((running.node.as_deref(), running.tasks), (Some("hold"), 1));
    gate("join").notify_one();
    assert_eq!(run.output().await.unwrap(), 5);
    assert_eq!(text(&db, &flow, run.id(), "ended").await, "completed N ms ago, after N ms");
    assert_eq!(flow.why(RunId(4711)).await.unwrap(), []);
    worker.drain(PATIENCE).await;
}

#[step(retries = 2, retry_delay = "1h")]
pub async fn stumble(_n: u32) -> Result<u32> {
    Err(Failure::new("stumble", FailureKind::Failed, "the disk is full"))
}

#[workflow]
pub async fn why_retry(n: u32) -> Result<u32> {
    stumble(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_tried_again_later_after_an_error() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "why_retry").await;
    let run = flow.start::<why_retry>(1).await.unwrap();
    let retry = reason(&db, &flow, run.id(), "retry").await;
    assert_eq!(
        timeless(&retry.text),
        "`stumble` is tried again in N min (TIME UTC) (attempt 2 of 3) after: the disk is full"
    );
    assert!(retry.until.is_some());
    worker.drain(PATIENCE).await;
}

#[workflow]
pub async fn why_sleep(_n: u32) -> Result<u32> {
    pgflow::sleep(Duration::from_secs(3_600)).await;
    pass("x".into()).await
}

#[workflow]
pub async fn why_signal(_n: u32) -> Result<u32> {
    let name = pgflow::signal::<String>("approve").within("1h").await?;
    pass(name).await
}

#[workflow]
pub async fn why_child(n: u32) -> Result<u32> {
    pgflow::child(why_signal(n)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_sleeps_or_waits_for_a_signal_or_for_its_child() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker =
        flow.worker().only(["why_sleep", "why_signal", "why_child"]).spawn().await.unwrap();
    let run = flow.start::<why_sleep>(1).await.unwrap();
    assert_eq!(
        text(&db, &flow, run.id(), "sleep").await,
        "`sleep`: the run sleeps and goes on in N min (TIME UTC)"
    );
    let signal =
        "waits for signal `approve`, which nobody has sent; it gives up in N min (TIME UTC)";
    let run = flow.start::<why_child>(1).await.unwrap();
    let child = reason(&db, &flow, run.id(), "child").await;
    let id = child.detail.decode::<serde_json::Value>().unwrap()["run"].as_i64().unwrap();
    reason(&db, &flow, RunId(id), "signal").await;
    let expected = format!("`why_signal` waits for run {id} of `why_signal`: {signal}");
    assert_eq!(text(&db, &flow, run.id(), "child").await, expected);
    worker.drain(PATIENCE).await;
}

#[step(batch(max = 4, linger = "1h"))]
pub async fn together(names: Vec<String>) -> Result<Vec<u32>> {
    Ok(vec![1; names.len()])
}

#[workflow]
pub async fn why_batch(name: String) -> Result<u32> {
    let all = together(vec![name]).await?;
    Ok(all[0])
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_others_to_share_a_call() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().name("w1").only(["why_batch"]).spawn().await.unwrap();
    let run = flow.start::<why_batch>("one".into()).await.unwrap();
    assert_eq!(
        text(&db, &flow, run.id(), "batch").await,
        "`together` waits on `w1` for others to share a call: up to 4 of them, for up to N min"
    );
    worker.drain(Duration::ZERO).await;
}

#[workflow]
pub async fn why_map(name: String) -> Result<u32> {
    let names = (0..5).map(|_| name.clone()).collect::<Vec<_>>();
    Ok(pgflow::map(names, hold).limit(2).await?.iter().sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn elements_wait_for_others_and_the_map_for_all_in_one_line_each() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().name("w1").only(["why_map"]).spawn().await.unwrap();
    let run = flow.start::<why_map>("map".into()).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null and elem > 0", 2).await;
    let reasons = flow.why(run.id()).await.unwrap();
    let texts: Vec<String> = reasons.iter().map(|r| timeless(&r.text)).collect();
    assert_eq!(
        texts,
        [
            "2 elements of `hold` have been running on `w1` for N ms (attempt 1 of 4)",
            "3 elements of `hold` wait for others: at most 2 of this map may be under way at once",
            "`hold` waits for 5 of its 5 elements",
        ]
    );
    assert_eq!(reasons.iter().map(|r| r.tasks).collect::<Vec<_>>(), [2, 3, 1]);
    let codes: Vec<&str> = reasons.iter().map(|r| r.code.as_str()).collect();
    assert_eq!(codes, ["running", "bounded", "map"]);
    worker.drain(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_paused_it() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "why_sleep").await;
    let run = flow.start::<why_sleep>(1).await.unwrap();
    reason(&db, &flow, run.id(), "sleep").await;
    flow.pause(run.id(), "carol").await.unwrap();
    let reasons = flow.why(run.id()).await.unwrap();
    assert_eq!(
        timeless(&reasons[0].text),
        "paused by carol N ms ago; what is under way finishes, nothing else begins"
    );
    assert_eq!(reasons.iter().map(|r| r.code.as_str()).collect::<Vec<_>>(), ["paused", "sleep"]);
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_worker_is_silent_or_lost() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let run = flow.start::<why_limit>("lost".into()).await.unwrap().id();
    // what a worker leaves that was killed
    let sql = "insert into pgflow.worker (id, name, lease_until, offers) values (1, 'w3', pgflow.clock() + interval '4 s', '{}'); \
               update pgflow.task set worker_id = 1, ready_in = null, started_at = ready_at";
    sqlx::raw_sql(sql).execute(&mut db.sql().await).await.unwrap();
    let silent = text(&db, &flow, run, "silent").await;
    assert_eq!(
        silent,
        "`one_at_a_time` runs on `w3`, which has been silent for N s; its lease runs out in N s"
    );
    db.expire("w3").await;
    let lost = text(&db, &flow, run, "lost").await;
    assert_eq!(
        lost,
        "`one_at_a_time` ran on `w3`, which is lost for N s; no worker is alive to take over"
    );
    let sql = "update pgflow.task set worker_id = null, started_at = null, losses = 2, attempt = 3, due_at = pgflow.clock() + interval '1 h'";
    sqlx::raw_sql(sql).execute(&mut db.sql().await).await.unwrap();
    assert_eq!(
        text(&db, &flow, run, "suspect").await,
        "`one_at_a_time` was running when 2 workers died; it runs alone from now on, next in N min (TIME UTC)"
    );
    let sql = "update pgflow.task set losses = 0, attempt = 1";
    sqlx::raw_sql(sql).execute(&mut db.sql().await).await.unwrap();
    let later = text(&db, &flow, run, "later").await;
    assert_eq!(later, "`one_at_a_time` goes on in N min (TIME UTC)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_evaluates_what_lies_between_steps_or_nobody_knows() {
    let db = Database::new().await;
    let flow = db.flow().await;
    // as a worker has its start in hand
    let run = flow.start::<why_concurrency>("start".into()).await.unwrap().id();
    let sql = "insert into pgflow.worker (id, name, lease_until, offers) values (1, 'w3', pgflow.clock() + interval '1 h', '{}'); \
               update pgflow.task set worker_id = 1, ready_in = null, started_at = ready_at";
    sqlx::raw_sql(sql).execute(&mut db.sql().await).await.unwrap();
    let evaluating = reason(&db, &flow, run, "evaluating").await;
    assert_eq!(evaluating.text, "its start is being evaluated on `w3`");
    assert_eq!(evaluating.detail.as_str(), r#"{"worker": "w3"}"#);
    // what no statement leaves
    let sql = "update pgflow.task set worker_id = null, started_at = null";
    sqlx::raw_sql(sql).execute(&mut db.sql().await).await.unwrap();
    assert_eq!(text(&db, &flow, run, "still").await, "its start stands still");
}

#[step(cache = "1h")]
pub async fn dear(name: String) -> Result<u32> {
    gate(&name).notified().await;
    Ok(1)
}

#[workflow]
pub async fn why_cached(name: String) -> Result<u32> {
    dear(name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_run_computes_the_result_that_it_needs() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "why_cached").await;
    let first = flow.start::<why_cached>("cached".into()).await.unwrap().id();
    reason(&db, &flow, first, "running").await;
    let run = flow.start::<why_cached>("cached".into()).await.unwrap().id();
    assert_eq!(
        text(&db, &flow, run, "cached").await,
        format!("`dear` waits for an equal result that run {first} computes")
    );
    worker.drain(Duration::ZERO).await;
}

#[step(retries = 0)]
pub async fn break_down(_n: u32) -> Result<u32> {
    Err(Failure::new("break_down", FailureKind::Failed, "no more paper"))
}

#[workflow(timeout = "1h")]
pub async fn why_ended(n: u32) -> Result<u32> {
    break_down(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_ended_or_its_deadline_has_passed() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let late = flow.start::<why_ended>(1).key("late").await.unwrap().id();
    let sql = "update pgflow.run set deadline = pgflow.clock() - interval '1 second'";
    sqlx::raw_sql(sql).execute(&mut db.sql().await).await.unwrap();
    let text_of = async |code: &'static str, run| text(&db, &flow, run, code).await;
    assert_eq!(
        text_of("overdue", late).await,
        "its deadline passed N s ago; no worker is alive to end it"
    );
    let worker = worker(&flow, "why_ended").await;
    let run = flow.start::<why_ended>(1).await.unwrap();
    run.output().await.unwrap_err();
    assert_eq!(
        text_of("ended", run.id()).await,
        "failed N ms ago at `break_down` (attempt 1): no more paper"
    );
    let again = flow.retry(run.id(), "ann").await.unwrap();
    let ended = text_of("ended", run.id()).await;
    assert!(ended.ends_with(&format!("; repeated as run {again}")), "{ended}");
    flow.run::<why_ended>(late).output().await.unwrap_err();
    let by_key =
        "select count(*) from pgflow.why_1('why_ended', 'late') where reason like 'timed out%'";
    assert_eq!(db.count(by_key).await, 1);
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_reads_by_index_however_much_is_there() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let runs = flow.start_many::<why_join>((0..5_000).map(|n| n.to_string())).await.unwrap();
    let mut sql = db.sql().await;
    sqlx::raw_sql("analyze pgflow.task, pgflow.run, pgflow.queue").execute(&mut sql).await.unwrap();
    let mut tx = sql.begin().await.unwrap();
    let read = "select coalesce(sum(seq_tup_read), 0)::bigint from pg_stat_xact_user_tables \
                where schemaname = 'pgflow' and relname in ('task', 'run', 'attempt', 'cache')";
    let before: i64 = sqlx::query_scalar(read).fetch_one(&mut *tx).await.unwrap();
    let why = "select count(*) from pgflow.why_1($1)";
    let found: i64 =
        sqlx::query_scalar(why).bind(runs[4_000].id().0).fetch_one(&mut *tx).await.unwrap();
    let after: i64 = sqlx::query_scalar(read).fetch_one(&mut *tx).await.unwrap();
    assert_eq!((found, after - before), (1, 0));
}
