//! The steps of the random programs. Each writes down that it ran, and where its call stands in the program.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use pgflow::{Failure, step, workflow};
use serde::{Deserialize, Serialize};

pub type Fallible<T> = Result<T, Odd>;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Odd {
    #[error("odd {0}")]
    Odd(u32),
    #[error(transparent)]
    Step(#[from] Failure),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    Unit,
    One(u32),
    Named { m: u32, s: String },
}

static CALLS: Mutex<BTreeMap<u32, Vec<u32>>> = Mutex::new(BTreeMap::new());

fn record(run: u32, place: u32) {
    CALLS.lock().unwrap_or_else(PoisonError::into_inner).entry(run).or_default().push(place);
}

/// Takes what the steps of a run have written down, in the order in which they did.
pub fn taken_calls(run: u32) -> Vec<u32> {
    CALLS.lock().unwrap_or_else(PoisonError::into_inner).remove(&run).unwrap_or_default()
}

/// Is over later than others that began with it, so that an order that nobody keeps shows.
async fn slowly(run: u32, place: u32) {
    for _ in 0..place % 5 {
        tokio::task::yield_now().await;
    }
    record(run, place);
}

/// Pure, for programs.
pub fn half(n: u32) -> Option<u32> {
    n.is_multiple_of(2).then_some(n / 2)
}

#[step(retries = 0)]
pub async fn inc(run: u32, place: u32, n: u32) -> Fallible<u32> {
    slowly(run, place).await;
    Ok(n.wrapping_add(1))
}
#[step(retries = 0)]
pub async fn inner(run: u32, place: u32, n: u32) -> Fallible<u32> {
    slowly(run, place).await;
    Ok(n ^ 9)
}
#[step(retries = 0)]
pub async fn mix(run: u32, place: u32, a: u32, b: u32) -> Fallible<u32> {
    slowly(run, place).await;
    Ok(a.wrapping_mul(3).wrapping_add(b))
}
#[step(retries = 0)]
pub async fn one((run, place, n): (u32, u32, u32)) -> Fallible<u32> {
    slowly(run, place).await;
    Ok(n.wrapping_mul(5))
}
#[step(retries = 0)]
pub async fn flaky(run: u32, place: u32, n: u32) -> Fallible<u32> {
    slowly(run, place).await;
    if n % 3 == 1 { Err(Odd::Odd(n)) } else { Ok(n / 2) }
}
#[step(retries = 0)]
pub async fn kind(run: u32, place: u32, n: u32) -> Fallible<Kind> {
    slowly(run, place).await;
    Ok(match n % 3 {
        0 => Kind::Unit,
        1 => Kind::One(n),
        _ => Kind::Named { m: n, s: format!("s{n}") },
    })
}
#[step(retries = 0)]
pub async fn text(run: u32, place: u32, n: u32, s: &str) -> Fallible<String> {
    slowly(run, place).await;
    Ok(format!("{s}{n}"))
}
#[step(retries = 0)]
pub async fn effect(run: u32, place: u32, _n: u32) -> Fallible<()> {
    record(run, place);
    Ok(())
}

/// A child of the programs, which fails for some numbers.
#[workflow]
pub async fn doubled(run: u32, place: u32, n: u32) -> Fallible<u32> {
    let twice = mix(run, place, n, n).await?;
    if twice % 3 == 1 { flaky(run, place, twice).await } else { Ok(twice) }
}
