//! Two calls are two nodes, also where only one of them runs.
use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step]
async fn b(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    let x = if n > 1 { a(n).await? } else { a(n + 1).await? };
    match x {
        0 => b(n).await,
        #[id = "other"]
        1 => b(x).await,
        _ => b(n + x).await,
    }
}

fn main() {}
