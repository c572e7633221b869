//! Bounds of a map are constants.
use pgflow::{Failure, step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[workflow]
async fn w(n: u32) -> Result<u32, Failure> {
    let x = pgflow::map(0..n, a).limit(n).await?;
    #[id = "b"]
    let y = pgflow::map(0..n, a).limit(1).limit(2).await?;
    #[id = "c"]
    let z = pgflow::map(0..n, a).at_last(0.9).await?;
    #[id = "d"]
    let p = pgflow::map(0..n, a).at_least().await?;
    #[id = "e"]
    let q = pgflow::map(0..n, a).retry(3).await?;
    Ok((x.len() + y.len() + z.len() + p.len() + q.len()) as u32)
}

fn main() {}
