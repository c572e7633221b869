//! Half-typed code: the parser's own error, at the place.
use pgflow::{step, workflow};

#[step]
async fn half(n: u32) -> Result<u32, String> {
    let x = n. ;
    Ok(x)
}

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    let x = half(n).await?;
    Ok(x. )
}

fn main() {}
