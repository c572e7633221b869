//! Alerts: raised once, cleared once, heard in the log, by the host and in SQL.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use pgflow::{
    Alert, AlertKind, AlertRules, AttemptEnded, Failure, FailureKind, Observer, RunEnded, RunId,
    Worker, step, workflow,
};
use tokio::sync::Semaphore;

use crate::support::{Database, PATIENCE, Warnings};

type Result<T> = std::result::Result<T, Failure>;

/// What holds the steps that wait.
static DOOR: Semaphore = Semaphore::const_new(0);

#[step(retries = 0)]
pub async fn ring(n: u32) -> Result<u32> {
    if n == 0 { Err(Failure::new("ring", FailureKind::Failed, "no bell")) } else { Ok(n) }
}

#[step(exclusive)]
pub async fn pass_door(n: u32) -> Result<u32> {
    DOOR.acquire().await.unwrap().forget();
    Ok(n)
}

#[step(gpu)]
pub async fn pass_door_with_gpu(n: u32) -> Result<u32> {
    pass_door(n).await
}

#[workflow]
pub async fn alarming(n: u32) -> Result<u32> {
    ring(n).await
}

#[workflow]
pub async fn waiting_at_door(n: u32) -> Result<u32> {
    pass_door(n).await
}

#[workflow]
pub async fn training_at_door(n: u32) -> Result<u32> {
    pass_door_with_gpu(n).await
}

#[workflow]
pub async fn waiting_for_word(n: u32) -> Result<u32> {
    let more = pgflow::signal::<u32>("word").await?;
    ring(n + more).await
}

#[workflow]
pub async fn unattended(n: u32) -> Result<u32> {
    ring(n).await
}

/// What all workers heard.
#[derive(Clone, Default)]
struct Heard {
    alerts: Arc<Mutex<Vec<Alert>>>,
    ends: Arc<Mutex<Vec<String>>>,
}

impl Observer for Heard {
    fn attempt_ended(&self, attempt: &AttemptEnded<'_>) {
        let line = format!("{} {} {}", attempt.run, attempt.node, attempt.status);
        self.ends.lock().unwrap().push(line);
    }

    fn run_ended(&self, run: &RunEnded<'_>) {
        let line = format!("{} {} {}", run.run, run.workflow.unwrap(), run.state);
        self.ends.lock().unwrap().push(line);
    }

    fn alert(&self, alert: &Alert) {
        self.alerts.lock().unwrap().push(alert.clone());
    }
}

impl Heard {
    /// How often an alert was raised and cleared.
    fn of(&self, kind: &AlertKind, subject: &str) -> (usize, usize) {
        let alerts = self.alerts.lock().unwrap();
        let of = alerts.iter().filter(|a| a.kind == *kind && a.subject == subject);
        let (cleared, raised): (Vec<&Alert>, _) = of.partition(|a| a.cleared);
        (raised.len(), cleared.len())
    }
}

async fn watched_by_two(db: &Database, heard: &Heard) -> Vec<Worker> {
    let mut rules = AlertRules::default();
    rules.every = Duration::from_millis(100);
    rules.queue = Duration::from_millis(1);
    rules.resources = Duration::from_millis(1);
    let mut workers = Vec::new();
    for _ in 0..2 {
        let builder = db.flow().await.worker().observer(heard.clone()).alerts(rules.clone());
        let served = ["alarming", "waiting_at_door", "training_at_door", "waiting_for_word"];
        workers.push(builder.gpu_stand_in().slots(1).only(served).spawn().await.unwrap());
    }
    workers
}

