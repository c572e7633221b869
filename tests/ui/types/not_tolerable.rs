use pgflow::{step, workflow};

#[derive(Debug, thiserror::Error)]
#[error("bad")]
struct Bad;

#[step]
async fn risky(n: u32) -> Result<u32, Bad> {
    if n == 0 { Err(Bad) } else { Ok(n) }
}

#[workflow]
async fn w(n: u32) -> Result<u32, Bad> {
    let r = risky(n).await;
    Ok(r.unwrap_or(0))
}

fn main() {}
