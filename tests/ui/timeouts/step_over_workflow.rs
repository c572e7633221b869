use pgflow::{step, workflow};

#[step(timeout = "60s")]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow(timeout = "40s", allow(longest_path))]
async fn w(n: u32) -> Result<u32, String> {
    let x = a(n).await?;
    Ok(x)
}

fn main() {}
