//! Results that serve equal arguments.

use std::time::Duration;

use sqlx::Row;

use crate::payload::Json;

use super::{Connection, During, StoreError, TokenKey, millis};

/// The token that asks, and its fence.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// Its worker.
    pub worker: i32,
    /// The token.
    pub key: TokenKey,
    /// The fence.
    pub epoch: i32,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A result.
    Value(Json),
    /// Nothing: the caller computes it.
    Nothing,
    /// Somebody else computes it now.
    UnderWay,
}

/// Looks for a result; where there is none, and nobody computes it, the caller is written down as who does.
///
/// # Errors
/// [`StoreError`].
pub async fn look_up(
    connection: &mut Connection<'_>,
    key: &[u8],
    step: &str,
    asker: Asker,
) -> Result<Found, StoreError> {
    let row = sqlx::query("select answer, value from pgflow.look_up_1($1, $2, $3, $4, $5, $6, $7)")
        .bind(key)
        .bind(step)
        .bind(asker.key.run.0)
        .bind(asker.key.lane)
        .bind(asker.key.elem)
        .bind(asker.epoch)
        .bind(asker.worker)
        .fetch_one(connection)
        .await
        .during("look for a cached result")?;
    Ok(match (row.get::<&str, _>("answer"), row.get::<Option<String>, _>("value")) {
        ("found", Some(value)) => Found::Value(Json::from_trusted(value)),
        ("wait", _) => Found::UnderWay,
        _ => Found::Nothing,
    })
}

/// Keeps a result, unless somebody else has begun to compute it anew.
///
/// # Errors
/// [`StoreError`].
pub async fn keep(
    connection: &mut Connection<'_>,
    key: &[u8],
    value: &Json,
    lasts: Duration,
    asker: Asker,
) -> Result<(), StoreError> {
    sqlx::query(include_str!("../../sql/task/keep.sql"))
        .bind(key)
        .bind(value.as_str())
        .bind(millis(lasts))
        .bind(asker.key.run.0)
        .bind(asker.key.lane)
        .bind(asker.key.elem)
        .bind(asker.epoch)
        .bind(asker.worker)
        .execute(connection)
        .await
        .during("keep a result")?;
    Ok(())
}
