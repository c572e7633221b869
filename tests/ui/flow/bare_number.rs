use pgflow::{step, workflow};

#[step]
async fn big(n: u64) -> Result<u64, String> {
    Ok(n)
}

#[workflow]
async fn w(s: String) -> Result<String, String> {
    let n = 3_000_000_000;
    let x = big(n).await?;
    Ok(format!("{s}{x}{n}"))
}

fn main() {}
