//! The longest path counts what waits for each other, and fits to the second.
#![deny(warnings)]
use pgflow::{step, workflow};

#[step(timeout = "60s")]
async fn slow(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step(timeout = "60s")]
async fn other(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step(timeout = "30s")]
async fn join(a: u32, b: u32) -> Result<u32, String> {
    Ok(a + b)
}

#[workflow(timeout = "90s")]
async fn fits(n: u32) -> Result<u32, String> {
    let a = slow(n).await?;
    let b = other(n).await?;
    join(a, b).await
}

#[workflow(timeout = "60s", allow(longest_path))]
async fn allowed(n: u32) -> Result<u32, String> {
    let a = slow(n).await?;
    let b = other(a).await?;
    Ok(b)
}

fn main() {
    let _ = (fits(1), allowed(1));
}
