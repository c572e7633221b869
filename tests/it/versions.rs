//! Versions of workflows beside each other, and of the schema.

use pgflow::{Failure, step, workflow};
use sqlx::Executor;
use tokio::sync::Notify;

use crate::{
    process::{Process, command},
    support::{Database, PATIENCE, history, worker},
};

type Result<T> = std::result::Result<T, Failure>;

static GATE: Notify = Notify::const_new();

#[step]
pub async fn weigh(n: u32) -> Result<u32> {
    if n == 1 {
        GATE.notified().await;
    }
    Ok(n)
}

#[step]
pub async fn wrap(n: u32) -> Result<String> {
    Ok(format!("{n} wrapped"))
}

#[step]
pub async fn stamp(parcel: String) -> Result<String> {
    Ok(format!("{parcel} and stamped"))
}

#[workflow(id = "parcel", version = 1)]
pub async fn parcel_v1(n: u32) -> Result<String> {
    let weight = weigh(n).await?;
    wrap(weight).await
}

#[workflow(id = "parcel", version = 2)]
pub async fn parcel(n: u32) -> Result<String> {
    let weight = weigh(n).await?;
    let wrapped = wrap(weight).await?;
    stamp(wrapped).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_finishes_on_the_version_it_began_with_while_newer_ones_start() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "parcel").await;
    let old = flow.start::<parcel_v1>(1).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    let new = flow.start::<parcel>(2).await.unwrap();
    assert_eq!(new.output().await.unwrap(), "2 wrapped and stamped");
    GATE.notify_one();
    assert_eq!(old.output().await.unwrap(), "1 wrapped");
    let status = old.status().await.unwrap();
    assert_eq!((status.version, history(&status).len()), (1, 2));
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_hold_one_version_each_serve_only_runs_of_theirs() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let of = |version| Process::spawn(command(&db, &db.url(), &[version]));
    let processes = [of("parcel@1"), of("parcel@2")];
    let old = flow.start_many::<parcel_v1>(2..40).await.unwrap();
    let new = flow.start_many::<parcel>(2..40).await.unwrap();
    for (n, (old, new)) in (2..).zip(old.iter().zip(&new)) {
        assert_eq!(old.output().await.unwrap(), format!("{n} wrapped"));
        assert_eq!(new.output().await.unwrap(), format!("{n} wrapped and stamped"));
    }
    for (process, version) in processes.iter().zip([1_i64, 2]) {
        let strays = "select count(*) from pgflow.attempt a join pgflow.worker k on k.id = a.worker_id \
            join pgflow.run r on r.id = a.run_id join pgflow.workflow w on w.id = r.workflow_id \
            where k.name = $1 and w.version <> $2";
        let strays = sqlx::query_scalar::<_, i64>(strays).bind(process.worker()).bind(version);
        assert_eq!(strays.fetch_one(&mut db.sql().await).await.unwrap(), 0, "version {version}");
    }
    db.check_invariants().await;
}

#[cfg(feature = "insta")]
#[test]
fn a_changed_definition_says_what_it_asks_for() {
    pgflow::assert_definition!(parcel_v1);
    let advice = |file| pgflow::__private::advice::<parcel>(env!("CARGO_MANIFEST_DIR"), file);
    assert_eq!(
        advice(file!()),
        "Version 2 of `parcel` stands beside version 1. Runs under way can be moved to it (`Flow::migrate`), unless they \
         are at their end."
    );
    assert_eq!(advice("elsewhere.rs"), "`parcel` has no accepted definition yet.");
}

/// The migrations of the first binaries, which stay as they are.
const FIRST: [(i32, &str, &str); 2] = [
    (1, "tables", include_str!("../../pgflow-core/migrations/0001_tables.sql")),
    (2, "functions", include_str!("../../pgflow-core/migrations/0002_functions.sql")),
];

