//! rustc's own errors, once each.
use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step]
async fn b(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn missing_arm(n: Option<u32>) -> Result<u32, String> {
    let x = match n {
        Some(n) if n > 3 => a(n).await?,
        None => 0,
    };
    Ok(x)
}

#[workflow]
async fn two_types(n: u32) -> Result<u32, String> {
    let x = if n > 1 { a(n).await? } else { "none" };
    Ok(x)
}

#[workflow]
async fn no_else(n: u32) -> Result<u32, String> {
    let x: u32 = if n > 1 { a(n).await? };
    Ok(x)
}

#[workflow]
async fn no_value(n: u32) -> Result<u32, String> {
    if n > 1 {
        a(n).await?;
    } else {
        b(n).await
    }
}

#[workflow]
async fn unknown_field(n: Option<u32>) -> Result<u32, String> {
    if let Some(k) = n {
        let x = a(k).await?;
        Ok(x.size)
    } else {
        Ok(0)
    }
}

fn main() {}
