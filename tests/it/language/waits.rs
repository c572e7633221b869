//! Sleeps, signals, child runs and bounded maps, in a plain call and in memory.

use std::time::Duration;

use pgflow::{
    Definition, Failure, FailureKind, Workflow, step, testing, testing::RunError, workflow,
};
use serde::{Deserialize, Serialize};

use crate::support::{Database, PATIENCE, worker};

type Fallible<T> = Result<T, Error>;

#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum Error {
    #[error("odd {0}")]
    Odd(u32),
    #[error(transparent)]
    Step(#[from] Failure),
}

#[step]
async fn double(n: u32) -> Fallible<u32> {
    Ok(n * 2)
}
#[step(retries = 0)]
async fn only_even(n: u32) -> Fallible<u32> {
    if n.is_multiple_of(2) { Ok(n) } else { Err(Error::Odd(n)) }
}
#[step]
async fn add(a: u32, b: u32) -> Fallible<u32> {
    Ok(a + b)
}

#[workflow]
async fn rests(n: u32) -> Fallible<u32> {
    let x = double(n).await?;
    pgflow::sleep(Duration::from_millis(u64::from(x))).await;
    let y = if x > 4 {
        #[id = "nap"]
        let _nap = pgflow::sleep(Duration::from_hours(24)).await;
        add(x, 1).await?
    } else {
        x
    };
    Ok(y)
}

#[workflow]
async fn asks(n: u32) -> Fallible<String> {
    let x = double(n).await?;
    let by: String = pgflow::signal::<String>("approve").within("24h").await?;
    let limit = Duration::from_secs(u64::from(x));
    let amount = pgflow::signal::<u32>("amount").within(limit).await;
    let total = if by == "eve" {
        pgflow::signal::<()>("second").await?;
        add(x, 1).await?
    } else {
        0
    };
    Ok(format!("{by} {:?} {total}", amount.map_err(|e| e.kind)))
}

#[workflow]
async fn inner(n: u32, label: String) -> Fallible<String> {
    let x = only_even(n).await?;
    Ok(format!("{label}{x}"))
}

#[workflow]
async fn leaf() -> Fallible<u32> {
    double(21).await
}

#[workflow]
async fn parent(n: u32) -> Fallible<String> {
    let text = pgflow::child(inner(n * 2, "a".into())).await?;
    #[id = "second"]
    let other = pgflow::child(inner(n, text.clone())).await;
    let leaf = pgflow::child(leaf()).await?;
    let other = match other {
        Ok(other) => other,
        Err(Error::Odd(n)) => format!("odd {n}"),
        Err(e) => e.to_string(),
    };
    Ok(format!("{text} {other} {leaf}"))
}

/// Workflows may be each other's children: this is how a loop is written.
#[workflow]
async fn countdown(n: u32) -> Fallible<u32> {
    let left = double(n / 2).await?;
    if left == 0 { Ok(0) } else { pgflow::child(countdown_on(left)).await }
}
#[workflow]
async fn countdown_on(n: u32) -> Fallible<u32> {
    let rest = pgflow::child(countdown(n - 2)).await?;
    Ok(rest + n)
}

const AT_ONCE: u32 = 2;

#[workflow]
async fn bounded(n: u32) -> Fallible<String> {
    const SHARE: f64 = 0.5;
    let all = pgflow::map(0..n, double).limit(AT_ONCE).await?;
    let most = pgflow::map(0..n, |k| only_even(k + 1)).at_least(SHARE).limit(3).await?;
    #[id = "few"]
    let few = pgflow::map(all.clone(), |k| only_even(k + n)).at_least(0.9).await;
    let most: Vec<_> = most.into_iter().map(|r| r.map_err(|e| e.to_string())).collect();
    Ok(format!("{all:?} {most:?} {:?}", few.map(|few| few.len()).map_err(|e| e.to_string())))
}

#[tokio::test(start_paused = true)]
async fn a_sleep_is_slept_in_a_plain_call_and_skipped_in_memory() {
    let began = tokio::time::Instant::now();
    assert_eq!(testing::run::<rests>().input(3).await.unwrap(), 7);
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(rests(3).await.unwrap(), 7);
    assert_eq!(began.elapsed().as_secs(), 24 * 3600);
}

