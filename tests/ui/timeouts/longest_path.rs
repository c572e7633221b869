use pgflow::{step, workflow};

#[step(timeout = "60s")]
async fn pattern_discovery(n: u32) -> Result<u32, String> {
    Ok(n)
}
#[step(timeout = "30s")]
async fn pattern_analysis(n: u32) -> Result<u32, String> {
    Ok(n)
}
#[step(timeout = "180s")]
async fn model_training(n: u32) -> Result<u32, String> {
    Ok(n)
}
#[step(timeout = "30s")]
async fn model_validation(n: u32, m: u32) -> Result<u32, String> {
    Ok(n + m)
}
#[step(timeout = "60s")]
async fn model_deployment(n: u32, m: u32) -> Result<u32, String> {
    Ok(n + m)
}

#[workflow(version = 1, timeout = "5m")]
async fn architecture_learning(job: u32) -> Result<u32, String> {
    let found = pattern_discovery(job).await?;
    let analysis = pattern_analysis(found).await?;
    let model = model_training(analysis.clone()).await?;
    let report = model_validation(model.clone(), analysis).await?;
    model_deployment(model, report).await
}

fn main() {}
