//! Names that cannot be stored.
use pgflow::{step, workflow};

#[step(id = "2nd")]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step(id = "")]
async fn b(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step(id = "with space")]
async fn c(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step]
async fn start(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step]
async fn größe(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step(id = 5)]
async fn a_name_of_more_than_sixty_three_characters_in_all(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step]
async fn good(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow(id = "a_name_of_more_than_sixty_three_characters_is_too_long_for_a_name")]
async fn w(n: u32) -> Result<u32, String> {
    #[id = "end"]
    let x = good(n).await?;
    #[id = 7]
    let y = good(x).await?;
    Ok(y)
}

fn main() {}
