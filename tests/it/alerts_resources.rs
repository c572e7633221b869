//! What alerts say in words: of a step that nobody alive serves or can run, and of one for which memory or cores are short.

use std::{convert::Infallible, time::Duration};

use pgflow::{AlertRules, Gpu, step, workflow};
use tokio::sync::Semaphore;

use crate::support::{Database, PATIENCE};

/// What holds the steps.
static DOOR: Semaphore = Semaphore::const_new(0);

#[step(memory = "3GiB")]
async fn needs_memory(n: u32) -> Result<u32, Infallible> {
    DOOR.acquire().await.unwrap().forget();
    Ok(n)
}

#[step(cpu = 3)]
async fn needs_cores(n: u32) -> Result<u32, Infallible> {
    DOOR.acquire().await.unwrap().forget();
    Ok(n)
}

#[step(gpu(vram = "24GiB"))]
async fn needs_a_large_gpu(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[step]
async fn needs_nothing(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[workflow]
async fn memory_wanted(n: u32) -> Result<u32, Infallible> {
    needs_memory(n).await
}

#[workflow]
async fn cores_wanted(n: u32) -> Result<u32, Infallible> {
    needs_cores(n).await
}

#[workflow]
async fn gpu_wanted(n: u32) -> Result<u32, Infallible> {
    needs_a_large_gpu(n).await
}

#[workflow]
async fn nobody_wanted(n: u32) -> Result<u32, Infallible> {
    needs_nothing(n).await
}

fn rules() -> AlertRules {
    let mut rules = AlertRules::default();
    rules.every = Duration::from_millis(100);
    rules.resources = Duration::from_millis(1);
    rules
}

/// What is open, as `kind of subject: detail`, when that many are.
async fn open(db: &Database, count: usize) -> Vec<String> {
    let query = "select kind || ' of ' || subject || ': ' || detail from pgflow.alerts where open order by 1";
    let mut sql = db.sql().await;
    let asked = async || {
        let open: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut sql).await.unwrap();
        (open.len() == count).then_some(open)
    };
    db.until_some(asked).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_says_what_nobody_offers_and_how_much_is_there() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let runs = [
        flow.start::<memory_wanted>(1).await.unwrap().id(),
        flow.start::<cores_wanted>(2).await.unwrap().id(),
        flow.start::<gpu_wanted>(3).await.unwrap().id(),
        flow.start::<nobody_wanted>(4).await.unwrap().id(),
    ];
    let gpu = |gib: u64| {
        let uuid = format!("GPU-alert-{gib}");
        vec![Gpu { index: 0, uuid, name: "test".into(), memory_bytes: gib << 30 }]
    };
    let served = ["memory_wanted", "cores_wanted", "gpu_wanted"];
    let builder = || flow.worker().only(served).alerts(rules());
    let small = builder().memory(2 << 30).cores(2).gpus(gpu(8)).spawn().await.unwrap();
    let expected = [
        "unserved of cores_wanted@1 needs_cores: `needs_cores` needs 3 cores, 2 offered",
        "unserved of gpu_wanted@1 needs_a_large_gpu: `needs_a_large_gpu` needs a GPU with 24 GiB, the largest offered has 8 GiB",
        "unserved of memory_wanted@1 needs_memory: `needs_memory` needs 3 GiB of memory, 2 GiB offered",
        "unserved of nobody_wanted@1 needs_nothing: no live worker serves it",
    ];
    assert_eq!(open(&db, 4).await, expected);
    DOOR.add_permits(2);
    let large = builder().memory(4 << 30).cores(4).gpus(gpu(24)).spawn().await.unwrap();
    for run in &runs[..3] {
        flow.run::<memory_wanted>(*run).output().await.unwrap();
    }
    assert_eq!(open(&db, 1).await, expected[3..]);

    // who offers enough has it in use
    let busy = [
        flow.start::<memory_wanted>(5).await.unwrap(),
        flow.start::<memory_wanted>(6).await.unwrap(),
    ];
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    let also = flow.start::<cores_wanted>(7).await.unwrap();
    let behind = flow.start::<cores_wanted>(8).await.unwrap();
    let short = open(&db, 3).await;
    let subjects = ["cores_wanted@1 needs_cores", "memory_wanted@1 needs_memory"];
    for (line, subject) in short.iter().zip(subjects) {
        // as somebody saw it when it was raised, perhaps before the first had begun
        let [one, two] = [1, 2]
            .map(|n| format!("resources_short of {subject}: {n} ready, the oldest for 00:00:"));
        assert!(line.starts_with(&one) || line.starts_with(&two), "{line}");
    }
    DOOR.add_permits(4);
    for run in busy {
        run.output().await.unwrap();
    }
    for run in [also, behind] {
        run.output().await.unwrap();
    }
    assert_eq!(open(&db, 1).await, expected[3..]);
    small.drain(PATIENCE).await;
    large.drain(PATIENCE).await;
}
