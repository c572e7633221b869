//! Branches on Postgres: one arm runs, what stands in the others is skipped, and a skip overtakes nothing.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use pgflow::{AttemptStatus, Failure, RunStatus, step, workflow};
use tokio::sync::Notify;

use crate::support::{Database, PATIENCE, worker};

type Result<T> = std::result::Result<T, Failure>;

#[step]
pub async fn measure(n: u32) -> Result<u32> {
    Ok(n)
}

#[step]
pub async fn shrink(n: u32) -> Result<u32> {
    Ok(n / 10)
}

#[step]
pub async fn polish(n: u32) -> Result<u32> {
    Ok(n + 1)
}

#[step]
pub async fn stretch(n: u32) -> Result<u32> {
    Ok(n * 10)
}

#[step]
pub async fn label(n: u32, size: String) -> Result<String> {
    Ok(format!("{size} {n}"))
}

#[workflow]
pub async fn fitting(n: u32) -> Result<String> {
    let size = measure(n).await?;
    let fitted = if size > 100 {
        let smaller = shrink(size).await?;
        let left = polish(smaller).await?;
        #[id = "polish_again"]
        let right = polish(left).await?;
        left + right
    } else if size > 10 {
        size
    } else {
        stretch(size).await?
    };
    match fitted {
        0 => Ok("nothing".into()),
        1..=9 =>
        {
            #[id = "label_small"]
            label(fitted, "small".into()).await
        }
        n => label(n, "large".into()).await,
    }
}

fn skipped(status: &RunStatus) -> Vec<&str> {
    let mut nodes: Vec<&str> = status
        .attempts
        .iter()
        .filter(|a| a.status == AttemptStatus::Skipped)
        .map(|a| a.node.as_str())
        .collect();
    nodes.sort_unstable();
    nodes
}

#[tokio::test(flavor = "multi_thread")]
async fn one_arm_runs_and_the_steps_of_the_others_are_skipped() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "fitting").await;
    let large_arm = ["polish", "polish_again", "shrink"];
    // an `else if` is a branch of its own inside the arm `else`
    let small_arms = ["if:stretch", "stretch"];
    for (n, not_taken) in [
        (0, [&large_arm[..], &["label", "label_small"]].concat()),
        (7, [&large_arm[..], &["label_small"]].concat()),
        (50, [&large_arm[..], &["label_small", "stretch"]].concat()),
        (400, [&small_arms[..], &["label_small"]].concat()),
    ] {
        let run = flow.start::<fitting>(n).await.unwrap();
        assert_eq!(run.output().await.unwrap(), fitting(n).await.unwrap(), "{n}");
        let mut expected = not_taken.clone();
        expected.sort_unstable();
        assert_eq!(skipped(&run.status().await.unwrap()), expected, "{n}");
    }
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());
static SLOW_IS_DONE: AtomicBool = AtomicBool::new(false);
static GATE: Notify = Notify::const_new();

#[step]
pub async fn quick() -> Result<u32> {
    Ok(1)
}

#[step]
pub async fn slow() -> Result<u32> {
    GATE.notified().await;
    LOG.lock().unwrap_or_else(PoisonError::into_inner).push("slow".into());
    SLOW_IS_DONE.store(true, Ordering::SeqCst);
    Ok(2)
}

#[step]
pub async fn uses(n: u32) -> Result<u32> {
    Ok(n)
}

#[step]
pub async fn effect() -> Result<()> {
    let line = format!("effect, slow done: {}", SLOW_IS_DONE.load(Ordering::SeqCst));
    LOG.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    Ok(())
}

/// The edge from `slow` to `effect` is reduced through `uses`, which is skipped.
#[workflow]
pub async fn skipping_ahead() -> Result<u32> {
    let q = quick().await?;
    let a = slow().await?;
    let v = if q > 100 { uses(a).await? } else { 0 };
    effect().await?;
    Ok(v)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skip_waits_like_a_run_so_that_no_effect_overtakes() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["skipping_ahead", "fitting"]).spawn().await.unwrap();
    let run = flow.start::<skipping_ahead>(()).await.unwrap();
    db.until("select count(*) from pgflow.attempt where status = 1", 1).await;
    // time enough for an effect that does not wait
    flow.start::<fitting>(400).await.unwrap().output().await.unwrap();
    GATE.notify_one();
    assert_eq!(run.output().await.unwrap(), 0);
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(log, ["slow", "effect, slow done: true"]);
    assert_eq!(skipped(&run.status().await.unwrap()), ["uses"]);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}
