//! Every wrong option of a step, all at once.
use pgflow::step;

#[step(
    timout = "60s",
    timeout = "1 parsec",
    retries,
    retry_delay = 5,
    backoff = 0.5,
    concurrency = 0,
    gpu = "two",
    memory = "8 gigs",
    cpu = "half",
    priority = 40_000,
    rate_limit = "5 per minute",
    cache = "for ever",
    batch = 32,
    revision = -1,
    needs,
    transactional = true,
    exclusive = "my pool",
    version = 1,
    colour = "red",
    timeout = "60s"
)]
async fn wrong(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step(batch(max = 32, linger = "20ms"), concurrency = 2)]
async fn gathered(items: Vec<u32>) -> Result<Vec<u32>, String> {
    Ok(items)
}

#[step(batch(max = 0, linger = "soon"), gpu(counts = 2, vram = "lots"))]
async fn inner(items: Vec<u32>) -> Result<Vec<u32>, String> {
    Ok(items)
}

#[step(redact = ["password", "card.number", "/a~2", 3])]
async fn shown(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step(redact = "/password")]
async fn all_shown(n: u32) -> Result<u32, String> {
    Ok(n)
}

fn main() {}
