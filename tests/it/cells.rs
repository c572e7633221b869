//! The five cells of the public queue benchmark: two worker processes under load, a window without and a window with the
//! fault. The gate is that nothing is lost and nothing completes twice; the rates are printed and never asserted.
//!
//! `cargo test` takes one cell and short windows; `PGFLOW_FAULTS=all cargo test --test it cells -- --nocapture` takes all,
//! twenty seconds each way. Under a stop of Postgres the window begins when it answers again.

use std::{
    convert::Infallible,
    env, fs,
    process::{Command, id},
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::Duration,
};

use pgflow::{Flow, step, testing, workflow};
use sqlx::{Connection, PgConnection};

use crate::{
    process::{Process, SLOTS, command},
    support::{Database, Seed, everything, row},
};

const CHILD: &str = "PGFLOW_TEST_CELLS_CHILD";
const CELLS: [&str; 5] = [
    "one worker killed",
    "workers killed again and again",
    "Postgres stopped and started",
    "backends terminated",
    "connections eaten",
];

#[step]
async fn cell_first(n: u32) -> Result<u32, Infallible> {
    Ok(n + 1)
}

#[step]
async fn cell_second(n: u32) -> Result<u32, Infallible> {
    Ok(n * 2)
}

#[workflow]
async fn cell_flow(n: u32) -> Result<u32, Infallible> {
    let n = cell_first(n).await?;
    cell_second(n).await
}

/// With a server of its own, which the cells stop.
#[test]
fn the_cells_of_the_queue_benchmark_lose_nothing_and_complete_nothing_twice() {
    let place = env::temp_dir().join(format!("pgflow-it-{}-cells", id()));
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "cells::child_main", "--nocapture"])
        .env(CHILD, "1")
        .env("PGFLOW_DATA_DIR", &place)
        .env("PGFLOW_POSTGRES_OPTIONS", "-c max_connections=60")
        .output()
        .unwrap();
    let _ = fs::remove_dir_all(&place);
    let said = String::from_utf8_lossy(&child.stdout);
    said.lines().filter(|line| line.starts_with('|')).for_each(|line| println!("{line}"));
    assert!(child.status.success(), "{said}\n{}", String::from_utf8_lossy(&child.stderr));
}

/// Not a test by itself: the cells, in a process whose private server is its own.
#[tokio::test(flavor = "multi_thread")]
async fn child_main() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let mut seed = Seed::new();
    let (cells, window) = if everything() {
        (CELLS.to_vec(), Duration::from_secs(20))
    } else {
        let n = usize::try_from(seed.below(5)).unwrap();
        println!("seed {seed}");
        (vec![CELLS[n]], Duration::from_secs(2))
    };
    for cell in cells {
        measure(cell, window).await;
    }
}

async fn measure(cell: &str, window: Duration) {
    let db = Database::new().await;
    let flow = db.flow().await;
    let mut workers = vec![worker(&db), worker(&db)];
    let (over, acknowledged) = (AtomicBool::new(false), AtomicI64::new(0));
    let rates = async {
        db.until("select least(count(*), 1) from pgflow.run where state = 1", 1).await;
        let start = now(&db).await;
        pass(window).await;
        let middle = now(&db).await;
        let back = strike(cell, &db, &mut workers, window).await;
        let end = now(&db).await;
        over.store(true, Ordering::SeqCst);
        let rate = async |from, to| completed(&db, from, to).await / (to - from);
        (rate(start, middle).await, rate(back.unwrap_or(middle), end).await)
    };
    let ((without, under), ()) = tokio::join!(rates, produce(&flow, &over, &acknowledged));
    db.until("select least(count(*), 1) from pgflow.task", 0).await;
    let runs = db.count("select count(*) from pgflow.run").await;
    let done = db.count("select count(*) from pgflow.run where state = 1").await;
    let lost = runs.max(acknowledged.load(Ordering::SeqCst)) - done;
    let twice = "select count(*) from (select 1 from pgflow.attempt where status = 1 group by run_id, node having count(*) > 1) d";
    let twice = db.count(twice).await;
    let share = 100.0 * under / without;
    row(
        format_args!("{cell}, under load"),
        format_args!("{runs} runs"),
        format_args!("{lost} lost, {twice} twice; {share:.0} % of {without:.0} runs/s"),
    );
    assert_eq!((lost, twice), (0, 0), "{cell}");
    assert_eq!(db.count("select count(*) from pgflow.attempt where status = 1").await, 2 * runs);
    db.check_invariants().await;
    drop(workers);
}

