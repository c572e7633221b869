//! What people do to runs under way.

use std::time::Duration;

use crate::payload::Json;

use super::{Connection, During, RunId, StoreError, millis};

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
    let word: String = sqlx::query_scalar("select pgflow.signal_1($1, $2, $3, $4)")
        .bind(run.0)
        .bind(name)
        .bind(payload.as_str())
        .bind(actor)
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
    let word: String = sqlx::query_scalar("select pgflow.pause_1($1, $2)")
        .bind(run.0)
        .bind(actor)
        .fetch_one(connection)
        .await
        .during("pause a run")?;
    Ok(Answer::read(&word))
}

/// Lets a paused run go on, and its children.
///
/// # Errors
/// [`StoreError`].
pub async fn resume(connection: &mut Connection<'_>, run: RunId) -> Result<Answer, StoreError> {
    let word: String = sqlx::query_scalar("select pgflow.resume_1($1)")
        .bind(run.0)
        .fetch_one(connection)
        .await
        .during("resume a run")?;
    Ok(Answer::read(&word))
}

/// Removes up to `most` runs that ended `age` ago or earlier, and says how many; and cached results that have expired and counts as old
/// as that.
///
/// # Errors
/// [`StoreError`].
pub async fn prune(
    connection: &mut Connection<'_>,
    age: Duration,
    most: i32,
) -> Result<u64, StoreError> {
    let age = millis(age);
    let removed: i32 = sqlx::query_scalar("select pgflow.prune_1($1, $2)")
        .bind(age)
        .bind(most)
        .fetch_one(&mut *connection)
        .await
        .during("remove old runs")?;
    sqlx::query("delete from pgflow.cache where expires_at < pgflow.clock()")
        .execute(&mut *connection)
        .await
        .during("remove expired results")?;
    sqlx::query(
        "delete from pgflow.stats where minute < pgflow.clock() - $1 * interval '1 millisecond'",
    )
    .bind(age)
    .execute(connection)
    .await
    .during("remove old counts")?;
    Ok(u64::try_from(removed).unwrap_or_default())
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
