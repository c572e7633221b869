//! What goes wrong around a worker: connections that break, leases that run out, drains, values and names that bite.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use pgflow::{Failure, Gpu, GpuSlot, StepContext, step, workflow};
use tokio::sync::Semaphore;

use crate::support::{Database, PATIENCE, history, survived, worker, worker_with};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no: {0}")]
    No(String),
    #[error(transparent)]
    Step(#[from] Failure),
}

type Result<T> = std::result::Result<T, Error>;

pub async fn execute(db: &Database, query: &'static str) {
    sqlx::query(query).execute(&mut db.sql().await).await.unwrap();
}

/// What happens to a worker that was paused for too long: its lease is over and others took what it held.
pub async fn lose_leases(db: &Database) {
    execute(db, "update pgflow.worker set lease_until = pgflow.clock() - interval '1 second'")
        .await;
    execute(db, "select pgflow.recover_1()").await;
}

static BEGUN: AtomicUsize = AtomicUsize::new(0);

#[step]
pub async fn cut_off(n: u32) -> Result<u32> {
    BEGUN.fetch_add(1, Ordering::Relaxed);
    tokio::task::yield_now().await;
    Ok(n + 1)
}

#[step(concurrency = 3)]
pub async fn cut_off_limited(n: u32) -> Result<u32> {
    BEGUN.fetch_add(1, Ordering::Relaxed);
    Ok(n * 2)
}

