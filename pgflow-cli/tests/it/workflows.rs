//! The workflows of the tests. Steps wait for gates that tests open, by name.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use pgflow::{Failure, FailureKind, step, workflow};
use tokio::sync::Notify;

pub type Result<T> = std::result::Result<T, Failure>;

/// The gate of this name.
pub fn gate(name: &str) -> Arc<Notify> {
    static GATES: Mutex<Option<HashMap<String, Arc<Notify>>>> = Mutex::new(None);
    let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
    gates.get_or_insert_default().entry(name.into()).or_default().clone()
}

#[step]
pub async fn fetch(name: String) -> Result<Vec<u32>> {
    Ok((0..u32::try_from(name.len()).unwrap_or_default()).collect())
}

/// Fails for good for the number 2 of `bad`.
#[step(retries = 0)]
pub async fn parse_page(page: u32, name: String) -> Result<u32> {
    if name == "bad" && page == 2 {
        let failure =
            Failure::new("parse_page", FailureKind::Failed, "page 2 is empty\nsecond line");
        return Err(failure.fatal());
    }
    Ok(page)
}

#[step]
pub async fn announce(name: String) -> Result<String> {
    Ok(name)
}

#[step]
pub async fn publish(pages: Vec<u32>, by: String) -> Result<String> {
    Ok(format!("{} pages by {by}", pages.len()))
}

#[workflow(version = 2, timeout = "7d")]
pub async fn survey(name: String) -> Result<String> {
    let pages = fetch(name.clone()).await?;
    let parsed = pgflow::map(pages, |page| parse_page(page, name.clone())).limit(4).await?;
    if parsed.len() > 100 {
        announce(name).await?;
    }
    let by = pgflow::signal::<String>("approve").await?;
    publish(parsed, by).await
}

#[workflow(id = "letter", version = 1)]
pub async fn letter_v1(name: String) -> Result<String> {
    let name = announce(name).await?;
    let by = pgflow::signal::<String>("approve").await?;
    Ok(format!("{name} by {by}"))
}

/// What an earlier version announced is not any more.
#[workflow(id = "letter", version = 2)]
pub async fn letter(name: String) -> Result<String> {
    let by = pgflow::signal::<String>("approve").await?;
    Ok(format!("{name} by {by}"))
}

#[step]
pub async fn hold(name: String, amount: u32) -> Result<u32> {
    // on a thread of its own, which the span goes along to
    pgflow::StepContext::current().blocking(move || tracing::info!(amount, "holding")).await;
    gate(&name).notified().await;
    Ok(amount)
}

#[workflow]
pub async fn holding(name: String, amount: u32) -> Result<u32> {
    hold(name, amount).await
}
