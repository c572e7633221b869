//! Waits that are not written as they must be, all at once.
use std::time::Duration;

use pgflow::{Failure, step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[workflow]
async fn other(n: u32) -> Result<u32, Failure> {
    a(n).await
}

#[workflow]
async fn w(n: u32, name: String) -> Result<u32, Failure> {
    pgflow::sleep().await;
    pgflow::sleep(Duration::ZERO).within("1h").await;
    let p = pgflow::signal("approve").await?;
    let q = pgflow::signal::<bool>(name).await?;
    let r = pgflow::signal::<bool>("my signal").await?;
    let s = pgflow::signal::<bool>("late").withn("24h").await?;
    let t = pgflow::signal::<bool>("later").within("a day").await?;
    let u = pgflow::signal::<bool>("latest").within("1h").within("2h").await?;
    let x = pgflow::child(other).await?;
    let y = pgflow::child((other)(n)).await?;
    let z = pgflow::chld(other(n)).await?;
    Ok(x + y + z + u32::from(p && q && r && s && t && u))
}

fn main() {}
