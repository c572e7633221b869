//! What people do to runs under way.

use crate::payload::Json;

use super::{Connection, During, RunId, StoreError};

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
