//! What people do to runs. Each is written down in the statement that does it.

use std::time::Duration;

use crate::payload::Json;

use super::{Connection, During, RunId, StoreError, audit::named, millis};

/// What became of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It was done.
    Done,
    /// It had been done already.
    Same,
    /// A signal of this name was sent before with another payload.
    Other,
    /// The workflow waits for no signal of this name.
    Nobody,
    /// The run is over.
    Ended,
    /// There is no such run.
    Unknown,
}

impl Answer {
    fn read(word: &str) -> Self {
        match word {
            "same" => Self::Same,
            "other" => Self::Other,
            "nobody" => Self::Nobody,
            "ended" => Self::Ended,
            "unknown" => Self::Unknown,
            _ => Self::Done,
        }
    }
}

/// Sends a signal.
///
/// # Errors
/// [`StoreError`].
pub async fn signal(
    connection: &mut Connection<'_>,
    run: RunId,
    name: &str,
    payload: &Json,
    actor: &str,
) -> Result<Answer, StoreError> {
    let word: String = sqlx::query_scalar(include_str!("../../sql/run/signal.sql"))
        .bind(run.0)
        .bind(name)
        .bind(payload.as_str())
        .bind(named(actor))
        .fetch_one(connection)
        .await
        .during("send a signal")?;
    Ok(Answer::read(&word))
}

/// The signals that a run's workflow waits for, by name.
///
/// # Errors
/// [`StoreError`].
pub async fn signals(
    connection: &mut Connection<'_>,
    run: RunId,
) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar(include_str!("../../sql/run/signals.sql"))
        .bind(run.0)
        .fetch_all(connection)
        .await
        .during("list a run's signals")
}

/// Pauses a run and its children.
///
/// # Errors
/// [`StoreError`].
pub async fn pause(
    connection: &mut Connection<'_>,
    run: RunId,
    actor: &str,
) -> Result<Answer, StoreError> {
    let word: String = sqlx::query_scalar(include_str!("../../sql/run/pause.sql"))
        .bind(run.0)
        .bind(named(actor))
        .fetch_one(connection)
        .await
        .during("pause a run")?;
    Ok(Answer::read(&word))
}

/// Lets a paused run go on, and its children.
///
/// # Errors
/// [`StoreError`].
pub async fn resume(
    connection: &mut Connection<'_>,
    run: RunId,
    actor: &str,
) -> Result<Answer, StoreError> {
    let word: String = sqlx::query_scalar(include_str!("../../sql/run/resume.sql"))
        .bind(run.0)
        .bind(named(actor))
        .fetch_one(connection)
        .await
        .during("resume a run")?;
    Ok(Answer::read(&word))
}

/// Removes up to `most` runs that ended `age` ago or earlier, and says how many.
///
/// # Errors
/// [`StoreError`].
pub async fn prune(
    connection: &mut Connection<'_>,
    age: Duration,
    most: i32,
    actor: &str,
) -> Result<u64, StoreError> {
    let removed: i32 = sqlx::query_scalar(include_str!("../../sql/run/prune.sql"))
        .bind(millis(age))
        .bind(most)
        .bind(named(actor))
        .fetch_one(connection)
        .await
        .during("remove old runs")?;
    Ok(u64::try_from(removed).unwrap_or_default())
}

/// Removes what else is as old and hangs on no run: counts, alerts that were cleared, and what was done to runs that are gone;
/// and cached results that have expired.
///
/// # Errors
/// [`StoreError`].
pub async fn prune_rest(connection: &mut Connection<'_>, age: Duration) -> Result<(), StoreError> {
    sqlx::query("delete from pgflow.cache where expires_at < pgflow.clock()")
        .execute(&mut *connection)
        .await
        .during("remove expired results")?;
    for (operation, statement) in [
        ("remove old counts", include_str!("../../sql/retention/stats.sql")),
        ("remove old alerts", include_str!("../../sql/retention/alerts.sql")),
        ("remove what was done long ago", include_str!("../../sql/retention/audits.sql")),
    ] {
        sqlx::query(statement)
            .bind(millis(age))
            .execute(&mut *connection)
            .await
            .during(operation)?;
    }
    Ok(())
}

/// Notifies all workers that listen, whether they wait for work or not.
///
/// # Errors
/// [`StoreError`].
pub async fn wake(connection: &mut Connection<'_>) -> Result<(), StoreError> {
    sqlx::query("select pg_notify('pgflow_work', '')")
        .execute(connection)
        .await
        .during("wake workers")?;
    Ok(())
}
