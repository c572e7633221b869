use pgflow::{step, workflow};

#[step]
async fn text(n: u32) -> Result<String, String> {
    Ok(n.to_string())
}

#[step]
async fn count(s: String) -> Result<usize, String> {
    Ok(s.len())
}

#[step]
async fn both(s: String, n: usize) -> Result<usize, String> {
    Ok(s.len() + n)
}

#[workflow]
async fn w(n: u32) -> Result<usize, String> {
    let x = text(n).await?;
    let y = count(x).await?;
    both(x, y).await
}

fn main() {}
