//! What a start makes, and what it refuses.

use std::convert::Infallible;

use pgflow::{PayloadError, StartError, step, workflow};
use serde::{Deserialize, Serialize};

use crate::support::{Database, PATIENCE, Warnings, worker};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    items: Vec<Item>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    #[serde(serialize_with = "as_text")]
    count: u32,
}

/// Writes what the type itself does not read.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn as_text<S: serde::Serializer>(count: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&count.to_string())
}

#[step]
async fn count_items(order: Order) -> Result<usize, Infallible> {
    Ok(order.items.len())
}

#[step]
async fn first_root(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[step]
async fn second_root(n: u32) -> Result<u32, Infallible> {
    Ok(n + 1)
}

#[workflow]
async fn lossy_order(order: Order) -> Result<usize, Infallible> {
    count_items(order).await
}

#[workflow]
async fn two_roots(n: u32) -> Result<u32, Infallible> {
    let a = first_root(n).await?;
    let b = second_root(n).await?;
    Ok(a + b)
}

#[workflow]
async fn score(value: f64) -> Result<f64, Infallible> {
    Ok(value)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_does_not_decode_is_refused_at_start_with_the_path_of_the_bad_field() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let order = Order { items: vec![Item { count: 1 }] };
    let error = flow.start::<lossy_order>(order).await.map(|r| r.id()).unwrap_err();
    assert!(error.to_string().contains("items[0].count"), "{error}");
    assert!(matches!(error, StartError::Input { problem: PayloadError::Mismatch { .. }, .. }));
    let error = flow.start::<score>(f64::NAN).await.map(|r| r.id()).unwrap_err();
    assert!(error.to_string().contains("NaN"), "{error}");
    assert_eq!(db.count("select count(*) from pgflow.run").await, 0, "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_makes_one_run_and_its_roots_ready() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let run = flow.start::<two_roots>(1).await.unwrap();
    assert_eq!(db.count("select count(*) from pgflow.run").await, 1);
    assert_eq!(db.count("select count(*) from pgflow.task where ready_in is not null").await, 1);
    let worker = worker(&flow, "two_roots").await;
    assert_eq!(run.output().await.unwrap(), 3);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_no_live_worker_can_serve_says_why() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let run = flow.start::<two_roots>(1).await.unwrap();
    let why = run.status().await.unwrap().unserved.unwrap();
    assert!(why.contains("no live worker serves `two_roots` version 1"), "{why}");
    let worker = worker(&flow, "two_roots").await;
    run.output().await.unwrap();
    assert_eq!(run.status().await.unwrap().unserved, None);
    worker.drain(PATIENCE).await;
}

/// On one thread, so that the warning is heard.
#[tokio::test]
async fn a_start_says_once_that_nobody_serves_it() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let warnings = Warnings::hear();
    for n in 0..3 {
        flow.start::<two_roots>(n).await.unwrap();
    }
    let expected = "no live worker serves `two_roots` version 1: its runs wait until one does";
    assert_eq!(warnings.said(), [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_a_typo_and_a_server_that_is_not_there_are_named_with_the_remedy() {
    let error = pgflow::connect("postgre://me:secret@localhost/db").await.unwrap_err().to_string();
    assert!(error.contains("write postgres://user:password@host:port/database"), "{error}");
    let error =
        pgflow::connect("postgres://me:secret@127.0.0.1:1/db").await.unwrap_err().to_string();
    assert!(error.contains("cannot connect to Postgres at 127.0.0.1:1, database `db`"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_somebody_else_is_refused_and_left_alone() {
    use sqlx::Executor;
    let db = Database::new().await;
    let mut sql = db.sql().await;
    sql.execute(
        "drop schema pgflow cascade; create schema pgflow; create table pgflow.flows (id int)",
    )
    .await
    .unwrap();
    let error = pgflow::connect(&db.url()).await.unwrap_err().to_string();
    assert!(error.contains("TypeScript"), "{error}");
    assert_eq!(db.count("select count(*) from pg_tables where schemaname = 'pgflow'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_too_new_is_refused_and_one_that_still_fits_is_used() {
    use sqlx::Executor;
    let db = Database::new().await;
    let mut sql = db.sql().await;
    sql.execute("update pgflow.meta set schema = 99, compatible = 98").await.unwrap();
    let error = pgflow::connect(&db.url()).await.unwrap_err().to_string();
    assert!(error.contains("update this binary"), "{error}");
    sql.execute("update pgflow.meta set compatible = 1").await.unwrap();
    pgflow::connect(&db.url()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_other_texts_made_is_refused() {
    use sqlx::Executor;
    let db = Database::new().await;
    db.sql()
        .await
        .execute("update pgflow.migration set checksum = 'x' where number = 2")
        .await
        .unwrap();
    let error = pgflow::connect(&db.url()).await.unwrap_err().to_string();
    assert!(error.contains("migration 2 `functions` was applied with another text"), "{error}");
}

/// Every statement in a file of its own is planned against the schema as it is.
#[tokio::test(flavor = "multi_thread")]
async fn every_sql_file_fits_the_schema() {
    use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};
    let db = Database::new().await;
    let mut sql = db.sql().await;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pgflow-core/sql");
    // with what is made only where it is used
    db.virtual_time().await.unwrap();
    db.flow().await.make_queue("any").await.unwrap();
    let mut seen = 0;
    for folder in std::fs::read_dir(root).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            // several statements, just run
            if path.ends_with("install.sql") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("-- "), "{} has no head comment", path.display());
            let prepared = sql.prepare(AssertSqlSafe(text).into_sql_str()).await;
            assert!(prepared.is_ok(), "{}: {}", path.display(), prepared.err().unwrap());
            seen += 1;
        }
    }
    assert!(seen >= 15, "{seen}");
}
