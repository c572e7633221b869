//! Testing a workflow without a database: as a plain function, and as its graph in memory with one step replaced.
//!
//! `cargo run --example test_without_database`

use std::convert::Infallible;

use pgflow::{StepContext, step, testing, workflow};

/// What the host knows of the weather.
struct Almanac {
    degrees_per_letter: i32,
}

/// Reads the temperature of a city in degrees.
#[step(needs(Almanac))]
async fn temperature(city: String) -> Result<i32, Infallible> {
    let almanac = StepContext::current().state::<Almanac>();
    Ok(i32::try_from(city.len()).unwrap_or_default() * almanac.degrees_per_letter)
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
async fn main() -> anyhow::Result<()> {
    // as a plain function, with the state that a worker would give
    let almanac = || Almanac { degrees_per_letter: 2 };
    assert_eq!(testing::with_state(almanac(), dress("Oslo".into())).await?, "a coat");

    // as its graph, every value through JSON
    let graph = testing::run::<dress>().input("Oslo".into());
    assert_eq!(testing::with_state(almanac(), graph).await?, "a coat");

    // with a step replaced, by the type of its name
    let advice = testing::run::<dress>().stub(temperature {}, Ok(30)).input("Oslo".into()).await?;
    assert_eq!(advice, "a shirt");
    println!("in Oslo: a coat; in an Oslo of 30 degrees: {advice}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_survives_the_death_of_its_worker_at_every_commit() {
        let report = pgflow::testing::crash_everywhere::<dress>("Oslo".into())
            .worker(|worker| worker.state(Almanac { degrees_per_letter: 2 }))
            .await
            .unwrap();
        println!("{report}");
    }
}
