use pgflow::{step, workflow};

#[step]
async fn length(x: &String) -> Result<u32, String> {
    Ok(x.len() as u32)
}

#[workflow]
async fn w(xs: Vec<String>) -> Result<Vec<u32>, String> {
    pgflow::map(xs.iter(), length).await
}

fn main() {}
