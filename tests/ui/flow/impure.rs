//! What gives another value each time, or begins something that nobody records.
use pgflow::workflow;

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    let _a = uuid::Uuid::now_v7();
    let _b = std::time::SystemTime::now();
    let _c = chrono::Utc::now();
    let _d = chrono::Local::now();
    let _e = time::OffsetDateTime::now_utc();
    let _f = jiff::Timestamp::now();
    let _g = jiff::Zoned::now();
    let _h: u32 = rand::random();
    let _i = rand::rng();
    let _j = rand::thread_rng();
    let _k = std::env::var("HOME");
    let _l = tokio::spawn(std::future::ready(n));
    let _m = tokio::task::spawn(std::future::ready(n));
    let _n = [n].map(|n| std::thread::spawn(move || n));
    let _o = tokio::task::spawn_blocking(move || n);
    let _p = rand::random_range(0..n);
    let _q = rand::random_bool(0.5);
    let _r: Vec<u32> = rand::random_iter().take(3).collect();
    let _s = ::rand::rngs::OsRng::default();
    Ok(n)
}

fn main() {}