/// Takes the schema back to what the first binaries made of an empty database.
async fn first_schema(db: &Database) {
    let mut sql = db.sql().await;
    sql.execute(
        "drop schema pgflow cascade; create schema pgflow;
         create table pgflow.migration (number int primary key, name text not null, checksum bytea not null,
           applied_at timestamptz not null default now())",
    )
    .await
    .unwrap();
    for (number, name, text) in FIRST {
        sql.execute(sqlx::raw_sql(text)).await.unwrap();
        let note = "insert into pgflow.migration (number, name, checksum) values ($1, $2, sha256($3::bytea))";
        let noted = sqlx::query(note).bind(number).bind(name).bind(text.as_bytes());
        noted.execute(&mut sql).await.unwrap();
    }
    sql.execute("insert into pgflow.meta (schema, compatible) values (2, 1)").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_schema_is_brought_up_under_a_run_that_an_older_binary_left() {
    let db = Database::new().await;
    first_schema(&db).await;
    let mut sql = db.sql().await;
    // what an older binary wrote: its definition, its numbers, a run that is ready at `wrap`
    sql.execute(
        "insert into pgflow.workflow (name, version, fingerprint, definition) values ('parcel', 1, '', '{}');
         insert into pgflow.node (workflow, number, id) values ('parcel', 1, 'weigh'), ('parcel', 2, 'wrap');
         insert into pgflow.queue (workflow_id, node, control) values (1, 1, false), (1, 2, false), (1, 0, true), (1, -1, true);
         insert into pgflow.run (workflow_id, input) values (1, '5');
         insert into pgflow.attempt (run_id, node, elem, attempt, status, ended_at, output) values (1, 1, 0, 1, 1, now(), '5');
         insert into pgflow.task (run_id, lane, elem, node, queue, epoch, ready_in) values (1, 1, 0, 2, 2, 2, 2)",
    )
    .await
    .unwrap();
    let definition: pgflow::Definition = (<parcel_v1 as pgflow::Workflow>::SPEC)().into();
    sqlx::query("update pgflow.workflow set fingerprint = $1, definition = $2::jsonb")
        .bind(&definition.fingerprint)
        .bind(definition.to_json())
        .execute(&mut sql)
        .await
        .unwrap();
    let flow = db.flow().await;
    let worker = worker(&flow, "parcel").await;
    let run = flow.run::<parcel_v1>(pgflow::RunId(1));
    assert_eq!(run.output().await.unwrap(), "5 wrapped");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_binary_flushes_beside_this_one_and_its_ended_child_wakes_the_parent() {
    let db = Database::new().await;
    let mut sql = db.sql().await;
    // a child that an older worker holds at its end, and the parent's token that waits for it
    sql.execute(
        "insert into pgflow.worker (id, name, lease_until, offers) values (7, 'older', now() + interval '1 hour', '{}');
         insert into pgflow.run (id, workflow_id, input) values (1, 1, 'null');
         insert into pgflow.run (id, workflow_id, input, parent_run, parent_lane, parent_elem) values (2, 1, 'null', 1, 3, 0);
         insert into pgflow.task (run_id, lane, elem, node, queue, epoch) values (1, 3, 0, 3, 9, 1);
         insert into pgflow.task (run_id, lane, elem, node, queue, epoch, worker_id, started_at) values (2, 1, 0, 1, 8, 4, 7, now())",
    )
    .await
    .unwrap();
    let flush = "select count(*) from pgflow.flush_1(7, '{2}', '{1}', '{0}', '{4}', '{1}', '{0}', '{1}', '{1}', \
                 array[now()], array[now()], '{42}', array[null::text], array[null::smallint], array[null::int], '{f}', \
                 array[null::bigint], '{0}', '{t}', '{42}', '{f}', array[null::int], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', \
                 '{}', '{}', '{}', '{}', '{}', '{}', '{}') f where f.taken = '{1}'";
    assert_eq!(db.count(flush).await, 1);
    assert_eq!(
        db.count("select count(*) from pgflow.run where state = 1 and output = '42'").await,
        1
    );
    assert_eq!(
        db.count("select count(*) from pgflow.task where run_id = 1 and ready_in = 9").await,
        1
    );
}
