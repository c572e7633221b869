//! Steps that count their executions in a table, on a connection of their own, so that tests see what ran again; and
//! workflows of the usual shapes.

use std::{collections::BTreeMap, time::Duration};

use pgflow::{Failure, Flow, RunId, StepContext, TransactionError, step, workflow};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};

use crate::support::Database;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the count of executions: {0}")]
    Count(#[from] sqlx::Error),
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    #[error(transparent)]
    Step(#[from] Failure),
}

pub type Result<T> = std::result::Result<T, Error>;

/// Counts an execution on a connection of the step's own, before the engine hears of it.
async fn executed(what: String) -> Result<()> {
    let context = StepContext::current();
    sqlx::query("insert into executed (run_id, what) values ($1, $2)")
        .bind(context.run().map(|run| run.0))
        .bind(what)
        .execute(&*context.state::<PgPool>())
        .await?;
    Ok(())
}

#[step(needs(PgPool))]
pub async fn count_list(n: u32) -> Result<Vec<u32>> {
    executed("count_list".into()).await?;
    Ok((1..=n).collect())
}

#[step(needs(PgPool))]
pub async fn count_each(n: u32) -> Result<u32> {
    executed(format!("count_each {n}")).await?;
    Ok(n * 10)
}

#[step(needs(PgPool))]
pub async fn count_left(n: u32) -> Result<u32> {
    executed("count_left".into()).await?;
    Ok(n + 1)
}

#[step(needs(PgPool))]
pub async fn count_right(n: u32) -> Result<u32> {
    executed("count_right".into()).await?;
    Ok(n + 2)
}

#[step(needs(PgPool), concurrency = 2)]
pub async fn count_join(all: Vec<u32>, left: u32, right: u32) -> Result<u32> {
    executed("count_join".into()).await?;
    Ok(all.iter().sum::<u32>() + left * right)
}

#[step(needs(PgPool))]
pub async fn count_last(n: u32) -> Result<u32> {
    executed("count_last".into()).await?;
    Ok(n + 7)
}

/// Writes in the transaction of its completion.
#[step(needs(PgPool), transactional)]
pub async fn count_paid(n: u32) -> Result<u32> {
    executed("count_paid".into()).await?;
    let context = StepContext::current();
    let mut transaction = context.transaction().await?;
    sqlx::query("insert into paid (run_id) values ($1)")
        .bind(context.run().map(|run| run.0))
        .execute(&mut *transaction)
        .await?;
    Ok(n * 2)
}

#[workflow]
pub async fn counted_chain(n: u32) -> Result<u32> {
    let n = count_left(n).await?;
    let n = count_right(n).await?;
    count_last(n).await
}

#[workflow]
pub async fn counted_siblings(n: u32) -> Result<u32> {
    let left = count_left(n).await?;
    let right = count_right(n).await?;
    count_join(Vec::new(), left, right).await
}

#[workflow]
pub async fn counted_map(n: u32) -> Result<u32> {
    let items = count_list(n).await?;
    let all = pgflow::map(items, count_each).await?;
    count_last(all.iter().sum()).await
}

#[workflow]
pub async fn counted_branch(n: u32) -> Result<u32> {
    let left = count_left(n).await?;
    let paid =
        if left > 2 { count_paid(left).await? } else { pgflow::child(counted_chain(left)).await? };
    pgflow::sleep(Duration::ZERO).await;
    count_last(paid).await
}

pub const WORKFLOWS: [&str; 4] =
    ["counted_chain", "counted_siblings", "counted_map", "counted_branch"];

/// What a worker of one of [`WORKFLOWS`] serves.
pub fn served(workflow: &'static str) -> Vec<&'static str> {
    match workflow {
        "counted_branch" => vec![workflow, "counted_chain"],
        _ => vec![workflow],
    }
}

/// A started run, and what it must come to.
pub struct Expected {
    pub id: RunId,
    pub output: u32,
}

/// Makes the table, and starts a run of one of [`WORKFLOWS`] for each of `inputs`.
pub async fn start(db: &Database, flow: &Flow, workflow: &str, inputs: &[u32]) -> Vec<Expected> {
    let sql = "create table if not exists executed (run_id bigint not null, what text not null); \
               create table if not exists paid (run_id bigint not null)";
    sqlx::raw_sql(sql).execute(&mut db.sql().await).await.unwrap();
    let mut started = Vec::new();
    for n in inputs.iter().copied() {
        let (id, output) = match workflow {
            "counted_chain" => (flow.start::<counted_chain>(n).await.unwrap().id(), n + 10),
            "counted_siblings" => {
                (flow.start::<counted_siblings>(n).await.unwrap().id(), (n + 1) * (n + 2))
            }
            "counted_branch" => {
                let output = if n > 1 { (n + 1) * 2 + 7 } else { n + 1 + 10 + 7 };
                (flow.start::<counted_branch>(n).await.unwrap().id(), output)
            }
            _ => (flow.start::<counted_map>(n).await.unwrap().id(), n * (n + 1) * 5 + 7),
        };
        started.push(Expected { id, output });
    }
    started
}

pub async fn counters(db_url: &str) -> PgPool {
    PgPoolOptions::new().max_connections(4).connect(db_url).await.unwrap()
}

pub type Counts = BTreeMap<(i64, String), i64>;

/// How often each step of each run began.
pub async fn executions(db: &Database) -> Counts {
    counts(db, "select run_id, what, count(*) from executed group by 1, 2").await
}

async fn counts(db: &Database, query: &str) -> Counts {
    let query = sqlx::query_as(AssertSqlSafe(query.to_owned()));
    let rows: Vec<(i64, String, i64)> = query.fetch_all(&mut db.sql().await).await.unwrap();
    rows.into_iter().map(|(run, what, n)| ((run, what), n)).collect()
}

/// The steps whose completion is recorded.
pub async fn completed(db: &Database) -> Vec<(i64, String)> {
    recorded(db, "where a.status = 1").await.into_keys().collect()
}

/// How many attempts of each step are recorded.
async fn attempts(db: &Database) -> Counts {
    recorded(db, "").await
}

async fn recorded(db: &Database, which: &'static str) -> Counts {
    let query = format!(
        "select a.run_id, n.id || case when a.elem > 0 then ' ' || a.elem else '' end, count(*) \
         from pgflow.attempt a join pgflow.run r on r.id = a.run_id join pgflow.workflow w on w.id = r.workflow_id \
         join pgflow.node n on n.number = a.node and n.workflow = w.name {which} group by 1, 2"
    );
    counts(db, &query).await
}

/// Every run came to what it must, and nothing ran again after its completion was recorded: each execution has an attempt
/// of its own, and the last attempt is the one that is done.
pub async fn check(db: &Database, flow: &Flow, runs: &[Expected]) {
    for run in runs {
        let output = flow.run::<counted_chain>(run.id).output().await.unwrap();
        assert_eq!(output, run.output, "run {}", run.id);
    }
    db.check_invariants().await;
    let again = "select count(*) from pgflow.attempt a join pgflow.attempt d using (run_id, node, elem) \
                 where d.status = 1 and a.attempt > d.attempt";
    assert_eq!(db.count(again).await, 0, "attempts after a completion");
    let attempts = attempts(db).await;
    for (step, n) in executions(db).await {
        let known = attempts.get(&step).copied().unwrap_or(0);
        assert!(n <= known, "{step:?} began {n} times in {known} attempts");
    }
    let query = "select run_id, 'count_paid', count(*) from paid group by 1";
    let written = counts(db, query).await;
    let paid = recorded(db, "where a.status = 1 and n.id = 'count_paid'").await;
    assert_eq!(written, paid, "what a transactional step wrote, and its recorded completions");
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
}
