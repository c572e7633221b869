//! Reasons why what is ready is not claimed: limits, workers, and a start that is not due.

use std::time::Duration;

use pgflow::{Gpu, step, workflow};

use crate::support::{Database, PATIENCE, worker};

use super::{Result, gate, hold, reason, text, why_join};

#[step(concurrency = 1)]
pub async fn one_at_a_time(name: String) -> Result<u32> {
    gate(&name).notified().await;
    Ok(1)
}

#[workflow]
pub async fn why_limit(name: String) -> Result<u32> {
    one_at_a_time(name).await
}

#[step(exclusive = "printer")]
pub async fn alone(name: String) -> Result<u32> {
    gate(&name).notified().await;
    Ok(1)
}

#[workflow]
pub async fn why_exclusive(name: String) -> Result<u32> {
    alone(name).await
}

#[step(gpu)]
pub async fn train_model(name: String) -> Result<u32> {
    gate(&name).notified().await;
    Ok(1)
}

#[workflow]
pub async fn why_gpu(name: String) -> Result<u32> {
    train_model(name).await
}

#[workflow(concurrency = 1)]
pub async fn why_concurrency(name: String) -> Result<u32> {
    hold(name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_a_limit_that_others_hold() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let gpu = Gpu { index: 0, uuid: "GPU-why".into(), name: "one".into(), memory_bytes: 8 << 30 };
    let flows = ["why_limit", "why_exclusive", "why_gpu", "why_concurrency"];
    let worker = flow.worker().name("w1").only(flows).gpus(vec![gpu]).spawn().await.unwrap();
    macro_rules! second {
        ($workflow:ident) => {{
            let name = String::from(stringify!($workflow));
            let first = flow.start::<$workflow>(name.clone()).await.unwrap().id();
            reason(&db, &flow, first, "running").await;
            (first, flow.start::<$workflow>(name).await.unwrap().id())
        }};
    }
    let (first, run) = second!(why_limit);
    assert_eq!(
        text(&db, &flow, run, "limit").await,
        format!(
            "`one_at_a_time` waits for the limit of `one_at_a_time`, 1/1, held by run {first} (`one_at_a_time` on `w1` for N ms)"
        )
    );
    let (first, run) = second!(why_exclusive);
    assert_eq!(
        text(&db, &flow, run, "exclusive").await,
        format!(
            "`alone` waits for the exclusive `printer`, 1/1, held by run {first} (`alone` on `w1` for N ms)"
        )
    );
    let (first, run) = second!(why_gpu);
    assert_eq!(
        text(&db, &flow, run, "gpu").await,
        format!(
            "`train_model` waits for 1 GPU(s) of 1, held by run {first} (`train_model` on `w1` for N ms)"
        )
    );
    let (first, run) = second!(why_concurrency);
    let concurrency = reason(&db, &flow, run, "concurrency").await;
    assert_eq!(
        concurrency.text,
        format!(
            "its start waits for the concurrency of `why_concurrency`, 1/1, held by run {first}"
        )
    );
    let holder = concurrency.detail.decode::<serde_json::Value>().unwrap()["runs"][0].as_i64();
    assert_eq!(holder, Some(first.0));
    worker.drain(Duration::ZERO).await;
}

#[step(rate_limit = "1/h")]
pub async fn seldom(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
pub async fn why_rate(n: u32) -> Result<u32> {
    seldom(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_its_rate() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "why_rate").await;
    flow.start::<why_rate>(1).await.unwrap().output().await.unwrap();
    let run = flow.start::<why_rate>(2).await.unwrap();
    assert_eq!(
        text(&db, &flow, run.id(), "rate").await,
        "`seldom` waits for its rate of 1 in N min: the next may begin in N min (TIME UTC)"
    );
    worker.drain(PATIENCE).await;
}

#[step(memory = "4GiB")]
pub async fn large(name: String) -> Result<u32> {
    gate(&name).notified().await;
    Ok(1)
}

#[workflow(version = 3)]
pub async fn why_served(name: String) -> Result<u32> {
    large(name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_serves_it_or_nobody_can_or_nobody_has_the_memory_free() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let run = flow.start::<why_served>("served".into()).await.unwrap().id();
    assert_eq!(
        text(&db, &flow, run, "no_worker").await,
        "`large` waits for a worker: none is alive"
    );
    let other = flow.worker().name("w1").only(["why_limit", "why_rate"]).spawn().await.unwrap();
    assert_eq!(
        text(&db, &flow, run, "unserved").await,
        "`large` waits for a worker that has `why_served@3`; those alive have `why_limit@1`, `why_rate@1` (`w1`)"
    );
    let small =
        flow.worker().name("w2").only(["why_served"]).memory(1 << 30).spawn().await.unwrap();
    assert_eq!(
        text(&db, &flow, run, "refused").await,
        "`large` waits for a worker that can run it: `large` needs 4 GiB of memory, 1 GiB offered"
    );
    let able = flow.worker().name("w3").only(["why_served"]).memory(5 << 30).spawn().await.unwrap();
    reason(&db, &flow, run, "running").await;
    let second = flow.start::<why_served>("served".into()).await.unwrap().id();
    assert_eq!(
        text(&db, &flow, second, "resources").await,
        "`large` waits for a worker that has free 4096 MB of memory"
    );
    for worker in [other, small, able] {
        worker.drain(Duration::ZERO).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_workers_are_busy_and_others_are_before_it() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().name("w1").slots(1).only(["why_join"]).spawn().await.unwrap();
    let first = flow.start::<why_join>("busy".into()).await.unwrap().id();
    reason(&db, &flow, first, "running").await;
    flow.start::<why_join>("busy".into()).await.unwrap();
    let last = flow.start::<why_join>("busy".into()).await.unwrap().id();
    let busy = reason(&db, &flow, last, "busy").await;
    assert_eq!(
        busy.text,
        "its start waits for a slot: all live workers that serve it are busy (1 of 1 slots), with 2 tasks before it"
    );
    worker.drain(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_start_was_delayed_and_then_it_is_next() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let run = flow.start::<why_rate>(1).after(Duration::from_secs(600)).await.unwrap().id();
    assert_eq!(
        text(&db, &flow, run, "delayed").await,
        "its start was delayed: it begins in N min (TIME UTC)"
    );
    assert_eq!(
        text(&db, &flow, run, "no_worker").await,
        "no worker is alive, so no delay, sleep, retry or deadline comes to its end"
    );
    // a worker that is told of nothing: its row stands for one that is about to look
    let row = r#"insert into pgflow.worker (id, name, lease_until, offers) values (1, 'w1', pgflow.clock() + interval '1 h', '{"serves": ["why_rate@1"], "refuses": [], "slots": 4}')"#;
    sqlx::raw_sql(row).execute(&mut db.sql().await).await.unwrap();
    let run = flow.start::<why_rate>(1).await.unwrap().id();
    assert_eq!(
        text(&db, &flow, run, "next").await,
        "`seldom` waits to be claimed next: 4 of 4 slots of the live workers that serve it are free"
    );
}
