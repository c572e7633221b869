//! The smallest workflow: one step, one worker, one run. Needs nothing but Postgres binaries: without `DATABASE_URL` a
//! private server is started and kept.
//!
//! `cargo run --example hello`

use std::{convert::Infallible, time::Duration};

use pgflow::{step, workflow};

/// Greets somebody.
#[step]
async fn greet(name: String) -> Result<String, Infallible> {
    Ok(format!("Hello, {name}!"))
}

/// One step is a workflow too.
#[workflow]
async fn hello(name: String) -> Result<String, Infallible> {
    greet(name).await
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flow = pgflow::from_env().await?;
    let worker = flow.worker().spawn().await?;
    let run = flow.start::<hello>("Postgres".into()).await?;
    let greeting = run.output().await?;
    assert_eq!(greeting, "Hello, Postgres!");
    println!("run {}: {greeting}", run.id());
    worker.drain(Duration::from_secs(5)).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_survives_the_death_of_its_worker_at_every_commit() {
        let report = pgflow::testing::crash_everywhere::<hello>("Postgres".into()).await.unwrap();
        println!("{report}");
    }
}
