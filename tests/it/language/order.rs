//! The order of effects: in the graph as in the plain call, also past arms that are not taken.

use std::sync::{Arc, Mutex, PoisonError};

use pgflow::{Definition, StepContext, Workflow, step, testing, workflow};

type Fallible<T> = Result<T, String>;

/// What has run, in the order in which it was done.
type Log = Arc<Mutex<Vec<&'static str>>>;

fn log(entry: &'static str) {
    let log: Arc<Log> = StepContext::current().state();
    log.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
}

#[step]
async fn quick(n: u32) -> Fallible<u32> {
    log("quick");
    Ok(n)
}
/// Is over long after whatever begins with it.
#[step]
async fn slow(n: u32) -> Fallible<u32> {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    log("slow");
    Ok(n)
}
#[step]
async fn uses(n: u32) -> Fallible<u32> {
    log("uses");
    Ok(n + 1)
}
#[step]
async fn effect() -> Fallible<()> {
    log("effect");
    Ok(())
}
#[step]
async fn later(n: u32) -> Fallible<u32> {
    log("later");
    Ok(n)
}

/// The edge from `slow` to `effect` is reduced through `uses`: where `uses` is skipped, the skip must wait for `slow`.
#[workflow]
async fn skipped_reader(n: u32) -> Fallible<u32> {
    let q = quick(n).await?;
    let a = slow(n).await?;
    let v = if q > 100 { uses(a).await? } else { 0 };
    effect().await?;
    Ok(v)
}

/// An effect in an arm waits for what stands before the branch, and what follows the branch waits for it.
#[workflow]
async fn effect_in_an_arm(n: u32) -> Fallible<u32> {
    let a = slow(n).await?;
    let v = if n > 100 {
        effect().await?;
        1u32
    } else {
        2
    };
    let b = later(n).await?;
    Ok(a + v + b)
}

/// A statement with arms is an effect, whichever arm is taken.
#[workflow]
async fn statement_with_arms(n: u32) -> Fallible<u32> {
    let a = slow(n).await?;
    match n {
        0 => {}
        1..=100 => effect().await?,
        _ => {
            let u = uses(n).await?;
            #[id = "again"]
            let _u = later(u).await?;
        }
    }
    let b = later(n).await?;
    Ok(a + b)
}

/// A sleep is an effect too.
#[workflow]
async fn sleep_between(n: u32) -> Fallible<u32> {
    let a = slow(n).await?;
    pgflow::sleep(std::time::Duration::ZERO).await;
    let b = later(n).await?;
    Ok(a + b)
}

/// The plain call and the run in memory do the same in the same order.
async fn same_order<W: Workflow<Input = u32, Output = u32>>(
    plain: impl Future<Output = Fallible<u32>>,
    n: u32,
    expected: &[&str],
) {
    let taken =
        |log: &Log| std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
    let log = Log::default();
    let value = testing::with_state(Arc::clone(&log), plain).await.unwrap();
    assert_eq!(taken(&log), expected, "{} {n}, plain", W::NAME);
    let run = testing::run::<W>().input(n);
    assert_eq!(testing::with_state(Arc::clone(&log), run).await.unwrap(), value);
    assert_eq!(taken(&log), expected, "{} {n}, in memory", W::NAME);
}

#[tokio::test]
async fn a_skip_does_not_run_ahead_of_an_effect() {
    let edges = Definition::from((skipped_reader::SPEC)());
    let node = |id: &str| edges.node(id).unwrap();
    assert_eq!(node("effect").after, ["uses"], "the edge to `slow` is reduced");
    same_order::<skipped_reader>(skipped_reader(1), 1, &["quick", "slow", "effect"]).await;
    let all = ["quick", "slow", "uses", "effect"];
    same_order::<skipped_reader>(skipped_reader(101), 101, &all).await;
}

#[tokio::test]
async fn an_effect_in_an_arm_keeps_its_place() {
    same_order::<effect_in_an_arm>(effect_in_an_arm(101), 101, &["slow", "effect", "later"]).await;
    same_order::<effect_in_an_arm>(effect_in_an_arm(1), 1, &["slow", "later"]).await;
}

#[tokio::test]
async fn a_statement_with_arms_keeps_its_place_whichever_is_taken() {
    for (n, expected) in [
        (0, &["slow", "later"][..]),
        (1, &["slow", "effect", "later"]),
        (101, &["slow", "uses", "later", "later"]),
    ] {
        same_order::<statement_with_arms>(statement_with_arms(n), n, expected).await;
    }
    same_order::<sleep_between>(sleep_between(1), 1, &["slow", "later"]).await;
}
