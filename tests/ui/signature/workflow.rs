//! Signatures that no workflow can have.
use pgflow::workflow;

#[workflow]
async fn borrowed(n: &str) -> Result<usize, String> {
    Ok(n.len())
}

#[workflow]
async fn generic<T: Send>(t: T) -> Result<u32, String> {
    let _t = t;
    Ok(1)
}

#[workflow]
fn blocking(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn changing(mut n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn without_value(n: u32) -> Result<(), String> {
    let _n = n;
}

struct S;
impl S {
    #[workflow]
    async fn method(&self, n: u32) -> Result<u32, String> {
        Ok(n)
    }
}

#[workflow]
async fn sized<const N: usize>(n: [u8; N]) -> Result<usize, String> {
    Ok(n.len())
}

#[workflow]
async fn opaque(n: impl Into<u32> + Send) -> Result<u32, String> {
    Ok(n.into())
}

#[workflow]
async fn nothing(n: u32) {
    let _n = n;
}

#[workflow]
async fn plain(n: u32) -> u32 {
    n
}

fn main() {}
