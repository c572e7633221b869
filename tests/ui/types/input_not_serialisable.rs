use pgflow::{step, workflow};

struct Raw(u32);

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn w(r: Raw) -> Result<u32, String> {
    a(r.0).await
}

struct Made(u32);

#[workflow]
async fn v(n: u32) -> Result<Made, String> {
    let x = a(n).await?;
    Ok(Made(x))
}

fn main() {}
