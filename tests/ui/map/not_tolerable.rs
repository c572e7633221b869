//! A map that may lose elements hands their errors on as values.
use pgflow::{step, workflow};

#[derive(Debug, thiserror::Error)]
#[error("bad")]
struct Bad;

#[step]
async fn risky(n: u32) -> Result<u32, Bad> {
    if n == 0 { Err(Bad) } else { Ok(n) }
}

#[workflow]
async fn w(n: u32) -> Result<usize, Bad> {
    let x = pgflow::map(0..n, risky).at_least(0.5).await?;
    Ok(x.len())
}

fn main() {}
