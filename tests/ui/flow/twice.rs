use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    let x = a(n).await?;
    let y = a(x).await?;
    #[id = "third"]
    let z = a(y).await?;
    #[id = "third"]
    let q = a(z).await?;
    Ok(q)
}

fn main() {}
