//! Repeating a run that has ended, as a new run that keeps results.

use std::collections::HashMap;

use sqlx::Row;

use crate::{
    definition::Definition,
    lifecycle::{AttemptStatus, Kept, Past, Position, Standing},
    payload::Json,
};

use super::{
    Connection, During, RunId, StoreError,
    register::{END, START},
};

/// The definition of a run's version, with its numbers.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The definition.
    pub definition: Definition,
    /// The run completed.
    pub completed: bool,
    nodes: Vec<i16>,
    queues: HashMap<(i16, bool), i32>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// The new run.
    Made(RunId),
    /// The run that repeats it already.
    Same(RunId),
    /// It is under way.
    Live,
    /// It is a child of this run.
    Child(RunId),
    /// The workflow's concurrency is used up.
    Full,
    /// There is no such run.
    Unknown,
}

/// The definition of a run's version; `None`: there is no such run, or the definition cannot be read.
///
/// # Errors
/// [`StoreError`].
pub async fn plan(connection: &mut Connection<'_>, run: RunId) -> Result<Option<Plan>, StoreError> {
    let row = sqlx::query(include_str!("../../sql/run/plan.sql"))
        .bind(run.0)
        .fetch_optional(connection)
        .await
        .during("show a run's definition")?;
    Ok(row.and_then(|row| {
        let definition: Definition = serde_json::from_str(row.get("definition")).ok()?;
        let ids: Vec<String> = row.get("ids");
        let numbers: HashMap<String, i16> =
            ids.into_iter().zip(row.get::<Vec<i16>, _>("numbers")).collect();
        let nodes = definition.nodes.iter().map(|n| numbers.get(&n.id).copied());
        let places: Vec<i16> = row.get("queue_nodes");
        let places = places.into_iter().zip(row.get::<Vec<bool>, _>("queue_controls"));
        Some(Plan {
            nodes: nodes.collect::<Option<_>>()?,
            queues: places.zip(row.get::<Vec<i32>, _>("queues")).collect(),
            completed: row.get("completed"),
            definition,
        })
    }))
}

/// The last attempts of a run's nodes and elements.
///
/// # Errors
/// [`StoreError`].
pub async fn past(
    connection: &mut Connection<'_>,
    run: RunId,
    plan: &Plan,
) -> Result<Vec<Past>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/run/past.sql"))
        .bind(run.0)
        .fetch_all(connection)
        .await
        .during("show a run's attempts")?;
    let past = rows.iter().filter_map(|row| {
        let number: i16 = row.get("node");
        Some(Past {
            node: plan.nodes.iter().position(|n| *n == number)?,
            elem: row.get("elem"),
            status: AttemptStatus::from_code(row.get("status"))?,
        })
    });
    Ok(past.collect())
}

impl Plan {
    fn number(&self, at: Position) -> i16 {
        match at {
            Position::Start => START,
            at => at.node().map_or(END, |node| self.nodes[node]),
        }
    }

    fn queue(&self, at: Position) -> i32 {
        self.queues.get(&(self.number(at), at.is_pure())).copied().unwrap_or_default()
    }
}

/// Adds another kept result of a step, in the transaction that made the new run; the old one stays in its history.
/// `false`: it has none.
///
/// # Errors
/// [`StoreError`].
pub async fn replace_output(
    connection: &mut Connection<'_>,
    run: RunId,
    plan: &Plan,
    node: usize,
    output: &Json,
) -> Result<bool, StoreError> {
    let done = sqlx::query(include_str!("../../sql/run/replace_output.sql"))
        .bind(run.0)
        .bind(plan.nodes[node])
        .bind(output.as_str())
        .execute(connection)
        .await
        .during("replace a result")?;
    Ok(done.rows_affected() == 1)
}

/// Makes the new run.
///
/// # Errors
/// [`StoreError`].
pub async fn repeat(
    connection: &mut Connection<'_>,
    run: RunId,
    plan: &Plan,
    input: Option<&Json>,
    kept: &Kept,
    tokens: &[Standing],
) -> Result<Repeated, StoreError> {
    let numbers = |nodes: &std::collections::BTreeSet<usize>| -> Vec<i16> {
        nodes.iter().map(|n| plan.nodes[*n]).collect()
    };
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let row = sqlx::query(include_str!("../../sql/run/repeat.sql"))
        .bind(run.0)
        .bind(input.map(Json::as_str))
        .bind(numbers(&kept.whole))
        .bind(numbers(&kept.partly))
        .bind(tokens.iter().map(|t| plan.number(t.at)).collect::<Vec<_>>())
        .bind(tokens.iter().map(|t| t.at.elem()).collect::<Vec<_>>())
        .bind(tokens.iter().map(|t| plan.queue(t.at)).collect::<Vec<_>>())
        .bind(tokens.iter().map(|t| count(t.need)).collect::<Vec<_>>())
        .bind(tokens.iter().map(|t| count(t.arrived)).collect::<Vec<_>>())
        .fetch_one(connection)
        .await
        .during("repeat a run")?;
    let other = row.get::<Option<i64>, _>("run_id").map(RunId);
    Ok(match (row.get::<&str, _>("answer"), other) {
        ("made", Some(run)) => Repeated::Made(run),
        ("same", Some(run)) => Repeated::Same(run),
        ("child", Some(run)) => Repeated::Child(run),
        ("live", _) => Repeated::Live,
        ("full", _) => Repeated::Full,
        _ => Repeated::Unknown,
    })
}
