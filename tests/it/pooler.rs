//! Through `PgBouncer` in transaction mode, and where notifications are never heard: everything works by polling.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::PathBuf,
    process::{Child, Command, Stdio, id},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use pgflow::{Failure, Flow, StepContext, TransactionError, step, workflow};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::{
    schedule::set_clock,
    support::{Database, PATIENCE, missing, survived, worker_with},
};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no: {0}")]
    No(u32),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    #[error(transparent)]
    Step(#[from] Failure),
}

#[step(retry_delay = "10ms")]
pub async fn pooled_square(n: u32) -> Result<u32, Error> {
    if n == 3 && StepContext::current().attempt() == 1 { Err(Error::No(n)) } else { Ok(n * n) }
}

#[step(concurrency = 2)]
pub async fn pooled_sum(all: Vec<u32>) -> Result<u32, Error> {
    Ok(all.iter().sum())
}

#[step]
pub async fn pooled_wait(sum: u32) -> Result<u32, Error> {
    if sum == 0 {
        StepContext::current().cancelled().await;
    }
    Ok(sum)
}

#[workflow]
pub async fn pooled(n: u32) -> Result<u32, Error> {
    let squares = pgflow::map((0..n).collect::<Vec<_>>(), pooled_square).await?;
    let sum = pooled_sum(squares).await?;
    pooled_wait(sum).await
}

fn expected(n: u32) -> u32 {
    (0..n).map(|n| n * n).sum()
}

/// `PgBouncer` in transaction mode before the tests' server, with fewer connections to it than the engine opens.
struct Pooler {
    process: Child,
    place: PathBuf,
}

impl Pooler {
    fn start(db: &Database) -> Option<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let socket = db.options().get_socket()?.clone();
        // the socket's directory is its owner's alone
        let owner = fs::metadata(&socket).unwrap().uid();
        let place = env::temp_dir().join(format!("pgflow-it-{}-pooler-{number}", id()));
        fs::create_dir_all(&place).unwrap();
        let config = place.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host={} port={} user={}\n\
             [pgbouncer]\npool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 200\nauth_type = any\n\
             unix_socket_dir = {}\nlisten_addr =\nlogfile = {}\n",
            socket.display(),
            db.options().get_port(),
            db.options().get_username(),
            place.display(),
            place.join("log").display(),
        );
        fs::write(&config, text).unwrap();
        chown(&place, Some(owner), None).unwrap();
        let mut command = Command::new("pgbouncer");
        command.arg("--quiet").arg(&config).current_dir("/").uid(owner);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(process) = command.spawn() else {
            let _ = fs::remove_dir_all(&place);
            return None;
        };
        Some(Self { process, place })
    }

    fn options(&self, db: &Database) -> PgConnectOptions {
        db.options().socket(&self.place).port(6432).extra_float_digits(None)
    }

    async fn answers(&self, db: &Database) {
        for _ in 0..1_000 {
            if PgConnection::connect_with(&self.options(db)).await.is_ok() {
                return;
            }
            db.count("select 1::bigint from pg_sleep(0.02)").await;
        }
        panic!("{}", fs::read_to_string(self.place.join("log")).unwrap_or_default());
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.place);
    }
}

