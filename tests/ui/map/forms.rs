use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    let x = pgflow::map(0..n).await?;
    let y = pgflow::map(0..n, |k| async move { a(k).await }).await?;
    let z = pgflow::map(0..n, |k| a(k).await).await?;
    let q = pgflow::map(0..n, 5).await?;
    let p = pgflow::after(&n).await?;
    Ok(x.len() as u32 + y + z + q + p)
}

fn main() {}
