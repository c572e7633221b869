//! A return type behind an alias that is no `Result`: only rustc knows.
use pgflow::step;

type Maybe = Option<u32>;

#[step]
async fn plain(n: u32) -> Maybe {
    Some(n)
}

fn main() {}
