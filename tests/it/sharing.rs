//! Results that serve equal arguments, and callers that share a call.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use pgflow::{Failure, FailureKind, StepContext, step, workflow};
use sqlx::Connection;
use tokio::sync::Notify;

use crate::support::{Database, PATIENCE, history, worker, worker_with};

type Result<T> = std::result::Result<T, Failure>;

static COMPUTED: AtomicUsize = AtomicUsize::new(0);
static GATE: Notify = Notify::const_new();

#[step(cache = "1h", concurrency = 8)]
pub async fn costly(n: u32, name: &str) -> Result<String> {
    COMPUTED.fetch_add(1, Ordering::SeqCst);
    if n == 7 {
        GATE.notified().await;
    }
    Ok(format!("{name} {n}"))
}

#[workflow]
pub async fn thrifty(n: u32) -> Result<String> {
    let name = String::from("result");
    costly(n, &name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_need_one_result_at_once_compute_it_once() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let workers = [worker(&flow, "thrifty").await, worker(&flow, "thrifty").await];
    let runs = flow.start_many::<thrifty>([7; 6]).await.unwrap();
    db.until("select count(*) from pgflow.task where due_at is not null", 5).await;
    GATE.notify_one();
    for run in &runs {
        assert_eq!(run.output().await.unwrap(), "result 7");
        // whoever waited did so without an attempt
        assert_eq!(history(&run.status().await.unwrap()), ["costly#1 done"]);
    }
    assert_eq!(COMPUTED.load(Ordering::SeqCst), 1);
    flow.start::<thrifty>(8).await.unwrap().output().await.unwrap();
    assert_eq!(COMPUTED.load(Ordering::SeqCst), 2);
    let expired = "update pgflow.cache set expires_at = pgflow.clock() - interval '1 second'";
    sqlx::query(expired).execute(&mut db.sql().await).await.unwrap();
    flow.start::<thrifty>(8).await.unwrap().output().await.unwrap();
    assert_eq!(COMPUTED.load(Ordering::SeqCst), 3);
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    db.check_invariants().await;
}

static HELD: AtomicUsize = AtomicUsize::new(0);

/// Whoever computes it first holds its worker for ever.
#[step(cache = "1h")]
pub async fn costly_and_deadly(n: u32) -> Result<u32> {
    if HELD.fetch_add(1, Ordering::SeqCst) == 0 {
        std::future::pending::<()>().await;
    }
    Ok(n * 2)
}

#[workflow]
pub async fn thrifty_and_deadly(n: u32) -> Result<u32> {
    costly_and_deadly(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_result_computes_it_when_its_holder_has_died() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let builder = flow.worker().name("dies").slots(1);
    let dies = worker_with(builder, "thrifty_and_deadly").await;
    let first = flow.start::<thrifty_and_deadly>(21).await.unwrap();
    db.until("select count(*) from pgflow.cache where value is null", 1).await;
    let lives = worker_with(flow.worker().name("lives"), "thrifty_and_deadly").await;
    let second = flow.start::<thrifty_and_deadly>(21).await.unwrap();
    db.until("select count(*) from pgflow.task where due_at is not null", 1).await;
    db.expire("dies").await;
    // recovery passes over a row that is locked, so the first task stays in the hands of the dead
    let mut sql = db.sql().await;
    let mut tx = sql.begin().await.unwrap();
    let lock = "select id from pgflow.worker where name = 'dies' for update";
    sqlx::query(lock).fetch_all(&mut *tx).await.unwrap();
    let output = tokio::time::timeout(PATIENCE, second.output()).await.expect("it waits no more");
    assert_eq!(output.unwrap(), 42);
    assert_eq!(history(&second.status().await.unwrap()), ["costly_and_deadly#1 done"]);
    tx.rollback().await.unwrap();
    assert_eq!(first.output().await.unwrap(), 42);
    let expected = ["costly_and_deadly#1 lost", "costly_and_deadly#2 done"];
    assert_eq!(history(&first.status().await.unwrap()), expected);
    assert_eq!(
        HELD.load(Ordering::SeqCst),
        2,
        "the first, once it is taken over, finds the result"
    );
    lives.drain(PATIENCE).await;
    dies.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test]
async fn a_plain_call_computes_each_time() {
    for times in 1..=2 {
        assert_eq!(costly_by_hand(1).await.unwrap(), "plain 1");
        assert_eq!(PLAIN.load(Ordering::SeqCst), times);
    }
    assert_eq!(by_hand(1).await.unwrap(), "plain 1");
    assert_eq!(PLAIN.load(Ordering::SeqCst), 3);
}

static PLAIN: AtomicUsize = AtomicUsize::new(0);

#[step(cache = "1h")]
pub async fn costly_by_hand(n: u32) -> Result<String> {
    PLAIN.fetch_add(1, Ordering::SeqCst);
    Ok(format!("plain {n}"))
}

#[workflow]
pub async fn by_hand(n: u32) -> Result<String> {
    costly_by_hand(n).await
}

static CALLS: Mutex<Vec<usize>> = Mutex::new(Vec::new());

#[step(batch(max = 4, linger = "2s"), retries = 0)]
pub async fn embed(mut texts: Vec<String>) -> Result<Vec<usize>> {
    CALLS.lock().unwrap_or_else(PoisonError::into_inner).push(texts.len());
    if texts.iter().any(|text| text == "bad") {
        return Err(Failure::new("embed", FailureKind::Failed, "a bad text"));
    }
    for text in &mut texts {
        text.push('!');
    }
    Ok(texts.iter().map(String::len).collect())
}

#[workflow]
pub async fn embedding(text: String) -> Result<usize> {
    let sizes = embed(vec![text]).await?;
    Ok(sizes[0])
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_share_a_call_and_one_bad_item_fails_alone() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "embedding").await;
    let texts = ["a", "bb", "ccc", "dddd"].map(String::from);
    let runs = flow.start_many::<embedding>(texts).await.unwrap();
    for (run, size) in runs.iter().zip([2, 3, 4, 5]) {
        assert_eq!(run.output().await.unwrap(), size);
    }
    let calls = || std::mem::take(&mut *CALLS.lock().unwrap_or_else(PoisonError::into_inner));
    assert_eq!(calls(), [4]);
    let runs =
        flow.start_many::<embedding>(["a", "bad", "cc", "d"].map(String::from)).await.unwrap();
    let mut failed = Vec::new();
    for (run, text) in runs.iter().zip(["a", "bad", "cc", "d"]) {
        if run.output().await.is_err() {
            failed.push(text);
        }
    }
    assert_eq!(failed, ["bad"]);
    assert_eq!(calls(), [4, 1, 1, 1, 1]);
    // a plain call shares with nobody and waits for nobody
    assert_eq!(embedding("xy".into()).await.unwrap(), 3);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[step(retries = 1, retry_delay = "1ms")]
pub async fn pay(_amount: u32) -> Result<String> {
    let context = StepContext::current();
    let key = context.idempotency_key().unwrap_or_default();
    match context.attempt() {
        1 => Err(Failure::new("pay", FailureKind::Failed, key)),
        _ => Ok(key),
    }
}

#[workflow]
pub async fn paying(amounts: Vec<u32>) -> Result<Vec<String>> {
    #[id = "once"]
    let once = pay(0).await?;
    #[id = "each"]
    let each = pgflow::map(amounts, pay).await?;
    Ok([vec![once], each].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_attempts_of_a_task_share_a_key_that_no_other_has() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "paying").await;
    let run = flow.start::<paying>(vec![1, 2]).await.unwrap();
    let keys = run.output().await.unwrap();
    let id = run.id();
    assert_eq!(keys, [format!("{id}/once"), format!("{id}/each/0"), format!("{id}/each/1")]);
    let status = run.status().await.unwrap();
    let first = status.attempts.iter().filter_map(|a| a.failure.as_ref());
    let mut told: Vec<&str> = first.map(|failure| failure.message.as_str()).collect();
    told.sort_unstable();
    let mut expected = keys.clone();
    expected.sort_unstable();
    assert_eq!(told, expected, "the attempts before");
    assert_eq!(StepContext::current().idempotency_key(), None);
    worker.drain(PATIENCE).await;
}
