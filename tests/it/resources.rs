//! Workers that offer different things: who gets what, what nobody can serve, and how many are wanted.

use std::{convert::Infallible, time::Duration};

use pgflow::{Gpu, GpuSlot, StepContext, step, workflow};
use tokio::sync::{Notify, Semaphore};

use crate::support::{Database, PATIENCE};

fn gpu(index: u32, gib: u64) -> Gpu {
    let uuid = format!("GPU-{index}-{gib}");
    Gpu { index, uuid, name: "test".into(), memory_bytes: gib << 30 }
}

#[step(gpu(vram = "20GiB"))]
async fn train_large(n: u32) -> Result<Vec<(u32, u64)>, Infallible> {
    let context = StepContext::current();
    let _ = n;
    match context.gpu() {
        Some(GpuSlot::Devices(devices)) => {
            Ok(devices.iter().map(|d| (d.index, d.memory_bytes >> 30)).collect())
        }
        _ => Ok(Vec::new()),
    }
}

#[workflow]
async fn large_training(n: u32) -> Result<Vec<(u32, u64)>, Infallible> {
    train_large(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_gets_a_gpu_that_is_large_enough_and_says_meanwhile_that_none_is() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let offering = |gpus: Vec<Gpu>| flow.worker().only(["large_training"]).gpus(gpus).spawn();
    let run = flow.start::<large_training>(1).await.unwrap();
    let unserved = async || run.status().await.unwrap().unserved.unwrap_or_default();
    assert!(unserved().await.starts_with("no live worker serves `large_training` version 1"));
    let none = offering(Vec::new()).await.unwrap();
    let expected =
        "no live worker can run a step that is ready: `train_large` needs a GPU with 20 GiB";
    assert_eq!(unserved().await, format!("{expected}, none offered; start one that offers it"));
    let small = offering(vec![gpu(0, 8)]).await.unwrap();
    // of both workers the nearer one
    let nearer = format!("{expected}, the largest offered has 8 GiB; start one that offers it");
    assert_eq!(unserved().await, nearer);
    assert_eq!(db.count("select count(*) from pgflow.attempt").await, 0);
    let mixed = offering(vec![gpu(0, 12), gpu(1, 40)]).await.unwrap();
    assert_eq!(run.output().await.unwrap(), [(1, 40)]);
    let runs = flow.start_many::<large_training>(0..10).await.unwrap();
    for run in runs {
        assert_eq!(run.output().await.unwrap(), [(1, 40)]);
    }
    for worker in [none, small, mixed] {
        worker.drain(PATIENCE).await;
    }
}

#[step(gpu = 2)]
async fn on_two(n: u32) -> Result<usize, Infallible> {
    let _ = n;
    match StepContext::current().gpu() {
        Some(GpuSlot::Devices(devices)) => Ok(devices.len()),
        _ => Ok(0),
    }
}

#[step(cpu = 3)]
async fn on_three_cores(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[workflow]
async fn wide_and_deep(n: u32) -> Result<usize, Infallible> {
    let wide = on_two(n).await?;
    let deep = on_three_cores(n).await?;
    Ok(wide + usize::try_from(deep).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_that_different_workers_can_run_are_no_reason_to_complain() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let builder = || flow.worker().only(["wide_and_deep"]);
    let cores = builder().cores(4).spawn().await.unwrap();
    let run = flow.start::<wide_and_deep>(5).await.unwrap();
    db.until("select count(*) from pgflow.attempt where status = 1", 1).await;
    let why = run.status().await.unwrap().unserved.unwrap();
    assert!(why.contains("`on_two` needs 2 GPUs, none offered"), "{why}");
    let one = builder().cores(2).gpus(vec![gpu(0, 8)]).spawn().await.unwrap();
    let why = run.status().await.unwrap().unserved.unwrap();
    assert!(why.contains("`on_two` needs 2 GPUs, 1 offered"), "{why}");
    let two = builder().cores(2).gpus(vec![gpu(0, 8), gpu(1, 8)]).spawn().await.unwrap();
    assert_eq!(run.output().await.unwrap(), 7);
    cores.drain(PATIENCE).await;
    // what only it could run waits, and what one of the others can does not
    let run = flow.start::<wide_and_deep>(5).await.unwrap();
    db.until("select count(*) from pgflow.attempt where status = 1", 3).await;
    let why = run.status().await.unwrap().unserved.unwrap();
    assert!(why.contains("`on_three_cores` needs 3 cores, 2 offered"), "{why}");
    one.drain(PATIENCE).await;
    two.drain(PATIENCE).await;
}

/// What holds the tasks of `queueing`.
static DOOR: Semaphore = Semaphore::const_new(0);

#[step]
async fn through_the_door(n: u32) -> Result<u32, Infallible> {
    DOOR.acquire().await.unwrap().forget();
    Ok(n)
}

#[workflow]
async fn queueing(n: u32) -> Result<u32, Infallible> {
    through_the_door(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_has_grown_shrinks_back_where_there_is_nothing_to_do() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["queueing"]).slots_between(2..=40).spawn().await.unwrap();
    let grown = flow.start_many::<queueing>(0..40).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 40).await;
    DOOR.add_permits(40);
    for run in grown {
        run.output().await.unwrap();
    }
    // each is a look for work that finds nothing: 40, 20, 10, 5, 2, and one that began with so few
    for _ in 0..6 {
        db.until("select count(*) from pgflow.worker where idle", 1).await;
        sqlx::query("select pgflow.wake_1()").execute(&mut db.sql().await).await.unwrap();
        db.until("select count(*) from pgflow.worker where idle", 1).await;
    }
    let runs = flow.start_many::<queueing>(0..30).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 30).await;
    let first = "select count(*) from pgflow.task where started_at = (select min(started_at) from pgflow.task)";
    assert_eq!(db.count(first).await, 2, "the first look for work had room for so many");
    DOOR.add_permits(30);
    for run in runs {
        run.output().await.unwrap();
    }
    worker.drain(PATIENCE).await;
}

static GATE: Notify = Notify::const_new();

#[step]
async fn slow_enough(n: u32) -> Result<u32, Infallible> {
    GATE.notified().await;
    Ok(n)
}

#[workflow]
async fn crowd(n: u32) -> Result<u32, Infallible> {
    slow_enough(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_grows_with_the_backlog_and_more_workers_are_wanted() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let minute = Duration::from_secs(60);
    assert_eq!(flow.wanted_workers(minute).await.unwrap().workers, 0);
    let runs = flow.start_many::<crowd>(0..120).await.unwrap();
    let wanted = flow.wanted_workers(Duration::from_secs(1)).await.unwrap();
    assert_eq!((wanted.workers, wanted.live, wanted.queues[0].slots), (4, 0, 120));
    let worker = flow.worker().only(["crowd"]).slots_between(2..=40).spawn().await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 40).await;
    let wanted = flow.wanted_workers(Duration::from_secs(1)).await.unwrap();
    assert_eq!((wanted.workers, wanted.live, wanted.slots_per_worker), (3, 1, 40));
    let queue = &wanted.queues[0];
    assert_eq!((queue.node.as_str(), queue.ready, queue.running), ("slow_enough", 80, 40));
    for (n, run) in (0..).zip(runs) {
        let output = run.output();
        tokio::pin!(output);
        let output = loop {
            GATE.notify_waiters();
            if let Ok(output) = tokio::time::timeout(Duration::from_millis(5), &mut output).await {
                break output;
            }
        };
        assert_eq!(output.unwrap(), n);
    }
    worker.drain(PATIENCE).await;
}
