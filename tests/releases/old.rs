//! The program before a deploy: version 1 of its workflow, and maps of other limits. `tests/it/releases.rs` runs it.

use std::process::ExitCode;

use pgflow::{Failure, cli::Host, step, workflow};

#[step]
async fn pick(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[step(retries = 1)]
async fn label(n: u32, word: String) -> Result<String, Failure> {
    Ok(format!("{n} {word}"))
}

#[workflow(version = 1)]
async fn shipment(n: u32) -> Result<String, Failure> {
    let picked = pick(n).await?;
    let word = pgflow::signal::<String>("address").await?;
    label(picked, word).await
}

/// Under way for as long as this program lives.
#[step]
async fn stow(n: u32) -> Result<u32, Failure> {
    std::future::pending::<()>().await;
    Ok(n)
}

#[workflow]
async fn unbound(n: u32) -> Result<Vec<u32>, Failure> {
    pgflow::map(0..n, stow).limit(1).await
}

#[workflow]
async fn widen(n: u32) -> Result<Vec<u32>, Failure> {
    pgflow::map(0..n, stow).limit(1).await
}

#[workflow]
async fn narrow(n: u32) -> Result<Vec<u32>, Failure> {
    pgflow::map(0..n, stow).limit(3).await
}

#[workflow]
async fn bind(n: u32) -> Result<Vec<u32>, Failure> {
    pgflow::map(0..n, stow).await
}

fn main() -> ExitCode {
    Host::new().main()
}
