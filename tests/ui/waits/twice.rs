//! A second wait of a kind, and a second run of a workflow, are named.
use std::time::Duration;

use pgflow::{Failure, step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[workflow]
async fn other(n: u32) -> Result<u32, Failure> {
    a(n).await
}

#[workflow]
async fn w(n: u32) -> Result<u32, Failure> {
    pgflow::sleep(Duration::from_secs(1)).await;
    pgflow::sleep(Duration::from_secs(2)).await;
    pgflow::signal::<()>("go").await?;
    pgflow::signal::<()>("go").within("24h").await?;
    let x = pgflow::child(other(n)).await?;
    let y = pgflow::child(other(x)).await?;
    Ok(y)
}

fn main() {}
