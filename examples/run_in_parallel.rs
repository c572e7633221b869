//! A chain, two steps side by side, a fan-out, and a failure that the workflow tolerates. What does not depend on each
//! other runs in parallel; nothing says so but the data.
//!
//! `cargo run --example run_in_parallel`

use std::time::Duration;

use pgflow::{Failure, step, workflow};
use serde::{Deserialize, Serialize};

/// What may go wrong.
#[derive(Debug, thiserror::Error)]
enum OrderError {
    /// The shop does not have it.
    #[error("`{0}` is sold out")]
    SoldOut(String),
    /// A timeout or a panic of a step.
    #[error(transparent)]
    Step(#[from] Failure),
}

/// A priced item.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Priced {
    item: String,
    cents: u32,
}

/// Asks the price of one item.
#[step(timeout = "5s", retries = 2)]
async fn price(item: String) -> Result<Priced, OrderError> {
    let cents = u32::try_from(item.len()).unwrap_or_default() * 100;
    Ok(Priced { item, cents })
}

/// Asks for a discount; the order goes on without one.
#[step(retries = 0)]
async fn discount(customer: String) -> Result<u32, OrderError> {
    Err(OrderError::SoldOut(format!("discounts for {customer}")))
}

/// Writes the bill.
#[step]
async fn bill(customer: String, items: &[Priced], minus: u32) -> Result<String, OrderError> {
    let total: u32 = items.iter().map(|i| i.cents).sum();
    let names: Vec<&str> = items.iter().map(|i| i.item.as_str()).collect();
    Ok(format!("{customer}: {} for {} cents", names.join(" and "), total - minus))
}

/// Prices all items at once, beside the question for a discount, then writes the bill.
#[workflow(timeout = "1m")]
async fn bill_order(customer: String, items: Vec<String>) -> Result<String, OrderError> {
    let priced = pgflow::map(items, price).await?;
    let asked = discount(customer.clone()).await;
    let minus: u32 = asked.unwrap_or(0);
    bill(customer, &priced, minus).await
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flow = pgflow::from_env().await?;
    let worker = flow.worker().spawn().await?;
    let run = flow.start::<bill_order>(("Ada".into(), vec!["tea".into(), "milk".into()])).await?;
    let text = run.output().await?;
    assert_eq!(text, "Ada: tea and milk for 700 cents");
    for attempt in run.status().await?.attempts {
        let element = attempt.element.map(|i| format!("[{i}]")).unwrap_or_default();
        println!("{}{element}: {}", attempt.node, attempt.status);
    }
    println!("{text}");
    worker.drain(Duration::from_secs(5)).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_survives_the_death_of_its_worker_at_every_commit() {
        let report = pgflow::testing::crash_everywhere::<bill_order>((
            "Ada".into(),
            vec!["tea".into(), "milk".into()],
        ))
        .await
        .unwrap();
        println!("{report}");
    }
}
