//! The program after a deploy: version 2 of its workflow has a step more, and another is tuned
//! otherwise; the limits of its maps are others under the same versions. `tests/it/releases.rs` runs it.

use std::process::ExitCode;

use pgflow::{Failure, cli::Host, step, workflow};

#[step]
async fn pick(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[step(retries = 5, concurrency = 3)]
async fn label(n: u32, word: String) -> Result<String, Failure> {
    Ok(format!("{n} {word}"))
}

#[step]
async fn dispatch(label: String) -> Result<String, Failure> {
    Ok(format!("{label}, dispatched"))
}

#[workflow(version = 2)]
async fn shipment(n: u32) -> Result<String, Failure> {
    let picked = pick(n).await?;
    let word = pgflow::signal::<String>("address").await?;
    let label = label(picked, word).await?;
    dispatch(label).await
}

#[step]
async fn stow(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[workflow]
async fn unbound(n: u32) -> Result<Vec<u32>, Failure> {
    pgflow::map(0..n, stow).await
}

#[workflow]
async fn widen(n: u32) -> Result<Vec<u32>, Failure> {
    pgflow::map(0..n, stow).limit(3).await
}

#[workflow]
async fn narrow(n: u32) -> Result<Vec<u32>, Failure> {
    pgflow::map(0..n, stow).limit(1).await
}

#[workflow]
async fn bind(n: u32) -> Result<Vec<u32>, Failure> {
    pgflow::map(0..n, stow).limit(1).await
}

fn main() -> ExitCode {
    Host::new().main()
}
