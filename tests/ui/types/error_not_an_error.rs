use pgflow::step;

#[derive(Debug)]
struct Bad;

#[step]
async fn plain(n: u32) -> Result<u32, Bad> {
    if n == 0 { Err(Bad) } else { Ok(n) }
}

fn main() {}
