//! A run that starts with the host's own transaction: rolled back with it, visible with it. No outbox, no second
//! system that may disagree.
//!
//! `cargo run --example enqueue_in_transaction`

use std::{convert::Infallible, time::Duration};

use pgflow::{step, workflow};
use sqlx::{Connection, PgConnection};

/// Sends the welcome.
#[step]
async fn send_welcome(user: String) -> Result<String, Infallible> {
    Ok(format!("welcome, {user}"))
}

/// What happens after somebody signed up.
#[workflow]
async fn onboard(user: String) -> Result<String, Infallible> {
    send_welcome(user).await
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flow = pgflow::from_env().await?;
    let worker = flow.worker().spawn().await?;
    let mut connection = PgConnection::connect_with(flow.options()).await?;
    sqlx::query("create temporary table users (name text primary key)")
        .execute(&mut connection)
        .await?;

    // the same user twice: the second sign-up fails, and its run with it
    let mut runs = Vec::new();
    for user in ["ada", "ada"] {
        let mut tx = connection.begin().await?;
        let run = flow.start::<onboard>(user.into()).on(&mut tx).await?;
        match sqlx::query("insert into users values ($1)").bind(user).execute(&mut *tx).await {
            Ok(_) => tx.commit().await?,
            Err(_) => tx.rollback().await?,
        }
        runs.push(run);
    }
    assert_eq!(runs[0].output().await?, "welcome, ada");
    assert!(flow.status(runs[1].id()).await?.is_none(), "rolled back");
    println!("one user, one run");
    worker.drain(Duration::from_secs(5)).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_survives_the_death_of_its_worker_at_every_commit() {
        let report = pgflow::testing::crash_everywhere::<onboard>("ada".into()).await.unwrap();
        println!("{report}");
    }
}
