//! What nobody reads of an arm.
use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step]
async fn b(n: u32) -> Result<u32, String> {
    Ok(n)
}

fn check(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn in_an_arm(n: u32) -> Result<u32, String> {
    let x = if n > 1 {
        let y = a(n).await?;
        let z = n + 1;
        n
    } else {
        2
    };
    Ok(x)
}

#[workflow]
async fn as_a_whole(n: u32) -> Result<u32, String> {
    let _x = if n > 1 {
        let k = a(n).await?;
        check(k)?
    } else {
        0
    };
    let y = if n > 1 { b(n).await? } else { 0 };
    Ok(n)
}

#[workflow]
async fn as_a_number(n: u32) -> Result<String, String> {
    let x = if n > 1 {
        a(n).await?;
        1
    } else {
        2
    };
    let y = b(x).await?;
    Ok(format!("{x}{y}"))
}

fn main() {}
