//! The doctor on a healthy database, and on each fault.

use insta::assert_snapshot;
use sqlx::{Connection, PgConnection, raw_sql};

use crate::{
    operator::{pgflow, timeless_text},
    support::{Database, PATIENCE, worker},
    workflows::holding,
};

/// What the doctor says of one thing, as `level: text → remedy`, and its exit status.
async fn says(db: &Database, check: &str, older_than: &str) -> (Vec<String>, i32) {
    let answer = pgflow(db, &["doctor", "--json", "--older-than", older_than]).await;
    let status = answer.status;
    let found = answer.json();
    let about = found["findings"].as_array().unwrap().iter().filter(|f| f["check"] == check);
    let line = |f: &serde_json::Value| {
        let remedy = f["remedy"].as_str().map(|remedy| format!(" → {remedy}")).unwrap_or_default();
        timeless_text(&format!(
            "{}: {}{remedy}",
            f["level"].as_str().unwrap(),
            f["text"].as_str().unwrap()
        ))
    };
    (about.map(line).collect(), status)
}

async fn run(db: &Database, sql: &'static str) {
    raw_sql(sql).execute(&mut db.sql().await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_database_has_no_fault() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().name("w1").only(["holding"]).spawn().await.unwrap();
    let answer = pgflow(&db, &["doctor", "--older-than", "1h"]).await;
    let text: Vec<String> = answer
        .out
        .lines()
        .filter(|l| {
            !l.contains(" postgres ") && !l.contains("connections") && !l.contains(" clock ")
        })
        .map(Into::into)
        .collect();
    assert_eq!(answer.status, 0, "{}", answer.out);
    assert_snapshot!("doctor_healthy", text.join("\n"));
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_missing_or_older_is_found_and_left_as_it_is() {
    let db = Database::new().await;
    run(&db, "update pgflow.meta set schema = 6, compatible = 2").await;
    let (found, status) = says(&db, "migration", "1m").await;
    assert!(
        found[0].starts_with("fault: the database has schema 6 and this binary speaks"),
        "{found:?}"
    );
    assert_eq!(status, 5);
    assert_eq!(db.count("select schema::bigint from pgflow.meta").await, 6);
    run(&db, "drop schema pgflow cascade").await;
    let (found, _) = says(&db, "migration", "1m").await;
    assert!(found[0].starts_with("fault: the database has no schema `pgflow`"), "{found:?}");
    assert_eq!(pgflow(&db, &["list"]).await.status, 1);
    assert_eq!(db.count("select count(*) from pg_namespace where nspname = 'pgflow'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_newer_asks_for_a_newer_binary() {
    let db = Database::new().await;
    run(&db, "update pgflow.meta set schema = 900, compatible = 899").await;
    let (found, status) = says(&db, "migration", "1m").await;
    assert!(
        found[0].starts_with(
            "fault: the database has schema 900, which binaries older than schema 899 may not use"
        ) && found[0].contains(" → use a newer binary"),
        "{found:?}"
    );
    assert_eq!(status, 5);
    // one that is newer and serves this binary is none
    run(&db, "update pgflow.meta set compatible = 2").await;
    let (found, _) = says(&db, "migration", "1m").await;
    assert_eq!(found, ["fine: the schema is one that this binary speaks"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_see_other_sessions_says_so() {
    let db = Database::new().await;
    run(&db, "do $$ begin create role pgflow_test_blind login; exception when duplicate_object or unique_violation then null; end $$; \
        grant usage on schema pgflow to pgflow_test_blind; grant select on all tables in schema pgflow to pgflow_test_blind").await;
    let mut holder = PgConnection::connect_with(&db.options()).await.unwrap();
    raw_sql("begin; create temporary table t (n int)").execute(&mut holder).await.unwrap();
    let blind = db.options().username("pgflow_test_blind");
    let blind = sqlx::ConnectOptions::to_url_lossy(&blind).to_string();
    let answer =
        pgflow(&db, &["doctor", "--json", "--older-than", "0s", "--database", &blind]).await;
    let found = answer.json();
    let of = |check: &str| {
        let findings = found["findings"].as_array().unwrap().iter();
        findings.filter(|f| f["check"] == check).cloned().collect::<Vec<_>>()
    };
    let pinned = of("pinned");
    assert_eq!(pinned.len(), 1, "{pinned:?}");
    assert_eq!(pinned[0]["level"], "warning");
    let text = pinned[0]["text"].as_str().unwrap();
    assert!(text.ends_with("right now; role `pgflow_test_blind` may not see since when"), "{text}");
    let remedy = pinned[0]["remedy"].as_str().unwrap();
    assert!(remedy.starts_with("grant pg_read_all_stats to pgflow_test_blind;"), "{remedy}");
    // sessions of others count, seen or not
    let text = of("connections")[0]["text"].as_str().unwrap().to_owned();
    let used: u32 = text.split(' ').next().unwrap().parse().unwrap();
    assert!(used >= 2, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_held_open_is_found_by_its_process() {
    let db = Database::new().await;
    let mut holder = PgConnection::connect_with(&db.options().application_name("a forgotten psql"))
        .await
        .unwrap();
    let pid: i32 =
        sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut holder).await.unwrap();
    raw_sql("begin; create temporary table t (n int)").execute(&mut holder).await.unwrap();
    let (found, status) = says(&db, "pinned", "0s").await;
    let ours = found.iter().find(|text| text.contains("a forgotten psql")).unwrap();
    assert!(
        ours.contains(&format!("pid {pid} (user ")) && ours.contains("idle in transaction"),
        "{ours}"
    );
    assert!(ours.ends_with(&format!(" → select pg_terminate_backend({pid});")), "{ours}");
    assert_eq!(status, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_nobody_serves_is_found_with_what_is_missing() {
    let db = Database::new().await;
    let flow = db.flow().await;
    flow.start::<holding>(("unserved".into(), 1)).await.unwrap();
    let (found, status) = says(&db, "unserved", "1m").await;
    assert_eq!(
        found,
        [
            "fault: nobody alive has `holding@1`: 1 task of `hold` in `holding@1`, first run 1 → start a worker whose binary links this version, or cancel these runs"
        ]
    );
    assert_eq!(status, 5);
    let (found, _) = says(&db, "workers", "1m").await;
    assert!(found[0].starts_with("fault: no worker is alive, so nothing goes on"), "{found:?}");
    run(&db, r#"insert into pgflow.worker (id, name, lease_until, offers) values (1, 'w1', pgflow.clock() + interval '1 h',
        '{"serves": ["holding@1"], "refuses": [{"step": "hold", "why": "`hold` needs 1 GPU(s), 0 offered"}], "slots": 4}')"#).await;
    let (found, _) = says(&db, "unserved", "1m").await;
    assert!(
        found[0].contains("no live worker can run 1 task of `hold`")
            && found[0].contains("needs 1 GPU(s)"),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_differ_are_found() {
    let db = Database::new().await;
    run(&db, "create or replace function pgflow.clock() returns timestamptz language sql stable parallel safe as 'select now() - interval ''1 hour'''").await;
    let (found, status) = says(&db, "clock", "1m").await;
    assert!(
        found[0].starts_with(
            "warning: this host's clock is N s ahead of the database's → runs are not harmed"
        ),
        "{found:?}"
    );
    assert_eq!(status, 0, "a warning is no fault");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_dead_hold_is_found() {
    let db = Database::new().await;
    let flow = db.flow().await;
    flow.start::<holding>(("dead".into(), 1)).await.unwrap();
    run(&db, "insert into pgflow.worker (id, name, lease_until, offers) values (1, 'w1', pgflow.clock() - interval '1 min', '{}'); \
              update pgflow.task set worker_id = 1, ready_in = null, started_at = ready_at").await;
    let (found, status) = says(&db, "dead", "1m").await;
    assert_eq!(
        found,
        [
            "fault: worker `w1` died N s ago and still holds 1 task and 0 slots → start a worker: any live one takes over within seconds"
        ]
    );
    assert_eq!(status, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn bloat_is_found_and_tables_that_autovacuum_may_not_touch() {
    let db = Database::new().await;
    run(&db, "alter table pgflow.slot set (autovacuum_enabled = false)").await;
    // the statistics are written when the session ends
    run(&db, "insert into pgflow.slot (pool, n) select 1, n from generate_series(1, 60000) n; delete from pgflow.slot").await;
    db.until(
        "select count(*) from pg_stat_user_tables where relname = 'slot' and n_dead_tup > 50000",
        1,
    )
    .await;
    let (found, status) = says(&db, "bloat", "1m").await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("warning: `pgflow.slot` has 60000 dead rows beside 0 live ones")
            && found[0].contains("→ vacuum pgflow.slot;"),
        "{found:?}"
    );
    assert_eq!(
        found[1],
        "warning: autovacuum may not touch `pgflow.slot` → alter table pgflow.slot reset (autovacuum_enabled);"
    );
    assert_eq!(status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_endangers_data_is_found() {
    let db = Database::new().await;
    // the names of databases of tests are made of letters, digits and underscores
    let off = format!("alter database {} set synchronous_commit = off", db.name());
    raw_sql(sqlx::AssertSqlSafe(off)).execute(&mut db.sql().await).await.unwrap();
    let (found, status) = says(&db, "settings", "1m").await;
    assert!(
        found[0].starts_with(
            "fault: `synchronous_commit` is off: a crash of the server may take back steps"
        ),
        "{found:?}"
    );
    let remedy = format!(" → alter database {} reset synchronous_commit;", db.name());
    assert!(found[0].ends_with(&remedy), "{found:?}");
    assert_eq!(status, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_too_old_is_found() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "survey").await;
    flow.start::<holding>(("old".into(), 1)).await.unwrap();
    run(
        &db,
        "update pgflow.task set ready_at = ready_at - interval '10 min'; \
              update pgflow.worker set offers = jsonb_set(offers, '{serves}', '[\"holding@1\"]')",
    )
    .await;
    let (found, _) = says(&db, "queue", "5m").await;
    assert_eq!(
        found,
        [
            "warning: `hold` of `holding@1` has had tasks ready for N s: first run 1 → `why 1` says what it waits for; more workers or a higher limit shorten the queue"
        ]
    );
    worker.drain(PATIENCE).await;
}
