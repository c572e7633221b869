//! Why a run is not further along: the answer of `pgflow.why_1`, which psql gets too.

use std::time::SystemTime;

use sqlx::Row;

use crate::payload::Json;

use super::{Connection, During, RunId, StoreError, stamp::Stamp};

/// One reason why a run is not further along.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// What kind of reason, as in `limit`, `retry` or `unserved`.
    pub code: String,
    /// The id of the node, where it is about one.
    pub node: Option<String>,
    /// The element of a map, from 0.
    pub element: Option<u32>,
    /// How many tasks it is about.
    pub tasks: u32,
    /// Since when.
    pub since: Option<SystemTime>,
    /// When it ends by itself, where that is known.
    pub until: Option<SystemTime>,
    /// The reason in words.
    pub text: String,
    /// The same for programs: an object, or `null`.
    pub detail: Json,
}

/// All reasons, most telling first; none: there is no such run.
///
/// # Errors
/// [`StoreError`].
pub async fn why(connection: &mut Connection<'_>, run: RunId) -> Result<Vec<Reason>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/run/why.sql"))
        .bind(run.0)
        .fetch_all(connection)
        .await
        .during("say why a run is not further along")?;
    let count = |n: i32| u32::try_from(n).unwrap_or_default();
    let time = |at: Option<Stamp>| at.map(Stamp::to_system_time);
    let reasons = rows.iter().map(|row| Reason {
        code: row.get("code"),
        node: row.get("node"),
        element: row.get::<Option<i32>, _>("element").map(count),
        tasks: count(row.get("tasks")),
        since: time(row.get("since")),
        until: time(row.get("until")),
        text: row.get("reason"),
        detail: row.get::<Option<String>, _>("detail").map_or_else(Json::null, Json::from_trusted),
    });
    Ok(reasons.collect())
}
