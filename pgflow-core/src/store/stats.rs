//! Counts per minute: what workers did, for views, dashboards and alerts.

use std::time::Duration;

use sqlx::{Row, postgres::PgRow};

use super::{Connection, During, RunId, StoreError, duration};

/// How many classes of durations are told apart: below 1, 2, 4, … ms, the last one open.
const CLASSES: usize = 24;

/// What happened at one node, or with whole runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    /// Ended with an output.
    pub completed: u32,
    /// Failed for good, or for somebody who tolerates it.
    pub failed: u32,
    /// Failed, and will be tried again.
    pub retried: u32,
    /// Passed over, as their branch was not taken.
    pub skipped: u32,
    /// From ready to begun, in sum.
    pub waited: Duration,
    /// From begun to over, in sum.
    pub ran: Duration,
    /// How many took so long, by class.
    times: [u32; CLASSES],
}

impl Count {
    /// Adds one that took so long.
    pub fn took(&mut self, ran: Duration) {
        self.ran += ran;
        self.times[class(ran)] += 1;
    }

    /// Adds what another counted.
    pub fn add(&mut self, other: &Self) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.retried += other.retried;
        self.skipped += other.skipped;
        self.waited += other.waited;
        self.ran += other.ran;
        for (sum, n) in self.times.iter_mut().zip(other.times) {
            *sum += n;
        }
    }

    fn times(&self) -> String {
        format!("{{{}}}", self.times.map(|n| n.to_string()).join(","))
    }
}

/// The class of a duration: the lowest power of two of milliseconds above it.
fn class(ran: Duration) -> usize {
    let bits = u128::BITS - ran.as_millis().leading_zeros();
    usize::try_from(bits).unwrap_or(CLASSES).min(CLASSES - 1)
}

/// Where something is counted: the id of a workflow and the number of a node, −1 for whole runs.
pub type Place = (i32, i16);

/// Adds counts to the worker's rows of this minute.
///
/// # Errors
/// [`StoreError`].
pub async fn write_counts(
    connection: &mut Connection<'_>,
    worker: i32,
    counts: &[(Place, Count)],
) -> Result<(), StoreError> {
    let number = |n: fn(&Count) -> u32| -> Vec<i32> {
        counts.iter().map(|(_, c)| i32::try_from(n(c)).unwrap_or(i32::MAX)).collect()
    };
    let millis = |d: fn(&Count) -> Duration| -> Vec<i64> {
        counts.iter().map(|(_, c)| super::millis(d(c))).collect()
    };
    sqlx::query(include_str!("../../sql/stats/write.sql"))
        .bind(worker)
        .bind(counts.iter().map(|((workflow, _), _)| *workflow).collect::<Vec<_>>())
        .bind(counts.iter().map(|((_, node), _)| *node).collect::<Vec<_>>())
        .bind(number(|c| c.completed))
        .bind(number(|c| c.failed))
        .bind(number(|c| c.retried))
        .bind(number(|c| c.skipped))
        .bind(millis(|c| c.waited))
        .bind(millis(|c| c.ran))
        .bind(counts.iter().map(|(_, c)| c.times()).collect::<Vec<_>>())
        .execute(connection)
        .await
        .during("count what was done")?;
    Ok(())
}

/// How long a run took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunTime {
    /// The run.
    pub run: RunId,
    /// The id of its workflow.
    pub workflow: i32,
    /// From start to end.
    pub took: Duration,
}

/// How long ended runs took.
///
/// # Errors
/// [`StoreError`].
pub async fn run_times(
    connection: &mut Connection<'_>,
    runs: &[RunId],
) -> Result<Vec<RunTime>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/stats/run_times.sql"))
        .bind(runs.iter().map(|run| run.0).collect::<Vec<_>>())
        .fetch_all(connection)
        .await
        .during("say how long runs took")?;
    let time = |row: &PgRow| RunTime {
        run: RunId(row.get("id")),
        workflow: row.get("workflow_id"),
        took: duration(row.get("took_ms")),
    };
    Ok(rows.iter().map(time).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_ends_below_its_power_of_two() {
        let of = |ms| class(Duration::from_millis(ms));
        assert_eq!(
            [of(0), of(1), of(2), of(3), of(4), of(1023), of(1024)],
            [0, 1, 2, 2, 3, 10, 11]
        );
        assert_eq!(of(u64::MAX), CLASSES - 1);
    }
}
