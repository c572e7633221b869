//! Time that a test moves, in a database of its own.

use std::time::Duration;

use sqlx::Row;

use super::{Connection, During, StoreError, stamp::Stamp};

/// Replaces the clock of the database by one that can be moved.
///
/// # Errors
/// [`StoreError`].
pub async fn install(connection: &mut Connection<'_>) -> Result<(), StoreError> {
    sqlx::raw_sql(include_str!("../../sql/clock/install.sql"))
        .execute(connection.driver())
        .await
        .during("take another clock")?;
    Ok(())
}

/// The database's time.
///
/// # Errors
/// [`StoreError`].
pub async fn now(connection: &mut Connection<'_>) -> Result<Stamp, StoreError> {
    sqlx::query_scalar("select pgflow.clock()").fetch_one(connection).await.during("tell the time")
}

/// Moves the clock, and all leases with it.
///
/// # Errors
/// [`StoreError`].
pub async fn advance(connection: &mut Connection<'_>, by: Duration) -> Result<(), StoreError> {
    let mut begun = connection.begin().await.during("begin to move its clock")?;
    let mut tx = Connection::within(&mut begun);
    // a heartbeat that read the old time must not write its lease after the new one: it waits here, and reads then
    sqlx::raw_sql("lock table pgflow.worker in exclusive mode")
        .execute(&mut tx)
        .await
        .during("keep its leases still")?;
    sqlx::query(include_str!("../../sql/clock/advance.sql"))
        .bind(i64::try_from(by.as_micros()).unwrap_or(i64::MAX))
        .execute(&mut tx)
        .await
        .during("move its clock")?;
    begun.commit().await.during("move its clock")
}

/// What time can do for the runs of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// Something can go on now.
    Busy,
    /// Nothing can before this has passed.
    Due(Duration),
    /// Nothing will ever be due: somebody has to act.
    Still,
}

/// Whether anything can go on now, and when something is due.
///
/// # Errors
/// [`StoreError`].
pub async fn outlook(connection: &mut Connection<'_>) -> Result<Outlook, StoreError> {
    let row = sqlx::query(include_str!("../../sql/clock/next.sql"))
        .fetch_one(connection)
        .await
        .during("say what is due next")?;
    Ok(match (row.get("busy"), row.get::<Option<i64>, _>("next_us")) {
        (true, _) => Outlook::Busy,
        (false, None) => Outlook::Still,
        (false, Some(us)) => {
            Outlook::Due(Duration::from_micros(u64::try_from(us).unwrap_or_default()))
        }
    })
}
