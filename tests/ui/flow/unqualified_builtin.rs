use pgflow::{map, step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn w(n: u32) -> Result<Vec<u32>, String> {
    map(0..n, a).await
}

fn main() {}
