//! What a test asks about workers that it let die.

use super::{Connection, During, RunId, StoreError};

/// Lets the leases of the workers of this name run out, as time does to those that have died.
///
/// # Errors
/// [`StoreError`].
pub async fn expire(connection: &mut Connection<'_>, worker: &str) -> Result<(), StoreError> {
    sqlx::query(
        "update pgflow.worker set lease_until = pgflow.clock() - interval '1 second' where name = $1",
    )
    .bind(worker)
    .execute(connection)
    .await
    .during("end a lease")?;
    Ok(())
}

/// Whether the server still has a session of a worker that may write: what the dead have sent is done to its end.
///
/// # Errors
/// [`StoreError`].
pub async fn lingers(connection: &mut Connection<'_>) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "select exists (select from pg_stat_activity where datname = current_database() \
         and application_name in ('pgflow claims', 'pgflow flush', 'pgflow transaction', 'pgflow upkeep'))",
    )
    .fetch_one(connection)
    .await
    .during("list its sessions")
}

/// Nodes of a run, and of runs started after it, that were tried again after their completion was recorded.
///
/// # Errors
/// [`StoreError`].
pub async fn tried_again(
    connection: &mut Connection<'_>,
    run: RunId,
) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar(include_str!("../../sql/run/tried_again.sql"))
        .bind(run.0)
        .fetch_all(connection)
        .await
        .during("compare attempts")
}
