use pgflow::{step, workflow};

struct Raw(u32);

#[step]
async fn raw(n: u32) -> Result<Raw, String> {
    Ok(Raw(n))
}

#[step]
async fn take(r: Raw) -> Result<u32, String> {
    Ok(r.0)
}

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    let x = raw(n).await?;
    take(x).await
}

fn main() {}
