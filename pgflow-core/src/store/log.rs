//! The last log lines of attempts.

use std::time::{Duration, SystemTime};

use sqlx::{Row, postgres::PgRow};

use super::{Connection, During, RunId, StoreError, millis, stamp::Stamp};

/// How long workers write down the lines of a run after somebody has looked at them.
const LOOK: Duration = Duration::from_secs(30);

/// The most bytes of a row's lines.
pub const BYTES_MAX: usize = 8192;

/// The last log lines of an attempt: at most 50 of them, at most 8 kB.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptLog {
    /// The id of its node.
    pub node: String,
    /// The element of a map, from 0.
    pub element: Option<u32>,
    /// The attempt, from 1.
    pub attempt: u32,
    /// How many earlier lines were not kept.
    pub dropped: u64,
    /// The lines, oldest first: seconds since the attempt began, level, message, fields. Control characters are escaped.
    pub lines: Vec<String>,
    /// When they were written down.
    pub at: SystemTime,
}

/// What an attempt has said so far, to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// The run.
    pub run: RunId,
    /// The number of the node.
    pub node: i16,
    /// 0, or the element of a map from 1.
    pub elem: i32,
    /// The attempt, from 1.
    pub attempt: i16,
    /// The fence of its token.
    pub epoch: i32,
    /// How many lines it said in all.
    pub said: u64,
    /// The last of them, each ended by a line break but the last.
    pub lines: String,
}

/// The last lines of a text that a row can hold.
pub fn fitting(lines: &str) -> &str {
    let mut kept = lines;
    while kept.len() > BYTES_MAX {
        let Some((_, rest)) = kept.split_once('\n') else { return "" };
        kept = rest;
    }
    kept
}

/// Whether an attempt has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// It runs: what was heard of it since goes before this.
    SoFar,
    /// It has ended: what it made has been taken out of its lines, so these go before all others.
    Ended,
}

/// Writes lines down, each attempt's in place of those that were there. One attempt has one row at most.
///
/// # Errors
/// [`StoreError`].
pub async fn write(
    connection: &mut Connection<'_>,
    rows: &[LogRow],
    whole: Whole,
) -> Result<(), StoreError> {
    sqlx::query(include_str!("../../sql/log/write.sql"))
        .bind(rows.iter().map(|r| r.run.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.node).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.elem).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.attempt).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.epoch).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| i64::try_from(r.said).unwrap_or(i64::MAX)).collect::<Vec<_>>())
        .bind(rows.iter().map(|r| r.lines.as_str()).collect::<Vec<_>>())
        .bind(whole == Whole::Ended)
        .execute(connection)
        .await
        .during("write down log lines")?;
    Ok(())
}

/// The lines of a run's attempts, of the hundred that were written last, oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn read(
    connection: &mut Connection<'_>,
    run: RunId,
) -> Result<Vec<AttemptLog>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/log/read.sql"))
        .bind(run.0)
        .fetch_all(connection)
        .await
        .during("show a run's log lines")?;
    Ok(rows.iter().map(attempt_log).collect())
}

fn attempt_log(row: &PgRow) -> AttemptLog {
    let lines: Vec<String> = row.get::<String, _>("lines").lines().map(Into::into).collect();
    let said = u64::try_from(row.get::<i64, _>("said")).unwrap_or_default();
    AttemptLog {
        node: row.get("node"),
        element: row.get::<Option<i32>, _>("element").and_then(|n| u32::try_from(n).ok()),
        attempt: u32::try_from(row.get::<i16, _>("attempt")).unwrap_or_default(),
        dropped: said.saturating_sub(lines.len() as u64),
        lines,
        at: row.get::<Stamp, _>("at").to_system_time(),
    }
}

/// Asks workers to write down the lines of a run for half a minute from now, where it is live.
///
/// # Errors
/// [`StoreError`]; readers may not ask.
pub async fn look(connection: &mut Connection<'_>, run: RunId) -> Result<(), StoreError> {
    sqlx::query(include_str!("../../sql/log/look.sql"))
        .bind(run.0)
        .bind(millis(LOOK))
        .execute(connection)
        .await
        .during("note that somebody looks")?;
    Ok(())
}

/// The runs whose lines somebody looks at.
///
/// # Errors
/// [`StoreError`].
pub async fn looked(connection: &mut Connection<'_>) -> Result<Vec<RunId>, StoreError> {
    let runs: Vec<i64> = sqlx::query_scalar(include_str!("../../sql/log/looked.sql"))
        .fetch_all(connection)
        .await
        .during("say whose log lines are looked at")?;
    Ok(runs.into_iter().map(RunId).collect())
}
