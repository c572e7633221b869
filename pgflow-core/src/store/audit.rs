//! What people and programs did to runs. Actions that are one statement write it down themselves.

use std::time::SystemTime;

use sqlx::{Row, postgres::PgRow};

use crate::payload::Json;

use super::{Connection, During, RunId, StoreError, stamp::Stamp};

/// Something that was done to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audit {
    /// When.
    pub at: SystemTime,
    /// Who did it.
    pub actor: String,
    /// What: `start`, `cancel`, `pause`, `resume`, `signal`, `retry`, `migrate`.
    pub action: String,
    /// What belongs to it, such as the signal's name; never a payload.
    pub detail: Option<Json>,
}

/// What was done to a run, the oldest first, up to a thousand.
///
/// # Errors
/// [`StoreError`].
pub async fn audits(connection: &mut Connection<'_>, run: RunId) -> Result<Vec<Audit>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/run/audit.sql"))
        .bind(run.0)
        .fetch_all(connection)
        .await
        .during("list what was done to a run")?;
    let audit = |row: &PgRow| Audit {
        at: row.get::<Stamp, _>("at").to_system_time(),
        actor: row.get("actor"),
        action: row.get("action"),
        detail: row.get::<Option<String>, _>("detail").map(Json::from_trusted),
    };
    Ok(rows.iter().map(audit).collect())
}

/// Writes down what somebody did, in the transaction in which it is done; `detail` is JSON text.
///
/// # Errors
/// [`StoreError`].
pub async fn note(
    tx: &mut Connection<'_>,
    actor: &str,
    action: &str,
    run: RunId,
    detail: &str,
) -> Result<(), StoreError> {
    let insert =
        "insert into pgflow.audit (actor, action, run_id, detail) values ($1, $2, $3, $4::jsonb)";
    sqlx::query(insert)
        .bind(named(actor))
        .bind(action)
        .bind(run.0)
        .bind(detail)
        .execute(tx)
        .await
        .during("note an action")?;
    Ok(())
}

/// A name as Postgres can hold it.
pub(super) fn named(actor: &str) -> String {
    actor.replace('\0', "\u{fffd}")
}
