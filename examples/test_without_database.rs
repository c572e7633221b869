//! Testing a workflow without a database: as a plain function, and as its graph in memory with one step replaced.
//!
//! `cargo run --example test_without_database`

use std::{convert::Infallible, error::Error};

use pgflow::{step, testing, workflow};

/// Reads the temperature of a city in degrees.
#[step]
async fn temperature(city: String) -> Result<i32, Infallible> {
    Ok(i32::try_from(city.len()).unwrap_or_default())
}

/// Says what to wear.
#[step]
async fn advise(degrees: i32) -> Result<String, Infallible> {
    Ok(if degrees < 10 { "a coat" } else { "a shirt" }.into())
}

/// Reads, then advises.
#[workflow]
async fn dress(city: String) -> Result<String, Infallible> {
    let degrees = temperature(city).await?;
    advise(degrees).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    assert_eq!(dress("Oslo".into()).await?, "a coat");
    let advice = testing::run::<dress>().stub(temperature {}, Ok(30)).input("Oslo".into()).await?;
    assert_eq!(advice, "a shirt");
    println!("in Oslo: a coat; in an Oslo of 30 degrees: {advice}");
    Ok(())
}
