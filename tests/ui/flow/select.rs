//! Macros that await without the word, whoever made them.
use pgflow::{step, workflow};

macro_rules! select_biased {
    ($($tokens:tt)*) => {
        1
    };
}

macro_rules! try_select {
    ($($tokens:tt)*) => {
        2
    };
}

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    let first = tokio::select! { x = a(n) => x?, y = a(n + 1) => y? };
    let second: u32 = select_biased! { x = a(n) => x?, y = a(n + 1) => y? };
    let third: u32 = try_select!(a(n), a(n + 1));
    Ok(first + second + third)
}

fn main() {}
