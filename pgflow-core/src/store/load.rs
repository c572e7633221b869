//! The whole database at a glance: what waits, what limits and workers have room for, and how the last hour went.

use std::time::{Duration, SystemTime};

use sqlx::{Row, postgres::PgRow};

use super::{Connection, During, StoreError, alert::AlertKind, count, duration, stamp::Stamp};

/// How much there is to do, and who is there to do it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// The queues with work.
    pub queues: Vec<QueueLoad>,
    /// The limits.
    pub limits: Vec<LimitLoad>,
    /// The live workers.
    pub workers: WorkersLoad,
    /// The alerts that are open, the oldest first.
    pub alerts: Vec<OpenAlert>,
}

/// A queue with work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueLoad {
    /// The workflow.
    pub workflow: String,
    /// Its version.
    pub version: u32,
    /// The id of the node, `start` or `end`.
    pub node: String,
    /// `step`, or `body` for its pure code.
    pub kind: String,
    /// Tasks that wait for a worker or a limit; of more, 10,000 are counted.
    pub ready: u64,
    /// How long the oldest has waited.
    pub age: Duration,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitLoad {
    /// What it limits, as in `step:train`, `workflow:pipeline`, `exclusive:disk`, `rate:fetch` or `gpu:UUID`.
    pub name: String,
    /// How many it lets run at once.
    pub size: u64,
    /// How many it holds.
    pub held: u64,
    /// Where the size comes from, if not from the code.
    pub source: Option<String>,
}

/// The live workers, in sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkersLoad {
    /// How many there are.
    pub alive: u64,
    /// The slots that they may grow to.
    pub slots: u64,
    /// Tasks that ran at their last beats.
    pub busy: u64,
    /// GPUs that they offer.
    pub gpus: u64,
}

/// An alert that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenAlert {
    /// What kind.
    pub kind: AlertKind,
    /// What it is about.
    pub subject: String,
    /// In words and numbers, of when it was raised.
    pub detail: String,
    /// Since when.
    pub raised_at: SystemTime,
}

/// How the last hour went.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastHour {
    /// Runs that ended, by workflow.
    pub runs: Vec<RunsEnded>,
    /// What was done at each node, and with whole runs of each version.
    pub nodes: Vec<NodeHour>,
}

/// Runs of a workflow that ended in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunsEnded {
    /// The workflow.
    pub workflow: String,
    /// With a value.
    pub completed: u64,
    /// With an error.
    pub failed: u64,
    /// By somebody.
    pub cancelled: u64,
    /// By their deadline.
    pub timed_out: u64,
}

impl RunsEnded {
    /// Runs a minute, however they ended.
    pub fn per_minute(&self) -> f64 {
        as_f64(self.completed + self.failed + self.cancelled + self.timed_out) / 60.0
    }

    /// The share that failed or timed out, from 0 to 1; cancelled ones do not count. `None`: nothing else ended.
    pub fn error_rate(&self) -> Option<f64> {
        let bad = self.failed + self.timed_out;
        let all = self.completed + bad;
        (all > 0).then(|| as_f64(bad) / as_f64(all))
    }
}

/// What an hour saw at a node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeHour {
    /// The workflow.
    pub workflow: String,
    /// Its version.
    pub version: u32,
    /// The node; `None`: whole runs that completed, from start to end.
    pub node: Option<String>,
    /// Ended with an output.
    pub completed: u64,
    /// Failed for good, or for somebody who tolerates it.
    pub failed: u64,
    /// Failed, and were tried again.
    pub retried: u64,
    /// Passed over, as their branch was not taken.
    pub skipped: u64,
    /// From ready to begun, on average.
    pub mean_waited: Option<Duration>,
    /// From begun to over, on average.
    pub mean: Option<Duration>,
    /// Half took at most so long, to the next power of two of milliseconds.
    pub half: Option<Duration>,
    /// 95 of 100 took at most so long, to the next power of two of milliseconds.
    pub p95: Option<Duration>,
}

