use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    let shared = std::rc::Rc::new(n);
    let y = a(*shared).await?;
    Ok(y)
}

fn main() {}