fn worker(db: &Database) -> Process {
    let mut command = command(db, &db.url(), &["cell_flow"]);
    command.env(SLOTS, "64");
    Process::spawn(command)
}

/// Keeps some thousand tasks waiting.
async fn produce(flow: &Flow, over: &AtomicBool, acknowledged: &AtomicI64) {
    let mut sql = None;
    while !over.load(Ordering::SeqCst) {
        if sql.is_none() {
            sql = PgConnection::connect_with(flow.options()).await.ok();
        }
        let waiting = match &mut sql {
            Some(sql) => {
                sqlx::query_scalar("select count(*) from pgflow.task").fetch_one(sql).await
            }
            None => Err(sqlx::Error::PoolClosed),
        };
        match waiting {
            Ok(0..5_000_i64) => {
                if let Ok(runs) = flow.start_many::<cell_flow>(0..2_000).await {
                    acknowledged.fetch_add(i64::try_from(runs.len()).unwrap(), Ordering::SeqCst);
                }
            }
            Ok(_) => pass(Duration::from_millis(20)).await,
            Err(_) => {
                sql = None;
                pass(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Does it, for a window of time; answers when the database was there again, where it was not.
async fn strike(
    cell: &str,
    db: &Database,
    workers: &mut Vec<Process>,
    window: Duration,
) -> Option<f64> {
    let until = tokio::time::Instant::now() + window;
    match cell {
        "one worker killed" => workers.remove(0).kill(),
        "workers killed again and again" => {
            for _ in 0..4 {
                workers.remove(0).kill();
                workers.push(worker(db));
                pass(window / 4).await;
            }
        }
        "Postgres stopped and started" => {
            let data: String = sqlx::query_scalar("show data_directory")
                .fetch_one(&mut db.sql().await)
                .await
                .unwrap();
            let note = fs::read_to_string(format!("{data}/postmaster.pid")).unwrap();
            let pid = note.lines().next().unwrap();
            assert!(Command::new("kill").args(["-QUIT", pid]).status().unwrap().success());
            pass(window / 10).await;
            // whoever asks for the private server starts it again
            while testing::server().await.is_err() {}
            let back = now(db).await;
            pass(window).await;
            return Some(back);
        }
        "backends terminated" => {
            while tokio::time::Instant::now() < until {
                let one = "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity \
                           where application_name like 'pgflow%' order by random() limit 1) one";
                db.count(one).await;
                pass(Duration::from_millis(500)).await;
            }
        }
        _ => {
            let mut eaten = Vec::new();
            while let Ok(connection) = PgConnection::connect_with(&db.options()).await {
                eaten.push(connection);
            }
            // those that the engine loses now do not come back before these go
            if let Some(sql) = eaten.first_mut() {
                let cut = "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity \
                           where application_name like 'pgflow%' limit 2) two";
                sqlx::query(cut).execute(sql).await.unwrap();
            }
            pass(window / 2).await;
            for connection in eaten {
                let _ = connection.close().await;
            }
        }
    }
    pass(until.saturating_duration_since(tokio::time::Instant::now())).await;
    None
}

/// The database's time, in seconds.
async fn now(db: &Database) -> f64 {
    loop {
        let Ok(mut sql) = PgConnection::connect_with(&db.options()).await else { continue };
        let now = "select extract(epoch from clock_timestamp())::float8";
        if let Ok(now) = sqlx::query_scalar(now).fetch_one(&mut sql).await {
            return now;
        }
    }
}

async fn completed(db: &Database, from: f64, to: f64) -> f64 {
    let query = "select count(*)::float8 from pgflow.run where state = 1 and extract(epoch from ended_at) between $1 and $2";
    sqlx::query_scalar(query).bind(from).bind(to).fetch_one(&mut db.sql().await).await.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a stretch of time is what is measured")]
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