/// How much there is to do, and who is there to do it.
///
/// # Errors
/// [`StoreError`].
pub async fn load(connection: &mut Connection<'_>) -> Result<Load, StoreError> {
    let sql = include_str!("../../sql/load/queues.sql");
    let queues =
        sqlx::query(sql).fetch_all(&mut *connection).await.during("say how long its queues are")?;
    let sql = include_str!("../../sql/load/limits.sql");
    let limits =
        sqlx::query(sql).fetch_all(&mut *connection).await.during("say what limits hold")?;
    let sql = include_str!("../../sql/load/workers.sql");
    let workers = sqlx::query(sql).fetch_one(&mut *connection).await.during("count its workers")?;
    let sql = include_str!("../../sql/load/alerts.sql");
    let alerts = sqlx::query(sql).fetch_all(connection).await.during("list open alerts")?;
    Ok(Load {
        queues: queues.iter().map(queue).collect(),
        limits: limits.iter().map(limit).collect(),
        workers: WorkersLoad {
            alive: count(&workers, "alive"),
            slots: count(&workers, "slots"),
            busy: count(&workers, "busy"),
            gpus: count(&workers, "gpus"),
        },
        alerts: alerts.iter().map(alert).collect(),
    })
}

/// How the last hour went.
///
/// # Errors
/// [`StoreError`].
pub async fn last_hour(connection: &mut Connection<'_>) -> Result<LastHour, StoreError> {
    let sql = include_str!("../../sql/load/hour_of_runs.sql");
    let runs = sqlx::query(sql).fetch_all(&mut *connection).await.during("count an hour's runs")?;
    let sql = include_str!("../../sql/load/hour_of_nodes.sql");
    let nodes = sqlx::query(sql).fetch_all(connection).await.during("count an hour's steps")?;
    let ended = |row: &PgRow| RunsEnded {
        workflow: row.get("workflow"),
        completed: count(row, "completed"),
        failed: count(row, "failed"),
        cancelled: count(row, "cancelled"),
        timed_out: count(row, "timed_out"),
    };
    Ok(LastHour { runs: runs.iter().map(ended).collect(), nodes: nodes.iter().map(node).collect() })
}

fn queue(row: &PgRow) -> QueueLoad {
    QueueLoad {
        workflow: row.get("workflow"),
        version: version(row),
        node: row.get("node"),
        kind: row.get("kind"),
        ready: count(row, "ready"),
        age: duration(row.get("age_ms")),
    }
}

fn limit(row: &PgRow) -> LimitLoad {
    LimitLoad {
        name: row.get("name"),
        size: u64::from(row.get::<i32, _>("size").unsigned_abs()),
        held: count(row, "held"),
        source: row.get("source"),
    }
}

fn alert(row: &PgRow) -> OpenAlert {
    OpenAlert {
        kind: row.get::<String, _>("kind").into(),
        subject: row.get("subject"),
        detail: row.get("detail"),
        raised_at: row.get::<Stamp, _>("raised_at").to_system_time(),
    }
}

fn node(row: &PgRow) -> NodeHour {
    let time = |column: &str| row.get::<Option<i64>, _>(column).map(duration);
    NodeHour {
        workflow: row.get("workflow"),
        version: version(row),
        node: row.get("node"),
        completed: count(row, "completed"),
        failed: count(row, "failed"),
        retried: count(row, "retried"),
        skipped: count(row, "skipped"),
        mean_waited: time("mean_waited_ms"),
        mean: time("mean_ms"),
        half: time("half_ms"),
        p95: time("p95_ms"),
    }
}

fn version(row: &PgRow) -> u32 {
    row.get::<i32, _>("version").unsigned_abs()
}

#[expect(clippy::cast_precision_loss, reason = "counts of people's interest are far below 2^53")]
pub(crate) fn as_f64(n: u64) -> f64 {
    n as f64
}