fn url(options: &PgConnectOptions) -> String {
    sqlx::ConnectOptions::to_url_lossy(options).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_through_a_transaction_pooler() {
    let db = Database::new().await;
    let Some(pooler) = Pooler::start(&db) else { return missing("pgbouncer") };
    pooler.answers(&db).await;
    let at = url(&pooler.options(&db));
    let refused = pgflow::connect(&at).await.unwrap_err().to_string();
    assert!(refused.contains("`.pooler(true)`"), "{refused}");

    // the schema itself comes through it, too
    sqlx::query("drop schema pgflow cascade").execute(&mut db.sql().await).await.unwrap();
    let flow = pgflow::connect(&at).pooler(true).await.unwrap();
    let workers = [
        worker_with(flow.worker().slots(4), "pooled").await,
        worker_with(pgflow::connect(&at).pooler(true).await.unwrap().worker().slots(4), "pooled")
            .await,
    ];
    let runs = flow.start_many::<pooled>(2..40).await.unwrap();
    let again = [
        flow.start::<pooled>(5).key("five").await.unwrap(),
        flow.start::<pooled>(5).key("five").await.unwrap(),
    ];
    assert_eq!(again[0].id(), again[1].id());
    let endless = flow.start::<pooled>(1).await.unwrap();
    for (n, run) in (2..).zip(&runs) {
        assert_eq!(run.output().await.unwrap(), expected(n));
    }
    assert_eq!(again[0].output().await.unwrap(), expected(5));
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    assert!(endless.cancel("a test").await.unwrap());
    endless.output().await.unwrap_err();
    let mut host = PgConnection::connect_with(&pooler.options(&db)).await.unwrap();
    let mut tx = host.begin().await.unwrap();
    let theirs = flow.start::<pooled>(7).on(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(theirs.output().await.unwrap(), expected(7));
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    db.check_invariants().await;
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
    assert_eq!(db.count("select count(*) from pgflow.attempt where status = 4").await, 0);
    let named = sqlx::raw_sql("select 1 from pg_prepared_statements").execute(&mut host).await;
    assert_eq!(named.unwrap().rows_affected(), 0);
    survived("through PgBouncer, by transaction", runs.len());
}

/// Writes in the transaction of its completion.
#[step(transactional)]
pub async fn pooled_booking(n: u32) -> Result<u32, Error> {
    let context = StepContext::current();
    let mut transaction = context.transaction().await?;
    sqlx::query("insert into booking (run_id) values ($1)")
        .bind(context.run().map(|run| run.0))
        .execute(&mut *transaction)
        .await?;
    Ok(n + 1)
}

static LOOKED_UP: AtomicUsize = AtomicUsize::new(0);

#[step(cache = "1h")]
pub async fn pooled_look_up(n: u32) -> Result<u32, Error> {
    LOOKED_UP.fetch_add(1, Ordering::SeqCst);
    Ok(n * 100)
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

#[step(batch(max = 4, linger = "2s"))]
pub async fn pooled_batch(all: Vec<u32>) -> Result<Vec<u32>, Error> {
    CALLS.fetch_add(1, Ordering::SeqCst);
    Ok(all.iter().map(|n| n * 10).collect())
}

#[workflow]
pub async fn pooled_child(n: u32) -> Result<u32, Error> {
    pooled_square(n).await
}

#[workflow]
pub async fn pooled_kinds(n: u32) -> Result<u32, Error> {
    let booked = pooled_booking(n).await?;
    let shared = pooled_batch(vec![booked]).await?;
    let word = pgflow::signal::<u32>("word").await?;
    let found = pooled_look_up(word).await?;
    pgflow::sleep(Duration::from_millis(10)).await;
    let squared = pgflow::child(pooled_child(word)).await?;
    pooled_sum(vec![shared[0], found, squared]).await
}

async fn through(pooler: &str) -> Flow {
    pgflow::connect(pooler).pooler(true).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_work_goes_through_a_transaction_pooler() {
    let db = Database::new().await;
    let table = "create table booking (run_id bigint not null)";
    sqlx::query(table).execute(&mut db.sql().await).await.unwrap();
    let Some(pooler) = Pooler::start(&db) else { return missing("pgbouncer") };
    pooler.answers(&db).await;
    let at = url(&pooler.options(&db));
    // two seconds before a schedule is due
    set_clock(&db, "2027-03-01 12:09:58+00").await;
    let served = ["pooled_kinds", "pooled_child", "every_ten_minutes"];
    let worker = through(&at).await.worker().only(served).slots(4).spawn().await.unwrap();
    let flow = through(&at).await;
    let runs = flow.start_many::<pooled_kinds>(0..4).await.unwrap();
    let parked =
        "select count(*) from pgflow.task where num_nonnulls(ready_in, worker_id, due_at) = 0";
    db.until(parked, 4).await;
    let paused = &runs[0];
    assert!(flow.pause(paused.id(), "a test").await.unwrap());
    for run in &runs {
        run.signal("word", &3, "a test").await.unwrap();
    }
    // 10 × what was booked, what was looked up, and a square
    for (n, run) in (0..).zip(&runs).skip(1) {
        assert_eq!(run.output().await.unwrap(), 10 * (n + 1) + 300 + 9);
    }
    let of_it =
        "select count(*) from pgflow.task where paused and ready_in is null and worker_id is null";
    assert_eq!(db.count(of_it).await, 1);
    assert!(flow.resume(paused.id(), "a test").await.unwrap());
    assert_eq!(paused.output().await.unwrap(), 10 + 300 + 9);
    let ticked = "select count(*) from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id \
                  where w.name = 'every_ten_minutes' and r.state = 1";
    db.until(ticked, 1).await;
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
    assert_eq!(LOOKED_UP.load(Ordering::SeqCst), 1, "one result for all");
    assert_eq!(CALLS.load(Ordering::SeqCst), 1, "four runs in one call");
    let booked = "select count(*) + 100 * count(distinct run_id) from booking";
    assert_eq!(db.count(booked).await, 4 + 400);
    survived("every kind of work through PgBouncer", runs.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_go_on_where_no_notification_is_ever_heard() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker_with(db.flow().await.worker(), "pooled").await;
    let deaf = async {
        let cut = "select count(pg_terminate_backend(pid)) + 0 * count(pg_sleep(0.01)) from pg_stat_activity \
                   where datname = current_database() and application_name = 'pgflow listen'";
        loop {
            db.count(cut).await;
        }
    };
    let runs = async {
        for n in 2..4 {
            let idle = "select count(*) from pgflow.worker where idle";
            db.until(idle, 1).await;
            assert_eq!(flow.start::<pooled>(n).await.unwrap().output().await.unwrap(), expected(n));
        }
    };
    tokio::select! {
        () = deaf => {}
        () = runs => {}
    }
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
    survived("no notification heard", 2);
}
