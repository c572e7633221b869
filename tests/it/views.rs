//! The views that people and dashboards read: they agree with the library, outlive workers, and stay cheap.

use std::time::Duration;

use pgflow::{AttemptStatus, Failure, FailureKind, RunState, StepContext, step, workflow};
use sqlx::Row;

use crate::support::{Database, PATIENCE, worker};

type Result<T> = std::result::Result<T, Failure>;

#[step(retries = 1, retry_delay = "5ms", concurrency = 2)]
pub async fn measure(n: u32) -> Result<u32> {
    let refuse = |why: &str| Err(Failure::new("measure", FailureKind::Failed, why));
    match n {
        0 => refuse("nothing to measure"),
        1 if StepContext::current().attempt() == 1 => refuse("not yet"),
        _ => Ok(n),
    }
}

#[step]
pub async fn double(n: u32) -> Result<u32> {
    Ok(2 * n)
}

#[workflow(timeout = "1h")]
pub async fn measuring(n: u32) -> Result<u32> {
    let measured = measure(n).await?;
    if measured > 100 { double(measured).await } else { Ok(measured) }
}

/// Each row as one text.
async fn rows(db: &Database, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(&mut db.sql().await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn views_say_what_the_library_says_also_of_workers_that_are_gone() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let gone = worker(&flow, "measuring").await;
    let runs = flow.start_many::<measuring>([0, 1, 2, 101]).await.unwrap();
    for (run, expected) in runs.iter().zip([None, Some(1), Some(2), Some(202)]) {
        assert_eq!(run.output().await.ok(), expected);
    }
    gone.drain(PATIENCE).await;
    let waiting = flow.start::<measuring>(5).key("five").await.unwrap();

    for run in runs.iter().chain([&waiting]) {
        let status = run.status().await.unwrap();
        let seen = sqlx::query(
            "select workflow, version, state, message, (select count(*) from pgflow.attempts a where a.run_id = r.id) attempts, \
             (select count(*) from pgflow.tasks t where t.run_id = r.id) tasks from pgflow.runs r where id = $1",
        )
        .bind(run.id().0)
        .fetch_one(&mut db.sql().await)
        .await
        .unwrap();
        assert_eq!(seen.get::<String, _>("workflow"), status.workflow);
        assert_eq!(seen.get::<i32, _>("version").unsigned_abs(), status.version);
        assert_eq!(seen.get::<String, _>("state"), status.state.to_string());
        assert_eq!(seen.get::<Option<String>, _>("message"), status.failure.map(|f| f.message));
        assert_eq!(seen.get::<i64, _>("attempts"), i64::try_from(status.attempts.len()).unwrap());
        assert_eq!(seen.get::<i64, _>("tasks"), i64::try_from(status.tasks.len()).unwrap());
    }
    let attempts = runs[3].status().await.unwrap().attempts;
    let statuses: Vec<AttemptStatus> = attempts.iter().map(|a| a.status).collect();
    let seen = sqlx::query_scalar::<_, String>(
        "select status from pgflow.attempts where run_id = $1 order by ended_at, node",
    );
    let seen = seen.bind(runs[3].id().0).fetch_all(&mut db.sql().await).await.unwrap();
    assert_eq!(seen, statuses.iter().map(ToString::to_string).collect::<Vec<_>>());

    let counts = "select concat_ws(' ', coalesce(node, 'run'), completed, failed, retried, skipped, success_rate) from pgflow.steps order by 1";
    assert_eq!(
        rows(&db, counts).await,
        ["double 1 0 0 2 1.0000", "measure 3 1 2 0 0.7500", "run 3 0 0 0 1.0000"]
    );
    let ended = "select concat_ws(' ', workflow, sum(completed), sum(failed), sum(cancelled), sum(timed_out)) from pgflow.throughput group by workflow";
    assert_eq!(rows(&db, ended).await, ["measuring 3 1 0 0"]);
    let failures = "select concat_ws(' ', run_id, workflow, version, step, kind, message) from pgflow.failures";
    let expected = format!("{} measuring 1 measure failed nothing to measure", runs[0].id());
    assert_eq!(rows(&db, failures).await, [expected]);
    let queues = "select concat_ws(' ', node, kind, ready, age is not null) from pgflow.queues where ready > 0";
    assert_eq!(rows(&db, queues).await, ["measure step 1 t"]);
    let limits = "select concat_ws(' ', name, size, held, by_runs::text) from pgflow.limits";
    assert_eq!(rows(&db, limits).await, ["step:measure 2 0 {}"]);
    assert_eq!(db.count("select count(*) from pgflow.workers where alive").await, 0);
    let keyed = "select state from pgflow.runs where key = 'five'";
    assert_eq!(rows(&db, keyed).await, ["live"]);
    assert_eq!(waiting.status().await.unwrap().state, RunState::Live);
}

#[tokio::test(flavor = "multi_thread")]
async fn views_read_no_table_of_runs_from_end_to_end_also_before_it_is_analysed() {
    let db = Database::new().await;
    let flow = db.flow().await;
    flow.start_many::<measuring>(vec![7; 20_000]).await.unwrap();
    let mut sql = db.sql().await;
    sqlx::query("insert into pgflow.failure select id, 'measuring', 'measure', 'failed', 'no', created_at - id * interval '1 hour' from pgflow.run")
        .execute(&mut sql)
        .await
        .unwrap();
    for query in [
        "select * from pgflow.runs where id = 17",
        "select * from pgflow.runs order by id desc limit 50",
        "select * from pgflow.attempts where run_id = 17",
        "select * from pgflow.tasks where run_id = 17",
        "select * from pgflow.queues",
        "select * from pgflow.steps",
        "select * from pgflow.failures order by at desc limit 50",
        "select * from pgflow.workers",
        "select * from pgflow.step_minutes where minute between now() - interval '1 hour' and now()",
        "select * from pgflow.throughput where minute between now() - interval '1 hour' and now()",
        "select * from pgflow.limits",
        "select * from pgflow.alerts where open",
        include_str!("../../pgflow-core/sql/load/hour_of_runs.sql"),
        include_str!("../../pgflow-core/sql/load/hour_of_nodes.sql"),
        include_str!("../../pgflow-core/sql/load/queues.sql"),
    ] {
        let plan: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("explain (costs off) {query}")))
                .fetch_all(&mut sql)
                .await
                .unwrap();
        let plan = plan.join("\n");
        for table in ["run", "task", "attempt", "run_key", "failure"] {
            assert!(!plan.contains(&format!("Seq Scan on {table} ")), "{query}\n{plan}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_counts_go_with_old_runs() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "measuring").await;
    flow.start::<measuring>(2).await.unwrap().output().await.unwrap();
    worker.drain(PATIENCE).await;
    assert_ne!(db.count("select count(*) from pgflow.stats").await, 0);
    assert_eq!(flow.prune(Duration::from_secs(3600), "dan").await.unwrap(), 0);
    assert_ne!(db.count("select count(*) from pgflow.stats").await, 0);
    sqlx::query("update pgflow.stats set minute = minute - interval '2 hours'")
        .execute(&mut db.sql().await)
        .await
        .unwrap();
    flow.prune(Duration::from_secs(3600), "dan").await.unwrap();
    assert_eq!(db.count("select count(*) from pgflow.stats").await, 0);
}
