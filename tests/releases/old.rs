//! The program before a deploy: version 1 of its workflow. `tests/it/releases.rs` runs it.

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

fn main() -> ExitCode {
    Host::new().main()
}
