//! Every option in every form.
#![deny(warnings, missing_docs)]
use pgflow::{Step, Workflow, step, workflow};

#[step(
    timeout = "60s",
    retries = 0,
    retry_delay = "1h30m",
    backoff = "fixed",
    concurrency = 2,
    gpu,
    exclusive,
    memory = "8GiB",
    cpu = 0.5,
    priority = -5,
    rate_limit = "100/s",
    cache = "7d",
    revision = 3,
    id = "first-step",
    needs(String, Vec<u8>),
    transactional,
    redact = ["/password", "/cards/*/number", "/a~1b"]
)]
async fn first(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step(gpu(count = 2, vram = "16GiB"), exclusive = "camera", redact, backoff = 1.5, batch(max = 32, linger = "20ms"))]
async fn second(items: Vec<u32>) -> Result<Vec<u32>, String> {
    Ok(items)
}

#[workflow(
    version = 3,
    timeout = "30s",
    retries = 3,
    retry_delay = "5s",
    concurrency = 1,
    id = "the-workflow",
    schedule = "0 3 * * *",
    redact = ["/0"]
)]
async fn w(n: u32) -> Result<Vec<u32>, String> {
    let x = second(vec![n]).await?;
    Ok(x)
}

fn main() {
    let options = first::SPEC.options;
    assert_eq!((first::SPEC.id, options.exclusive, options.cpu_milli), ("first-step", Some("first-step"), Some(500)));
    assert_eq!(first::SPEC.needs.iter().map(|need| need().1).count(), 2);
    assert_eq!(second::SPEC.options.exclusive, Some("camera"));
    assert_eq!((options.redact[2], second::SPEC.options.redact), ("/a~1b", &[""][..]));
    assert_eq!((w::NAME, w::VERSION, w::TIMEOUT_MS), ("the-workflow", 3, 30_000));
    let spec = (w::SPEC)();
    assert_eq!(spec.options.redact, ["/0"]);
    assert_eq!((spec.options.schedule, spec.inputs), (Some("0 3 * * *"), &[("n", "u32")][..]));
}
