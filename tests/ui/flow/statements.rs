//! Statements that would be lost, and items and attributes that have no place.
use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

fn check(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    fn inner() {}
    #[cfg(test)]
    let n = n + 1;
    check(n);
    check(a(n).await?)?;
    #[id = "x"]
    let k = n + 2;
    Ok(k)
}

#[workflow]
async fn unread(n: u32) -> Result<u32, String> {
    let x = a(n).await?;
    let y = n + 1;
    let _z = check(n)?;
    Ok(n)
}

#[workflow]
async fn unread_in_turn(n: u32) -> Result<u32, String> {
    let x = a(n).await;
    let _ = x?;
    Ok(n)
}

fn main() {}
