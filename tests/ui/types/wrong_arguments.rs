//! rustc's own errors, once each, under what is to be changed.
use pgflow::{step, workflow};

struct A;

#[step]
async fn number(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step]
async fn text(s: String) -> Result<String, String> {
    Ok(s)
}

#[workflow]
async fn wrong_type(n: u32) -> Result<String, String> {
    let x = number(n).await?;
    text(x).await
}

#[workflow]
async fn wrong_arity(n: u32) -> Result<u32, String> {
    let x = number(n, n).await?;
    Ok(x)
}

#[workflow]
async fn wrong_field(n: u32) -> Result<u32, String> {
    let x = number(n).await?;
    let k = x.size;
    #[id = "again"]
    let y = number(k).await?;
    Ok(y)
}

#[workflow]
async fn wrong_value(n: u32) -> Result<String, String> {
    let x = number(n).await?;
    Ok(x)
}

#[derive(Debug, thiserror::Error)]
#[error("bad")]
struct Bad;

#[step]
async fn risky(n: u32) -> Result<u32, Bad> {
    if n == 0 { Err(Bad) } else { Ok(n) }
}

#[workflow]
async fn no_conversion(n: u32) -> Result<u32, std::fmt::Error> {
    let r = risky(n).await?;
    Ok(r)
}

fn main() {
    let _ = A;
}
