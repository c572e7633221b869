//! Processes that die between any two statements of the engine: this binary runs itself again, as a worker that kills
//! itself.

use std::{
    env,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use pgflow::workflow;

use crate::{
    counted::{
        Result, completed, count_each, count_join, count_last, count_left, count_list, count_right,
        counters, executions,
    },
    support::{Database, PATIENCE, survived, worker_with},
};

const URL: &str = "PGFLOW_TEST_CRASH_URL";
const AT: &str = "PGFLOW_TEST_CRASH_AT";
const RUNS: u32 = 3;

#[workflow]
pub async fn crashing(n: u32) -> Result<u32> {
    let items = count_list(n).await?;
    let left = count_left(n).await?;
    let right = count_right(n).await?;
    let all = pgflow::map(items, count_each).await?;
    let joined = count_join(all, left, right).await?;
    count_last(joined).await
}

fn expected(n: u32) -> u32 {
    (1..=n).sum::<u32>() * 10 + (n + 1) * (n + 2) + 7
}

/// Statements that are left of the child's life.
static LEFT: Mutex<u32> = Mutex::new(0);

fn die_in_time(operation: &'static str) {
    if !matches!(
        operation,
        "hand out work"
            | "hand out limited work"
            | "note an idle worker"
            | "record completions"
            | "load stored results"
    ) {
        return;
    }
    // held until death, so that no other thread gets past a boundary
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    *left -= 1;
    if *left == 0 {
        let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
        unreachable!("killed");
    }
}

/// Not a test by itself: the worker that dies.
#[tokio::test(flavor = "multi_thread")]
async fn child_main() {
    let Ok(url) = env::var(URL) else { return };
    *LEFT.lock().unwrap() = env::var(AT).unwrap().parse().unwrap();
    pgflow::testing::on_boundary(die_in_time);
    let flow = pgflow::connect(&url).await.unwrap();
    let pool = counters(&url).await;
    let _worker = flow.worker().only(["crashing"]).slots(2).state(pool).spawn().await.unwrap();
    std::future::pending::<()>().await;
}

async fn died_at(db: &Database, boundary: u32) {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "crash::child_main", "--nocapture"]);
    child.env(URL, db.url()).env(AT, boundary.to_string());
    child.stdout(Stdio::null()).stderr(Stdio::null());
    let status = tokio::task::spawn_blocking(move || child.status()).await.unwrap().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{status}");
    // what the dead one sent may still be under way
    db.until(
        "select count(*) from pg_stat_activity where datname = current_database() \
         and backend_type = 'client backend' and pid <> pg_backend_pid()",
        0,
    )
    .await;
}

async fn survives_death_at(boundary: u32) {
    let db = Database::new().await;
    let sql = "create table executed (run_id bigint not null, what text not null)";
    sqlx::query(sql).execute(&mut db.sql().await).await.unwrap();
    let ids = {
        let flow = db.flow().await;
        let runs = flow.start_many::<crashing>(1..=RUNS).await.unwrap();
        runs.iter().map(pgflow::Run::id).collect::<Vec<_>>()
    };
    died_at(&db, boundary).await;
    let (done, before) = (completed(&db).await, executions(&db).await);
    // that is what time does
    sqlx::query("update pgflow.worker set lease_until = pgflow.clock() - interval '1 second'")
        .execute(&mut db.sql().await)
        .await
        .unwrap();

    let flow = db.flow().await;
    let pool = counters(&db.url()).await;
    let second = worker_with(flow.worker().state(pool), "crashing").await;
    for (n, id) in (1..).zip(ids) {
        let output = flow.run::<crashing>(id).output().await.unwrap();
        assert_eq!(output, expected(n), "boundary {boundary}");
    }
    second.drain(PATIENCE).await;
    db.check_invariants().await;
    let after = executions(&db).await;
    for step in done {
        assert_eq!(after[&step], before[&step], "boundary {boundary}: {step:?} ran again");
        assert_eq!(after[&step], 1, "boundary {boundary}: {step:?} ran twice");
    }
    assert_eq!(completed(&db).await.len(), after.len(), "boundary {boundary}");
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
}

macro_rules! deaths {
    ($($name:ident: $boundaries:expr;)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            for boundary in $boundaries {
                survives_death_at(boundary).await;
                survived(&format!("killed at its statement {boundary}"), RUNS as usize);
            }
        })*
    };
}

deaths! {
    a_worker_killed_at_its_first_statements_costs_no_completed_step: 1..=4;
    a_worker_killed_amid_its_runs_costs_no_completed_step: 5..=8;
    a_worker_killed_near_its_end_costs_no_completed_step: 9..=12;
}
