//! Branches leave no warning behind, and fit the time of their longest arm.
#![deny(warnings)]
use pgflow::{step, workflow};

#[step(timeout = "30s")]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step(timeout = "60s")]
async fn b(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow(timeout = "60s")]
async fn apart(n: Option<u32>) -> Result<u32, String> {
    let x = match n {
        Some(0) => 0,
        Some(n) => a(n).await?,
        #[id = "none"]
        None => b(1).await?,
    };
    Ok(x)
}

#[workflow]
async fn effects(n: u32) -> Result<(), String> {
    if n > 1 {
        a(n).await?;
    }
    if let Some(k) = n.checked_sub(1) {
        let _b = b(k).await?;
    };
    Ok(())
}

#[workflow]
async fn unused_parts(pair: (u32, u32)) -> Result<u32, String> {
    if let (n, _) = pair
        && n > 3
    {
        let k = n + 1;
        a(k).await
    } else {
        Ok(pair.1)
    }
}

fn main() {
    let _ = (apart(None), effects(1), unused_parts((1, 2)));
}
