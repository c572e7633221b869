//! Steps whose own writes commit with their completion.

use pgflow::{Failure, FailureKind, RunError, StepContext, step, workflow};
use sqlx::PgConnection;

use crate::support::{Database, PATIENCE, history, worker};

type Result<T> = std::result::Result<T, Failure>;

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new("", FailureKind::Failed, error.to_string())
}

async fn note(connection: &mut PgConnection, what: &str) -> sqlx::Result<()> {
    sqlx::query("insert into ledger (what) values ($1)").bind(what).execute(connection).await?;
    Ok(())
}

/// Writes, and fails the first time.
#[step(transactional, retry_delay = "10ms")]
pub async fn charge(customer: String) -> Result<String> {
    let context = StepContext::current();
    let mut ledger = context.transaction().await.map_err(failed)?;
    note(&mut ledger, &customer).await.map_err(failed)?;
    if context.attempt() == 1 {
        return Err(failed("the first attempt fails"));
    }
    Ok(format!("charged {customer}"))
}

#[step]
pub async fn send_receipt(receipt: String) -> Result<String> {
    Ok(format!("{receipt}, receipt sent"))
}

#[workflow]
pub async fn billing(customer: String) -> Result<String> {
    let receipt = charge(customer).await?;
    send_receipt(receipt).await
}

#[step(retries = 0)]
pub async fn forgot_the_option() -> Result<()> {
    StepContext::current().transaction().await.map(|_| ()).map_err(failed)
}

#[workflow]
pub async fn billing_without_the_option() -> Result<()> {
    forgot_the_option().await
}

/// Swallows an error of the database, which leaves nothing to commit.
#[step(transactional, retries = 0)]
pub async fn swallow() -> Result<()> {
    let mut ledger = StepContext::current().transaction().await.map_err(failed)?;
    let _ = note(&mut ledger, "twice").await;
    let _ = note(&mut ledger, "twice").await;
    Ok(())
}

#[workflow]
pub async fn billing_twice() -> Result<()> {
    swallow().await
}

async fn database() -> Database {
    let db = Database::new().await;
    sqlx::raw_sql("create table ledger (what text primary key)")
        .execute(&mut db.sql().await)
        .await
        .unwrap();
    db
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_step_writes_is_there_once_with_its_completion_and_goes_with_its_failure() {
    let db = database().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "billing").await;
    let run = flow.start::<billing>("ann".into()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "charged ann, receipt sent");
    // the primary key would have refused a second row: the first attempt's is gone
    assert_eq!(db.count("select count(*) from ledger").await, 1);
    let ended = history(&run.status().await.unwrap());
    assert_eq!(ended, ["charge#1 failed", "charge#2 done", "send_receipt#1 done"]);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_cut_amid_transactional_steps_neither_lose_nor_repeat_a_write() {
    let db = database().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "billing").await;
    let customers: Vec<String> = (0..60).map(|i| format!("customer {i}")).collect();
    let runs = flow.start_many::<billing>(customers).await.unwrap();
    let mut sql = db.sql().await;
    for _ in 0..20 {
        sqlx::query(
            "select pg_terminate_backend(pid), pg_sleep(0.01) from pg_stat_activity \
             where application_name = 'pgflow transaction' and datname = current_database() order by random() limit 2",
        )
        .execute(&mut sql)
        .await
        .unwrap();
    }
    for run in runs {
        // an attempt that fails because its connection was cut is an attempt
        match run.output().await {
            Ok(_) | Err(RunError::Ended { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let charged = "select count(*) from pgflow.attempt a join pgflow.node n on n.number = a.node and n.workflow = 'billing' \
                   where n.id = 'charge' and a.status = 1";
    assert_eq!(db.count("select count(*) from ledger").await, db.count(charged).await);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_without_the_option_or_broken_by_the_step_is_a_failure_that_says_so() {
    let db = database().await;
    let flow = db.flow().await;
    let worker =
        flow.worker().only(["billing_without_the_option", "billing_twice"]).spawn().await.unwrap();
    let run = flow.start::<billing_without_the_option>(()).await.unwrap();
    let error = run.output().await.unwrap_err().to_string();
    assert!(
        error.contains(
            "step `forgot_the_option` has no transaction; write `#[step(transactional)]`"
        ),
        "{error}"
    );
    let run = flow.start::<billing_twice>(()).await.unwrap();
    let error = run.output().await.unwrap_err().to_string();
    assert!(error.contains("the transaction of `swallow` was refused"), "{error}");
    assert_eq!(db.count("select count(*) from ledger").await, 0);
    let plain = charge("nobody".into()).await.unwrap_err();
    assert!(plain.to_string().contains("a plain call has no transaction"), "{plain}");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

/// The full fault matrix freezes a worker there; this looks at what saves the others then.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_idle_before_its_commit_has_ten_seconds() {
    let db = database().await;
    let watch = "create table patience (what text); \
        create function watch() returns trigger language plpgsql as $$ begin \
          insert into public.patience values (current_setting('idle_in_transaction_session_timeout')); return new; end $$; \
        create trigger watch after insert on pgflow.attempt for each row when (new.status = 1 and new.attempt = 2) \
          execute function watch()";
    let flow = db.flow().await;
    sqlx::raw_sql(watch).execute(&mut db.sql().await).await.unwrap();
    let worker = worker(&flow, "billing").await;
    flow.start::<billing>("ann".into()).await.unwrap().output().await.unwrap();
    // `charge` is done at its second attempt, in the step's own transaction
    assert_eq!(db.count("select count(*) from patience").await, 1);
    assert_eq!(db.count("select count(*) from patience where what = '10s'").await, 1);
    worker.drain(PATIENCE).await;
}
