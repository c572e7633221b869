//! Alerts: what is raised, and what is over.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{Connection, During, StoreError, millis};

/// Something that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Alert {
    /// What kind: `unserved`, `queue_old`, `resources_short`, `failing` or `run_long`.
    pub kind: String,
    /// What it is about: a run, a workflow, or a step of a version, as in `pipeline@1 train`.
    pub subject: String,
    /// In words and numbers, of when it was raised.
    pub detail: String,
    /// It is over.
    pub cleared: bool,
}

/// When alerts are raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AlertRules {
    /// How often somebody looks.
    pub every: Duration,
    /// `queue_old`: something was ready for so long, and nobody took it.
    pub queue: Duration,
    /// `resources_short`: the same, sooner, for steps that want GPUs, memory or cores.
    pub resources: Duration,
    /// `run_long`: a run is live for so long.
    pub run: Duration,
    /// `failing`: so many of 100 runs of a workflow did not complete; cancelled ones do not count.
    pub failed_percent: u8,
    /// `failing`: of at least so many.
    pub failed_least: u32,
    /// `failing`: that ended within this time.
    pub failed_within: Duration,
}

impl Default for AlertRules {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            every: Duration::from_secs(10),
            queue: minutes(5),
            resources: minutes(1),
            run: minutes(24 * 60),
            failed_percent: 50,
            failed_least: 10,
            failed_within: minutes(10),
        }
    }
}

/// Raises and clears alerts where it is time to look, and answers which; of all that call, one looks.
///
/// # Errors
/// [`StoreError`].
pub async fn watch(
    connection: &mut Connection<'_>,
    rules: &AlertRules,
) -> Result<Vec<Alert>, StoreError> {
    let rows = sqlx::query("select * from pgflow.watch_1($1, $2, $3, $4, $5, $6, $7)")
        .bind(millis(rules.every))
        .bind(millis(rules.queue))
        .bind(millis(rules.resources))
        .bind(millis(rules.run))
        .bind(i32::from(rules.failed_percent))
        .bind(i32::try_from(rules.failed_least).unwrap_or(i32::MAX))
        .bind(millis(rules.failed_within))
        .fetch_all(connection)
        .await
        .during("look for alerts")?;
    Ok(rows
        .iter()
        .map(|row| Alert {
            kind: row.get("kind"),
            subject: row.get("subject"),
            detail: row.get("detail"),
            cleared: row.get("cleared"),
        })
        .collect())
}