/// Waits until this many alerts of a kind are open.
async fn open(db: &Database, kind: &str, expected: i64) {
    let mut sql = db.sql().await;
    for _ in 0..6_000 {
        let open: i64 =
            sqlx::query_scalar("select count(*) from pgflow.alerts where open and kind = $1")
                .bind(kind)
                .fetch_one(&mut sql)
                .await
                .unwrap();
        if open == expected {
            return;
        }
        sqlx::query("select pg_sleep(0.01)").execute(&mut sql).await.unwrap();
    }
    panic!("never {expected} open of `{kind}`");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_alert_is_raised_once_and_cleared_once_over_all_workers() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let heard = Heard::default();
    let workers = watched_by_two(&db, &heard).await;

    let alone = flow.start::<unattended>(1).await.unwrap();
    open(&db, "unserved", 1).await;
    // it looks for none, so that the two of whom it is asked hear all
    let quiet = flow.worker().alerts(None::<AlertRules>).only(["unattended"]);
    let late = quiet.spawn().await.unwrap();
    alone.output().await.unwrap();
    open(&db, "unserved", 0).await;
    late.drain(PATIENCE).await;

    for run in flow.start_many::<alarming>(vec![0; 10]).await.unwrap() {
        run.output().await.unwrap_err();
    }
    open(&db, "failing", 1).await;
    for run in flow.start_many::<alarming>(vec![1; 20]).await.unwrap() {
        run.output().await.unwrap();
    }
    open(&db, "failing", 0).await;

    let two = flow.start_many::<waiting_at_door>([1, 2]).await.unwrap();
    open(&db, "queue_old", 1).await;
    DOOR.add_permits(2);
    for run in two {
        run.output().await.unwrap();
    }
    open(&db, "queue_old", 0).await;

    let three = flow.start_many::<training_at_door>([1, 2, 3]).await.unwrap();
    open(&db, "resources_short", 1).await;
    DOOR.add_permits(3);
    for run in three {
        run.output().await.unwrap();
    }
    open(&db, "resources_short", 0).await;

    let long = flow.start::<waiting_for_word>(1).await.unwrap();
    sqlx::query(
        "update pgflow.run set created_at = created_at - interval '25 hours' where id = $1",
    )
    .bind(long.id().0)
    .execute(&mut db.sql().await)
    .await
    .unwrap();
    open(&db, "run_long", 1).await;
    long.signal("word", &1, "a test").await.unwrap();
    long.output().await.unwrap();
    open(&db, "run_long", 0).await;

    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    for (kind, subject) in [
        (AlertKind::Unserved, "unattended@1 ring"),
        (AlertKind::Failing, "alarming"),
        (AlertKind::QueueOld, "waiting_at_door@1 pass_door"),
        (AlertKind::ResourcesShort, "training_at_door@1 pass_door_with_gpu"),
        (AlertKind::RunLong, &format!("run {}", long.id())),
    ] {
        assert_eq!(heard.of(&kind, subject), (1, 1), "{kind}: {:?}", heard.alerts.lock());
    }
    assert_eq!(db.count("select count(*) from pgflow.alerts where open").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_hears_every_attempt_and_run_that_ended_once() {
    let db = Database::new().await;
    let heard = Heard::default();
    let workers = watched_by_two(&db, &heard).await;
    let flow = db.flow().await;
    let runs: Vec<RunId> = {
        let runs = flow.start_many::<alarming>([0, 1, 2]).await.unwrap();
        for run in &runs {
            let _ = run.output().await;
        }
        runs.iter().map(pgflow::Run::id).collect()
    };
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    let mut ends = heard.ends.lock().unwrap().clone();
    ends.sort();
    let [bad, good, better] = runs[..] else { panic!("three runs") };
    let mut expected = vec![
        format!("{bad} ring failed"),
        format!("{bad} alarming failed"),
        format!("{good} ring done"),
        format!("{good} alarming completed"),
        format!("{better} ring done"),
        format!("{better} alarming completed"),
    ];
    expected.sort();
    assert_eq!(ends, expected);
}

/// Without what happens, the worker of these rules would look again in an hour.
fn seldom() -> AlertRules {
    let mut rules = AlertRules::default();
    rules.every = Duration::from_secs(3_600);
    rules
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_serves_is_said_when_it_comes_about_and_not_at_the_next_regular_look() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let watching = |name: &str| flow.worker().alerts(seldom()).slots(1).only([name.to_owned()]);
    let idle = watching("waiting_for_word").spawn().await.unwrap();
    let mut runs = vec![flow.start::<unattended>(1).await.unwrap()];
    open(&db, "unserved", 1).await;
    let late = watching("unattended").spawn().await.unwrap();
    runs.remove(0).output().await.unwrap();
    open(&db, "unserved", 0).await;
    late.drain(PATIENCE).await;

    // by nothing but a delay that is over
    let soon = Duration::from_millis(100);
    runs.push(flow.start::<unattended>(2).after(soon).await.unwrap());
    open(&db, "unserved", 1).await;
    let late = watching("unattended").spawn().await.unwrap();
    runs.remove(0).output().await.unwrap();
    open(&db, "unserved", 0).await;

    // by a worker that leaves what it had
    let door = watching("waiting_at_door").spawn().await.unwrap();
    flow.start::<waiting_at_door>(1).await.unwrap();
    db.until("select count(*) from pgflow.tasks where state = 'running'", 1).await;
    door.drain(Duration::ZERO).await;
    open(&db, "unserved", 1).await;
    late.drain(PATIENCE).await;
    idle.drain(PATIENCE).await;
}

// on one thread, which is listened to
#[tokio::test]
async fn an_alert_is_said_in_the_log_with_its_reason() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let warnings = Warnings::hear();
    let worker = flow.worker().alerts(seldom()).only(["waiting_for_word"]).spawn().await.unwrap();
    flow.start::<unattended>(1).await.unwrap();
    open(&db, "unserved", 1).await;
    worker.drain(PATIENCE).await;
    let said = warnings.said();
    let alert = "alert: unattended@1 ring: no live worker serves it";
    assert!(said.iter().any(|line| line == alert), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_goes_on_though_looking_for_alerts_fails() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let mut sql = db.sql().await;
    sqlx::query("drop function pgflow.watch_1").execute(&mut sql).await.unwrap();
    let mut rules = AlertRules::default();
    rules.every = Duration::ZERO;
    let builder = flow.worker().alerts(rules).only(["waiting_for_word"]);
    let worker = builder.spawn().await.unwrap();
    let run = flow.start::<waiting_for_word>(1).await.unwrap();
    let waits = "select count(*) from pgflow.task where num_nonnulls(ready_in, worker_id) = 0";
    db.until(waits, 1).await;
    // nobody has anything of it in hand, so only upkeep sees that it is late
    sqlx::query("update pgflow.run set deadline = pgflow.clock() where id = $1")
        .bind(run.id().0)
        .execute(&mut sql)
        .await
        .unwrap();
    let late = tokio::time::timeout(PATIENCE, run.output()).await.unwrap().unwrap_err();
    assert!(late.to_string().contains("passed its deadline"), "{late}");
    worker.drain(PATIENCE).await;
}
