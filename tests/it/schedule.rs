//! Schedules, under a clock of the database's that the test moves.

use pgflow::{Failure, ScheduleError, Tick, WorkerError, step, workflow};

use crate::support::{Database, PATIENCE, worker};

type Result<T> = std::result::Result<T, Failure>;

#[step]
pub async fn note_the_tick(at: i64) -> Result<i64> {
    Ok(at)
}

#[workflow(schedule = "*/10 * * * *")]
pub async fn every_ten_minutes(tick: Tick) -> Result<i64> {
    note_the_tick(tick.unix_seconds).await
}

#[workflow(schedule = "0 3 * * *")]
pub async fn wants_a_number(n: u32) -> Result<i64> {
    note_the_tick(i64::from(n)).await
}

#[workflow(schedule = "61 * * * *")]
pub async fn at_minute_sixty_one() -> Result<i64> {
    note_the_tick(0).await
}

/// Sets the database's clock.
pub async fn set_clock(db: &Database, to: &str) {
    let text = format!(
        "create or replace function pgflow.clock() returns timestamptz language sql stable parallel safe \
         as $$ select timestamptz '{to}' + (now() - timestamptz '{}') $$",
        sqlx::query_scalar::<_, String>("select now()::text")
            .fetch_one(&mut db.sql().await)
            .await
            .unwrap()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut db.sql().await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_fires_once_per_tick_over_all_workers_also_after_a_pause_and_a_clock_put_back() {
    let db = Database::new().await;
    let flow = db.flow().await;
    set_clock(&db, "2027-03-01 12:04:00+00").await;
    let workers =
        [worker(&flow, "every_ten_minutes").await, worker(&flow, "every_ten_minutes").await];
    assert_eq!(db.count("select count(*) from pgflow.run").await, 0);
    set_clock(&db, "2027-03-01 12:09:58+00").await;
    db.until("select count(*) from pgflow.run where state = 1", 1).await;
    // nobody is there for three ticks: the newest is made up for
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    set_clock(&db, "2027-03-01 12:41:00+00").await;
    let workers =
        [worker(&flow, "every_ten_minutes").await, worker(&flow, "every_ten_minutes").await];
    db.until("select count(*) from pgflow.run where state = 1", 2).await;
    set_clock(&db, "2027-03-01 12:19:59+00").await;
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    let workers = [worker(&flow, "every_ten_minutes").await];
    set_clock(&db, "2027-03-01 12:49:59+00").await;
    db.until("select count(*) from pgflow.run where state = 1", 3).await;
    let mut keys: Vec<String> = sqlx::query_scalar("select key from pgflow.run_key order by key")
        .fetch_all(&mut db.sql().await)
        .await
        .unwrap();
    for key in &mut keys {
        *key = key.replace("schedule 2027-03-01T", "");
    }
    assert_eq!(keys, ["12:10:00Z", "12:40:00Z", "12:50:00Z"]);
    let ticks: Vec<String> = sqlx::query_scalar("select output::text from pgflow.run order by id")
        .fetch_all(&mut db.sql().await)
        .await
        .unwrap();
    let noon = 1_803_902_400;
    let expected = [10, 40, 50].map(|minute| (noon + minute * 60).to_string());
    assert_eq!(ticks, expected);
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_cannot_be_kept_is_refused_when_a_worker_starts() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let error = flow.worker().only(["wants_a_number"]).spawn().await.map(|_| ()).unwrap_err();
    assert!(matches!(error, WorkerError::Schedule(ScheduleError::Input("wants_a_number"))));
    let error = flow.worker().only(["at_minute_sixty_one"]).spawn().await.map(|_| ()).unwrap_err();
    assert!(error.to_string().starts_with("`schedule = \"61 * * * *\"` of workflow"), "{error}");
}
