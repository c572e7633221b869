//! A host's shared state: the worker hands it to every step that asks. A step that says what it needs cannot meet a
//! worker without it: such a worker refuses to start.
//!
//! `cargo run --example share_state`

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use pgflow::{StepContext, step, workflow};

/// Something that the host has one of: a client, a pool, a cache.
#[derive(Debug, Default)]
struct Counter(AtomicU64);

/// Counts up in the host's counter.
#[step(needs(Counter))]
async fn count_up(by: u64) -> Result<u64, Infallible> {
    let counter = StepContext::current().state::<Counter>();
    Ok(counter.0.fetch_add(by, Ordering::Relaxed) + by)
}

/// Counts up twice, one after the other.
#[workflow]
async fn count_twice(by: u64) -> Result<u64, Infallible> {
    let first = count_up(by).await?;
    #[id = "count_again"]
    let second = count_up(first).await?;
    Ok(second)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flow = pgflow::from_env().await?;
    let refused = flow.worker().spawn().await.err().map(|e| e.to_string());
    println!("without the state: {}", refused.as_deref().unwrap_or_default());
    assert!(refused.is_some_and(|text| text.contains("count_up")));

    let worker = flow.worker().state(Counter::default()).spawn().await?;
    let total = flow.start::<count_twice>(2).await?.output().await?;
    assert_eq!(total, 4);
    println!("with it: {total}");
    worker.drain(Duration::from_secs(5)).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_survives_the_death_of_its_worker_at_every_commit() {
        // what is only in memory dies with its worker
        let report = pgflow::testing::crash_everywhere::<count_twice>(2)
            .worker(|worker| worker.stub(count_up {}, Ok(2)))
            .await
            .unwrap();
        println!("{report}");
    }
}
