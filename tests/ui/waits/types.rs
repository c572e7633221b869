//! rustc's own errors, once each, and ours of what a payload must be.
use std::time::Duration;

use pgflow::{Failure, step, workflow};

struct Raw;

#[derive(Debug, thiserror::Error)]
#[error("bad")]
struct Bad;

#[step]
async fn a(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[workflow]
async fn other(n: u32) -> Result<u32, Failure> {
    a(n).await
}

#[workflow]
async fn fragile() -> Result<u32, Bad> {
    Err(Bad)
}

async fn helper(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[workflow]
async fn sleeps(n: u64) -> Result<u64, Failure> {
    pgflow::sleep(n).await;
    #[id = "again"]
    let x = pgflow::sleep(Duration::from_secs(n)).await?;
    Ok(x)
}

#[workflow]
async fn signals(n: u32) -> Result<u32, Failure> {
    let _raw = pgflow::signal::<Raw>("raw").await?;
    let text = pgflow::signal::<String>("text").await?;
    Ok(n.min(text))
}

#[workflow]
async fn children(s: String) -> Result<u32, Failure> {
    let x = pgflow::child(other(s)).await?;
    Ok(x)
}

#[workflow]
async fn arity(n: u32) -> Result<u32, Failure> {
    let x = pgflow::child(other(n, n)).await?;
    Ok(x)
}

#[workflow]
async fn a_step_as_child(n: u32) -> Result<u32, Failure> {
    let x = pgflow::child(a(n)).await?;
    Ok(x)
}

#[workflow]
async fn a_function_as_child(n: u32) -> Result<u32, Failure> {
    let x = pgflow::child(helper(n)).await?;
    Ok(x)
}

#[workflow]
async fn tolerated() -> Result<bool, Failure> {
    let x = pgflow::child(fragile()).await;
    Ok(x.is_ok())
}

fn main() {}
