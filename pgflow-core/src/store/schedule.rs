//! When schedules last fired.

use sqlx::Row;

use super::{Connection, During, StoreError, stamp::Stamp};

/// Stores the schedule of a workflow, unless a newer version has one.
///
/// # Errors
/// [`StoreError`].
pub async fn store_schedule(
    connection: &mut Connection<'_>,
    workflow: &str,
    version: u32,
    cron: &str,
) -> Result<(), StoreError> {
    sqlx::query(include_str!("../../sql/workflow/store_schedule.sql"))
        .bind(workflow)
        .bind(i32::try_from(version).unwrap_or(i32::MAX))
        .bind(cron)
        .execute(connection)
        .await
        .during("store a schedule")?;
    Ok(())
}

/// The database's time, and up to when the ticks of a workflow have fired; `None`: a newer version has the schedule.
///
/// # Errors
/// [`StoreError`].
pub async fn last_tick(
    connection: &mut Connection<'_>,
    workflow: &str,
    version: u32,
) -> Result<Option<(Stamp, Stamp)>, StoreError> {
    let row = sqlx::query(
        "select pgflow.clock() as now, last_at from pgflow.schedule where workflow = $1 and version = $2",
    )
    .bind(workflow)
    .bind(i32::try_from(version).unwrap_or(i32::MAX))
    .fetch_optional(connection)
    .await
    .during("show a schedule")?;
    Ok(row.map(|row| (row.get("now"), row.get("last_at"))))
}

/// Takes a tick, in the transaction that starts its run. `false`: another worker has it.
///
/// # Errors
/// [`StoreError`].
pub async fn take_tick(
    connection: &mut Connection<'_>,
    workflow: &str,
    tick: Stamp,
) -> Result<bool, StoreError> {
    let done =
        sqlx::query("update pgflow.schedule set last_at = $2 where workflow = $1 and last_at < $2")
            .bind(workflow)
            .bind(tick)
            .execute(connection)
            .await
            .during("take a tick")?;
    Ok(done.rows_affected() == 1)
}
