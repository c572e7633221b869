use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

async fn helper(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    let x = helper(n).await?;
    a(x).await
}

fn main() {}