#[workflow]
pub async fn cut_off_often(n: u32) -> Result<u32> {
    let all = pgflow::map((0..n % 4).collect::<Vec<_>>(), cut_off).await?;
    cut_off_limited(all.iter().sum()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_cut_amid_two_hundred_runs_cost_nothing_and_repeat_nothing() {
    let db = Database::new().await;
    let flow = db.flow().await;
    flow.start_many::<cut_off_often>(0..200).await.unwrap();
    let workers = [
        worker_with(db.flow().await.worker().slots(4), "cut_off_often").await,
        worker_with(db.flow().await.worker().slots(4), "cut_off_often").await,
    ];
    for _ in 0..20 {
        execute(
            &db,
            "select pg_terminate_backend(pid), pg_sleep(0.01) from pg_stat_activity \
             where datname = current_database() and application_name like 'pgflow%'",
        )
        .await;
    }
    db.until("select count(*) from pgflow.run where state = 1", 200).await;
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    db.check_invariants().await;
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
    assert_eq!(db.count("select count(*) from pgflow.attempt where attempt > 1").await, 0);
    // 50 × (0 + 1 + 2 + 3) elements and a step behind each map
    assert_eq!(BEGUN.load(Ordering::Relaxed), 50 * 6 + 200);
    survived("all connections cut, twenty times", 200);
}

#[step]
pub async fn undisturbed(n: u32) -> Result<u32> {
    Ok(n + 1)
}

#[workflow]
pub async fn interrupted(n: u32) -> Result<u32> {
    let n = undisturbed(n).await?;
    #[id = "in_the_middle"]
    let n = undisturbed(n).await?;
    #[id = "at_last"]
    let n = undisturbed(n).await?;
    Ok(n)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_read_only_for_a_while_loses_nothing() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker_with(db.flow().await.worker().slots(2), "interrupted").await;
    let mut runs = flow.start_many::<interrupted>(0..300).await.unwrap();
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
               where datname = current_database() and application_name like 'pgflow%'";
    for state in ["on", "off"] {
        let sql =
            format!("alter database {} set default_transaction_read_only = {state}", db.name());
        let mut writer = db.sql().await;
        sqlx::query("set default_transaction_read_only = off").execute(&mut writer).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut writer).await.unwrap();
        db.count(cut).await;
        if state == "on" {
            let refused = flow.start::<interrupted>(1).await.map(|run| run.id()).unwrap_err();
            assert!(refused.to_string().contains("connect to the primary"), "{refused}");
            execute(&db, "select pg_sleep(1)").await;
        }
    }
    runs.push(flow.start::<interrupted>(300).await.unwrap());
    for (n, run) in (0..).zip(&runs) {
        assert_eq!(run.output().await.unwrap(), n + 3);
    }
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
    assert_eq!(db.count("select count(*) from pgflow.attempt where attempt > 1").await, 0);
    survived("the database read-only for a while", runs.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_callers_than_connections_wait_their_turn() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "interrupted").await;
    let callers = (0..300).map(|n| {
        let flow = flow.clone();
        tokio::spawn(async move {
            let run = flow.start::<interrupted>(n).await.unwrap();
            assert_eq!(flow.run::<interrupted>(run.id()).output().await.unwrap(), n + 3);
            assert_eq!(run.status().await.unwrap().attempts.len(), 3);
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    worker.drain(PATIENCE).await;
    survived("more callers than connections of the client", 300);
}

static ZOMBIE: Semaphore = Semaphore::const_new(0);

#[step]
pub async fn late(n: u32) -> Result<u32> {
    let attempt = StepContext::current().attempt();
    if attempt == 1 {
        let _ = ZOMBIE.acquire().await;
    }
    Ok(n + attempt)
}

#[workflow]
pub async fn outlived(n: u32) -> Result<u32> {
    late(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zombies_late_result_is_refused_and_it_registers_anew() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let zombie = worker_with(flow.worker().slots(1), "outlived").await;
    let run = flow.start::<outlived>(10).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    lose_leases(&db).await;
    let second = worker(&db.flow().await, "outlived").await;
    assert_eq!(run.output().await.unwrap(), 12);
    ZOMBIE.add_permits(1);
    db.until("select count(*) from pgflow.worker", 3).await;
    assert_eq!(run.output().await.unwrap(), 12);
    assert_eq!(history(&run.status().await.unwrap()), ["late#1 lost", "late#2 done"]);
    second.drain(PATIENCE).await;
    assert_eq!(flow.start::<outlived>(20).await.unwrap().output().await.unwrap(), 21);
    zombie.drain(PATIENCE).await;
    db.check_invariants().await;
}

static DRAINED: AtomicBool = AtomicBool::new(false);

#[step]
pub async fn slow_once(n: u32) -> Result<u32> {
    if !DRAINED.swap(true, Ordering::SeqCst) {
        StepContext::current().cancelled().await;
    }
    Ok(n + 1)
}

#[workflow]
pub async fn drained_away(n: u32) -> Result<u32> {
    slow_once(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_hands_back_what_outlasts_its_grace_and_another_worker_finishes_it() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let first = worker(&flow, "drained_away").await;
    let run = flow.start::<drained_away>(1).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    while !DRAINED.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    first.drain(Duration::ZERO).await;
    let ready = "select count(*) from pgflow.task where ready_in is not null and losses = 0";
    assert_eq!(db.count(ready).await, 1);
    let second = worker(&db.flow().await, "drained_away").await;
    assert_eq!(run.output().await.unwrap(), 2);
    assert_eq!(history(&run.status().await.unwrap()), ["slow_once#1 done"]);
    second.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[step(retries = 0)]
pub async fn repeat_text(text: String) -> Result<String> {
    match text.strip_prefix("fail ") {
        Some(why) => Err(Error::No(why.replace("NUL", "\0"))),
        None => Ok(text.replace("NUL", "\0")),
    }
}

#[workflow]
pub async fn texts(text: String) -> Result<String> {
    repeat_text(text).await
}

#[step(retries = 0)]
pub async fn ratio(a: f64, b: f64) -> Result<f64> {
    Ok(a / b)
}

#[workflow]
pub async fn ratios(a: f64) -> Result<f64> {
    ratio(a, a).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_cannot_be_stored_is_an_error_of_its_step() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().payload_max(100).only(["texts", "ratios"]).spawn().await.unwrap();
    for (text, words) in [
        ("x".repeat(200), &["`repeat_text`", "202 bytes", "limit of 100"][..]),
        ("a NUL b".into(), &["repeat_text", "NUL character"]),
    ] {
        let error = flow.start::<texts>(text).await.unwrap().output().await.unwrap_err();
        assert!(words.iter().all(|word| error.to_string().contains(word)), "{error}");
    }
    let most = flow.start::<texts>("x".repeat(98)).await.unwrap();
    assert_eq!(most.output().await.unwrap().len(), 98, "with its quotes as much as may be");
    let error = flow.start::<ratios>(0.0).await.unwrap().output().await.unwrap_err().to_string();
    assert!(error.contains("ratio") && error.contains("NaN has no JSON form"), "{error}");
    assert_eq!(db.count("select count(*) from pgflow.failure where step <> 'body'").await, 3);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_sql_and_emoji_survive_in_inputs_keys_outputs_and_errors() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let builder = flow.worker().name("o'neil \"; drop table pgflow.run; -- \u{1f980}");
    let worker = worker_with(builder, "texts").await;
    let nasty = "'; drop table pgflow.run; -- \"{}\" \\u0000 \\ $1 {1,2} \u{1f980}\r\n\u{feff}";
    let run = flow.start::<texts>(nasty.into()).key(nasty).await.unwrap();
    assert_eq!(run.output().await.unwrap(), nasty);
    let found = flow.run_by_key::<texts>(nasty).await.unwrap().unwrap();
    assert_eq!(found.id(), run.id());
    let failing = flow.start::<texts>(format!("fail {nasty}")).await.unwrap();
    let error = failing.output().await.unwrap_err().to_string();
    assert!(error.contains(nasty), "{error}");
    let failing = flow.start::<texts>("fail NUL!".into()).await.unwrap();
    failing.output().await.unwrap_err();
    let stored = failing.status().await.unwrap().failure.unwrap();
    assert_eq!(stored.message, "no: \u{fffd}!");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_register_at_once_agree_and_another_shape_is_refused_with_the_differences() {
    let db = Database::new().await;
    let (one, two) = (db.flow().await, db.flow().await);
    let (one, two) = tokio::join!(worker(&one, "texts"), worker(&two, "texts"));
    assert_eq!(db.count("select count(*) from pgflow.workflow").await, 1);
    assert_eq!(db.count("select count(*) from pgflow.node").await, 1);
    one.drain(PATIENCE).await;
    two.drain(PATIENCE).await;
    execute(
        &db,
        "update pgflow.workflow set fingerprint = 'x', \
         definition = jsonb_set(definition, '{nodes,0,id}', '\"of_yesterday\"')",
    )
    .await;
    let flow = db.flow().await;
    let error = flow.worker().only(["texts"]).spawn().await.unwrap_err().to_string();
    for word in ["`texts` version 1", "version = 2", "of_yesterday", "repeat_text"] {
        assert!(error.contains(word), "{error}");
    }
    let error = flow.start::<texts>(String::new()).await.map(|run| run.id()).unwrap_err();
    assert!(error.to_string().contains("another shape"), "{error}");
    assert_eq!(db.count("select count(*) from pgflow.run").await, 0);
}

static ON_GPU: AtomicUsize = AtomicUsize::new(0);

#[step(gpu, retries = 0)]
pub async fn on_a_gpu(_n: u32) -> Result<String> {
    assert_eq!(ON_GPU.fetch_add(1, Ordering::SeqCst), 0, "two on one GPU");
    tokio::task::yield_now().await;
    ON_GPU.fetch_sub(1, Ordering::SeqCst);
    Ok(match StepContext::current().gpu() {
        Some(GpuSlot::Devices(gpus)) => gpus[0].uuid.clone(),
        Some(GpuSlot::StandIn) => "stand-in".into(),
        _ => "nothing".into(),
    })
}

#[workflow]
pub async fn needs_a_gpu(n: u32) -> Result<String> {
    on_a_gpu(n).await
}

fn gpu() -> Vec<Gpu> {
    vec![Gpu { index: 0, uuid: "GPU-1".into(), name: "test".into(), memory_bytes: 80 << 30 }]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gpu_serves_one_step_at_a_time_over_all_workers_and_none_runs_without() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let without = worker(&db.flow().await, "needs_a_gpu").await;
    let runs = flow.start_many::<needs_a_gpu>(0..30).await.unwrap();
    let idle = "select count(*) from pgflow.worker where idle";
    db.until(idle, 1).await;
    assert_eq!(db.count("select count(*) from pgflow.attempt").await, 0);
    let with = [
        worker_with(db.flow().await.worker().gpus(gpu()), "needs_a_gpu").await,
        worker_with(db.flow().await.worker().gpus(gpu()), "needs_a_gpu").await,
    ];
    for run in runs {
        assert_eq!(run.output().await.unwrap(), "GPU-1");
    }
    let by_it = "select count(distinct a.worker_id) from pgflow.attempt a join pgflow.worker w \
                 on w.id = a.worker_id where w.offers->'gpus' = '[]'";
    assert_eq!(db.count(by_it).await, 0);
    for worker in with.into_iter().chain([without]) {
        worker.drain(PATIENCE).await;
    }
    let stand_in = worker_with(flow.worker().gpu_stand_in(), "needs_a_gpu").await;
    let run = flow.start::<needs_a_gpu>(1).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "stand-in");
    stand_in.drain(PATIENCE).await;
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
}

#[step]
pub async fn in_its_turn(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
pub async fn taking_turns(n: u32) -> Result<u32> {
    in_its_turn(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn higher_priority_goes_first() {
    let db = Database::new().await;
    let flow = db.flow().await;
    for priority in [0, -3, 7, 2] {
        flow.start::<taking_turns>(1).priority(priority).await.unwrap();
    }
    let worker = worker_with(flow.worker().slots(1), "taking_turns").await;
    db.until("select count(*) from pgflow.run where state = 1", 4).await;
    worker.drain(PATIENCE).await;
    let order: Vec<i16> = sqlx::query_scalar("select priority from pgflow.run order by ended_at")
        .fetch_all(&mut db.sql().await)
        .await
        .unwrap();
    assert_eq!(order, [7, 2, 0, -3]);
}
