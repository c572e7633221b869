//! A binding whose type only another reader fixes: loud, in the slice that does not know it.
use pgflow::{step, workflow};

#[step]
async fn big(n: u64) -> Result<u64, String> {
    Ok(n)
}

#[workflow]
async fn w(s: String) -> Result<String, String> {
    let n = s.parse().unwrap();
    let x = big(n).await?;
    Ok(format!("{x}{n}"))
}

fn main() {}
