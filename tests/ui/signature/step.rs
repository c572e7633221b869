//! Signatures that no step can have.
use pgflow::step;

struct S;
impl S {
    #[step]
    async fn method(&self, n: u32) -> Result<u32, String> {
        Ok(n)
    }
}

#[step]
async fn generic<T: Send>(t: T) -> Result<u32, String> {
    let _ = t;
    Ok(1)
}

#[step]
async fn sized<const N: usize>(n: [u8; N]) -> Result<usize, String> {
    Ok(n.len())
}

#[step]
fn blocking(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step]
async fn opaque(n: impl Into<u32> + Send) -> Result<u32, String> {
    Ok(n.into())
}

#[step]
async fn nothing(n: u32) {
    let _ = n;
}

#[step]
async fn plain(n: u32) -> u32 {
    n
}

#[step(batch(max = 32, linger = "20ms"))]
async fn one(n: u32) -> Result<u32, String> {
    Ok(n)
}

fn main() {}
