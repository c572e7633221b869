//! Bounds that let nothing run, as only a constant can tell.
use pgflow::{Failure, step, workflow};

const NONE: u32 = 0;

#[step]
async fn a(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[workflow]
async fn w(n: u32) -> Result<usize, Failure> {
    let x = pgflow::map(0..n, a).limit(NONE).await?;
    #[id = "b"]
    let y = pgflow::map(0..n, a).at_least(90.0).await?;
    Ok(x.len() + y.len())
}

fn main() {}
