//! Through `PgBouncer` in transaction mode, and where notifications are never heard: everything works by polling.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::PathBuf,
    process::{Child, Command, Stdio, id},
};

use pgflow::{Failure, StepContext, step, workflow};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::support::{Database, PATIENCE, missing, survived, worker_with};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no: {0}")]
    No(u32),
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
        let socket = db.options().get_socket()?.clone();
        // the socket's directory is its owner's alone
        let owner = fs::metadata(&socket).unwrap().uid();
        let place = env::temp_dir().join(format!("pgflow-it-{}-pooler", id()));
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