#[tokio::test]
async fn signals_come_from_the_test() {
    let plain = testing::with_signals([("approve", "ann")], asks(3));
    let plain = testing::with_signals([("amount", 7)], plain).await.unwrap();
    let run = testing::run::<asks>().signal("approve", &"ann").signal("amount", &7);
    let graph = run.input(3).await.unwrap();
    assert_eq!((plain.as_str(), graph.as_str()), ("ann Ok(7) 0", "ann Ok(7) 0"));

    let eve = testing::run::<asks>().signal("approve", &"eve").signal("amount", &7);
    let waits = eve.input(3).await.unwrap_err();
    assert_eq!(waits, RunError::Waits("second".into()));
    let eve = testing::run::<asks>().signal("approve", &"eve").stub_node("signal:amount", &7);
    assert_eq!(eve.signal("second", &()).input(3).await.unwrap(), "eve Ok(7) 7");
}

#[tokio::test]
async fn a_signal_that_does_not_come_times_out_or_names_the_remedy() {
    let run = testing::run::<asks>().signal("approve", &"ann");
    assert_eq!(run.input(3).await.unwrap(), "ann Err(TimedOut) 0");
    let Err(RunError::Failed(late)) = testing::run::<asks>().input(3).await else {
        panic!("it came")
    };
    assert_eq!((late.step.as_str(), late.kind), ("signal:approve", FailureKind::TimedOut));
    let plain = asks(3).await.unwrap_err().to_string();
    assert!(plain.contains("`pgflow::testing::with_signals`"), "{plain}");
    let run = testing::run::<asks>().signal("approve", &3);
    assert!(matches!(run.input(3).await, Err(RunError::Broken(why)) if why.contains("decode")));
}

/// Calls a macro with workflows and inputs.
macro_rules! each_wait {
    ($check:ident) => {
        $check! {
            rests(1);
            parent(1, 2, 3);
            countdown(0, 2, 5, 8);
            bounded(0, 1, 2, 4, 5);
        }
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn children_and_bounds_give_in_the_graph_what_the_plain_call_gives() {
    each_wait!(same);
    assert_eq!(countdown(8).await.unwrap(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_give_on_postgres_what_the_plain_call_gives() {
    each_wait!(same_on_postgres);
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_reach_a_run_on_postgres_and_late_ones_do_not() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, asks::NAME).await;
    let given = flow.start::<asks>(3).await.unwrap();
    given.signal("approve", &"eve", "test").await.unwrap();
    given.signal("second", &(), "test").await.unwrap();
    given.signal("amount", &7, "test").await.unwrap();
    assert_eq!(given.output().await.unwrap(), "eve Ok(7) 7");
    let late = flow.start::<asks>(0).await.unwrap();
    late.signal("approve", &"ann", "test").await.unwrap();
    assert_eq!(late.output().await.unwrap(), "ann Err(TimedOut) 0");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test]
async fn the_step_of_a_child_can_be_stubbed_and_the_child_itself() {
    let run = testing::run::<parent>().stub_node("second", &"whole").stub_node("leaf", &1);
    assert_eq!(run.input(2).await.unwrap(), "a4 whole 1");
}

#[test]
fn waits_are_nodes_with_ids_of_their_own() {
    let lines = |spec| {
        let definition = Definition::from(spec);
        definition.check().unwrap();
        let line = |n: &pgflow_core::definition::Node| {
            let bounds = n.limit.map(|l| format!(" limit {l}")).unwrap_or_default()
                + &n.at_least.map(|l| format!(" at least {l}")).unwrap_or_default();
            format!(
                "{} {:?} {:?} {:?} reads {:?} after {:?}{bounds}",
                n.id, n.kind, n.workflow, n.output, n.deps, n.after
            )
        };
        definition.nodes.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let all = [(rests::SPEC)(), (asks::SPEC)(), (parent::SPEC)(), (bounded::SPEC)()];
    insta::assert_snapshot!(all.map(lines).join("\n\n"), @r#"
    double Step None Some("u32") reads [] after []
    sleep Sleep None None reads ["double"] after []
    if:nap Branch None None reads ["double"] after ["sleep"]
    nap Sleep None None reads [] after []
    add Step None Some("u32") reads ["double"] after ["nap"]

    double Step None Some("u32") reads [] after []
    signal:approve Signal None Some("String") reads [] after []
    signal:amount Signal None Some("u32") reads ["double"] after []
    if:signal:second Branch None None reads ["signal:approve"] after []
    signal:second Signal None Some("()") reads [] after ["signal:amount"]
    add Step None Some("u32") reads ["double"] after ["signal:second"]

    inner Child Some("inner") Some("String") reads [] after []
    second Child Some("inner") Some("String") reads ["inner"] after []
    leaf Child Some("leaf") Some("u32") reads [] after []

    double Map None Some("u32") reads [] after [] limit 2
    only_even Map None Some("u32") reads [] after [] limit 3 at least 0.5
    few Map None Some("u32") reads ["double"] after [] at least 0.9
    "#);
}
