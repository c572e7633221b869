//! The longest arm counts.
use pgflow::{step, workflow};

#[step(timeout = "20s")]
async fn first(n: u32) -> Result<u32, String> {
    Ok(n)
}
#[step(timeout = "30s")]
async fn quick(n: u32) -> Result<u32, String> {
    Ok(n)
}
#[step(timeout = "60s")]
async fn slow(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow(timeout = "1m")]
async fn w(n: u32) -> Result<u32, String> {
    let x = first(n).await?;
    let y = if x > 3 { slow(n).await? } else { quick(x).await? };
    Ok(y)
}

fn main() {}
