//! Forms of later versions: refused once, with what to write until then.
use std::time::Duration;

use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn other(n: u32) -> Result<u32, String> {
    a(n).await
}

#[workflow]
async fn words(n: u32) -> Result<u32, String> {
    pgflow::sleep(Duration::from_secs(60)).await;
    let ok = pgflow::signal::<bool>("approve").await?;
    let late = pgflow::signal::<bool>("late").within("24h").await?;
    let x = pgflow::child(other(n)).await?;
    let some = pgflow::map(0..n, a).limit(3).await?;
    let most = pgflow::map(0..n, a).at_least(0.9).await?;
    Ok(x + u32::from(ok && late) + some.len() as u32 + most.len() as u32)
}

fn main() {}
