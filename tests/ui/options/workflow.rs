//! Every wrong option of a workflow, all at once.
use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow(version = 1, version = 2, allow(everything), schedule = "daily", gpu, timeout = "", retires = 3)]
async fn wrong(n: u32) -> Result<u32, String> {
    a(n).await
}

#[workflow(version = 0, allow, schedule = 5, pgflow::id = "x")]
async fn also_wrong(n: u32) -> Result<u32, String> {
    a(n).await
}

#[workflow(redact = ["password"])]
async fn shown(n: u32) -> Result<u32, String> {
    a(n).await
}

fn main() {}
