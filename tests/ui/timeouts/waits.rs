//! A sleep, a signal's limit and a child's timeout count where they are written out.
use std::time::Duration;

use pgflow::{Failure, step, workflow};

#[step(timeout = "30s")]
async fn a(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[workflow(timeout = "90s")]
async fn other(n: u32) -> Result<u32, Failure> {
    a(n).await
}

#[workflow(timeout = "1h")]
async fn w(n: u32) -> Result<u32, Failure> {
    pgflow::sleep(Duration::from_secs(60)).await;
    let n = a(n).await?;
    let x = pgflow::child(other(n)).await?;
    if x > 3 {
        pgflow::signal::<()>("approve").within("24h").await?;
    }
    Ok(x)
}

fn main() {}
