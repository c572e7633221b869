//! Only a macro can hide an await; in a slice it would run a step unrecorded.
use pgflow::{step, workflow};

macro_rules! sneaky {
    ($call:expr) => {
        $call.await?
    };
}

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step]
async fn b(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn before_a_step(n: u32) -> Result<u32, String> {
    let x = sneaky!(a(n));
    b(x).await
}

#[workflow]
async fn in_the_value(n: u32) -> Result<u32, String> {
    let x = sneaky!(a(n));
    Ok(x)
}

#[workflow]
async fn before_an_element(n: u32) -> Result<Vec<u32>, String> {
    let x = sneaky!(a(n));
    pgflow::map(0..n, |k| b(k + x)).await
}

fn main() {}
