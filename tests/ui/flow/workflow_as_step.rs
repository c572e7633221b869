use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn inner(n: u32) -> Result<u32, String> {
    a(n).await
}

#[workflow]
async fn outer(n: u32) -> Result<u32, String> {
    inner(n).await
}

fn main() {}
