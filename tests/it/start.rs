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
async fn a_bulk_start_with_one_bad_input_starts_nothing() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let good = || Order { items: Vec::new() };
    let orders = |bad: Order| (0..500).map(move |n| if n == 499 { bad.clone() } else { good() });
    let refused = flow.start_many::<lossy_order>(orders(Order { items: vec![Item { count: 1 }] }));
    let error = refused.await.map(|runs| runs.len()).unwrap_err();
    assert!(error.to_string().contains("items[0].count"), "{error}");
    assert_eq!(db.count("select count(*) from pgflow.run").await, 0);
    assert_eq!(db.count("select count(*) from pgflow.task").await, 0);
    // and so where the database refuses one of them
    let check = "alter table pgflow.run add constraint small check (input <> '400')";
    sqlx::query(check).execute(&mut db.sql().await).await.unwrap();
    flow.start_many::<two_roots>(0..500).await.map(|runs| runs.len()).unwrap_err();
    assert_eq!(db.count("select count(*) from pgflow.run").await, 0);
    assert_eq!(db.count("select count(*) from pgflow.task").await, 0);
    assert_eq!(flow.start_many::<lossy_order>(orders(good())).await.unwrap().len(), 500);
    assert_eq!(db.count("select count(*) from pgflow.run").await, 500);
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

/// All that the schema holds: every row of every table, and the text of every table, index, function and view.
async fn everything_in_it(db: &Database) -> Vec<String> {
    use sqlx::AssertSqlSafe;
    let mut sql = db.sql().await;
    let tables = "select table_name::text from information_schema.tables where table_schema = 'pgflow' and table_type = 'BASE TABLE' order by 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut sql).await.unwrap();
    assert!(tables.len() > 15, "{tables:?}");
    let mut all = Vec::new();
    for table in tables {
        let rows = format!("select t::text from pgflow.{table} t order by 1");
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(&mut sql).await.unwrap();
        all.extend(rows.iter().map(|row| format!("{table} {row}")));
    }
    let made = "select c.relname || ' ' || a.attnum || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || c.relkind::text || coalesce(pg_get_viewdef(case when c.relkind = 'v' then c.oid end), '') \
                from pg_class c join pg_attribute a on a.attrelid = c.oid where c.relnamespace = 'pgflow'::regnamespace and a.attnum > 0 \
                union all select pg_get_functiondef(p.oid) from pg_proc p where p.pronamespace = 'pgflow'::regnamespace \
                union all select pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = 'pgflow'::regnamespace \
                order by 1";
    all.extend(sqlx::query_scalar::<_, String>(made).fetch_all(&mut sql).await.unwrap());
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_too_new_is_refused_and_left_as_it_is_and_one_that_still_fits_is_used() {
    use sqlx::Executor;
    let db = Database::new().await;
    let mut sql = db.sql().await;
    // with runs under way and ended, and the row of a worker
    let flow = db.flow().await;
    let worker = worker(&flow, "two_roots").await;
    flow.start::<two_roots>(1).await.unwrap().output().await.unwrap();
    worker.drain(PATIENCE).await;
    flow.start::<two_roots>(2).key("two").await.unwrap();
    drop(flow);
    sql.execute(
        "update pgflow.meta set schema = 99, compatible = 98; \
         insert into pgflow.worker (id, name, lease_until, offers) values (99, 'newer', pgflow.clock() - interval '1 hour', '{}')",
    )
    .await
    .unwrap();
    let before = everything_in_it(&db).await;
    for _ in 0..2 {
        let error = pgflow::connect(&db.url()).await.unwrap_err().to_string();
        for words in ["schema 99", "older than schema 98 may not use", "update this binary"] {
            assert!(error.contains(words), "{error}");
        }
    }
    assert_eq!(everything_in_it(&db).await, before);
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
