//! The same step under two names: seen by a constant, as the macro sees only names.
use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

use a as b;

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    let x = a(n).await?;
    let y = b(x).await?;
    Ok(y)
}

fn main() {}
