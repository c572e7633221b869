//! Waits leave no warning behind; a plain call can be spawned.
#![deny(warnings)]
use std::time::Duration;

use pgflow::{Failure, step, workflow};

#[step(timeout = "30s")]
async fn a(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[workflow(timeout = "30s")]
async fn other(n: u32) -> Result<u32, Failure> {
    a(n).await
}

#[workflow(timeout = "62m")]
async fn all(n: u32, pause: Duration) -> Result<usize, Failure> {
    pgflow::sleep(pause).await;
    #[id = "nap"]
    pgflow::sleep(Duration::from_secs(30)).await;
    let go = pgflow::signal::<Option<String>>("go").within(pause).await;
    pgflow::signal::<()>("later").within("1h").await?;
    let x = pgflow::child(other(n)).await?;
    #[id = "others"]
    let _late = pgflow::child(other(n.into())).await;
    let y = pgflow::map(0..x, a).limit(2).at_least(0.5).await?;
    #[id = "last"]
    let z = pgflow::after(&go, pgflow::sleep(pause)).await;
    let () = z;
    Ok(y.len() + usize::from(go.is_ok()))
}

fn spawnable<T: Send>(_: T) {}

fn main() {
    spawnable(all(1, Duration::ZERO));
}
