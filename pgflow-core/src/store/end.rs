//! Ending a run that does not complete.

use crate::{failure::Failure, lifecycle::RunState};

use super::{Connection, During, RunId, StoreError, TokenKey, audit::named, flush::AttemptRow};

/// The token whose last failure ends the run.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The worker that holds it.
    pub worker: i32,
    /// The token.
    pub key: TokenKey,
    /// The fence.
    pub epoch: i32,
    /// The attempt that ended, where it was one.
    pub attempt: Option<AttemptRow>,
}

/// Ends a run: its tokens go, its row gets the state. `false`: it had ended already, or `holder` no longer held its token.
///
/// # Errors
/// [`StoreError`].
pub async fn end_run(
    connection: &mut Connection<'_>,
    run: RunId,
    state: RunState,
    failure: &Failure,
    holder: Option<&Holder>,
) -> Result<bool, StoreError> {
    let attempt = holder.and_then(|h| h.attempt.as_ref());
    sqlx::query_scalar(include_str!("../../sql/run/end_run.sql"))
        .bind(run.0)
        .bind(state.code())
        .bind(failure_text(failure))
        .bind(&failure.step)
        .bind(kind(failure))
        .bind(storable(&failure.message))
        .bind(holder.map(|h| h.worker))
        .bind(holder.map(|h| h.key.lane))
        .bind(holder.map(|h| h.key.elem))
        .bind(holder.map(|h| h.epoch))
        .bind(attempt.map(|a| a.node))
        .bind(attempt.map(|a| a.elem))
        .bind(attempt.map(|a| a.attempt))
        .bind(attempt.map(|a| a.status.code()))
        .bind(attempt.map(|a| a.ready_at))
        .bind(attempt.map(|a| a.started_at))
        .bind(attempt.and_then(|a| a.output.as_ref()).map(|o| o.as_str().to_owned()))
        .bind(attempt.and_then(|a| a.error.clone()))
        .fetch_one(connection)
        .await
        .during("end a run")
}

/// Cancels a run, and writes down who did. `false`: it had ended already, or is not there.
///
/// # Errors
/// [`StoreError`].
pub async fn cancel(
    connection: &mut Connection<'_>,
    run: RunId,
    failure: &Failure,
    actor: &str,
) -> Result<bool, StoreError> {
    sqlx::query_scalar(include_str!("../../sql/run/cancel.sql"))
        .bind(run.0)
        .bind(RunState::Cancelled.code())
        .bind(failure_text(failure))
        .bind(&failure.step)
        .bind(kind(failure))
        .bind(storable(&failure.message))
        .bind(named(actor))
        .fetch_one(connection)
        .await
        .during("end a run")
}

fn kind(failure: &Failure) -> Option<String> {
    serde_json::to_value(failure.kind).ok().and_then(|v| v.as_str().map(String::from))
}

/// A failure as JSON text that `jsonb` takes whatever the error's own words are.
pub fn failure_text(failure: &Failure) -> String {
    serde_json::to_string(&storable_failure(failure)).unwrap_or_default()
}

/// The failure with texts that Postgres can hold: without NUL characters, of limited length.
pub fn storable_failure(failure: &Failure) -> Failure {
    Failure {
        message: storable(&failure.message),
        sources: failure.sources.iter().map(|s| storable(s)).collect(),
        data: failure.data.as_deref().map(storable),
        ..failure.clone()
    }
}

/// The longest text of an error that is kept, in bytes.
const TEXT_MAX: usize = 64 * 1024;

fn storable(text: &str) -> String {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace('\0', "\u{fffd}")
}
