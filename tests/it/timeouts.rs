//! Statements of the engine that take longer than they may. The timeout is the engine's own, cut to half a second on the
//! way to the server, so that Postgres itself ends them.

use std::{env, fs, io, path::PathBuf, process::id};

use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{UnixListener, UnixStream},
    task::{JoinHandle, JoinSet},
};

use crate::{
    faults::interrupted,
    support::{Database, PATIENCE, survived, worker_with},
};

const ASKED: &[u8; 23] = b"statement_timeout=60000";
const GIVEN: &[u8; 23] = b"statement_timeout=500ms";

/// A socket beside that of the server.
struct Hasty {
    place: PathBuf,
    url: String,
    task: JoinHandle<()>,
}

impl Hasty {
    fn start(options: &PgConnectOptions) -> Self {
        let place = env::temp_dir().join(format!("pgflow-it-{}-hasty", id()));
        fs::create_dir_all(&place).unwrap();
        let socket = |options: &PgConnectOptions| {
            let name = format!(".s.PGSQL.{}", options.get_port());
            options.get_socket().unwrap().join(name)
        };
        let server = socket(options);
        let options = options.clone().socket(&place);
        let listener = UnixListener::bind(socket(&options)).unwrap();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass_on(client, server.clone()));
            }
        });
        Self { place, url: options.to_url_lossy().to_string(), task }
    }
}

impl Drop for Hasty {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_dir_all(&self.place);
    }
}

async fn pass_on(mut client: UnixStream, server: PathBuf) -> io::Result<()> {
    let mut server = UnixStream::connect(server).await?;
    // the first message: its size, and what the connection is to be like
    let size = client.read_u32().await?;
    let mut wanted = vec![0; usize::try_from(size).unwrap() - 4];
    client.read_exact(&mut wanted).await?;
    if let Some(at) = wanted.windows(ASKED.len()).position(|part| part == ASKED) {
        wanted[at..at + GIVEN.len()].copy_from_slice(GIVEN);
    }
    server.write_u32(size).await?;
    server.write_all(&wanted).await?;
    copy_bidirectional(&mut client, &mut server).await.map(|_| ())
}

/// The statements of the engine that wait for a lock.
async fn waiting(db: &Database) -> Vec<String> {
    let query = "select pid || ' since ' || query_start from pg_stat_activity where datname = current_database() \
                 and application_name like 'pgflow%' and wait_event_type = 'Lock'";
    sqlx::query_scalar(query).fetch_all(&mut db.sql().await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_run_into_their_timeout_cost_nothing_and_repeat_nothing() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let hasty = Hasty::start(&db.options());
    let mut workers = Vec::new();
    for _ in 0..2 {
        let through = pgflow::connect(&hasty.url).await.unwrap();
        workers.push(worker_with(through.worker().slots(4), "interrupted").await);
    }
    let mut runs = Vec::new();
    let mut timed_out = 0;
    for _ in 0..5 {
        let mut sql = db.sql().await;
        let mut tx = sql.begin().await.unwrap();
        runs.extend(flow.start_many::<interrupted>(0..20).await.unwrap());
        sqlx::query("lock table pgflow.task in exclusive mode").execute(&mut *tx).await.unwrap();
        let before = db.until_some(async || Some(waiting(&db).await).filter(|w| !w.is_empty()));
        let before = before.await.unwrap();
        sqlx::query("select pg_sleep(0.8)").execute(&mut *tx).await.unwrap();
        let after = waiting(&db).await;
        assert!(before.iter().all(|statement| !after.contains(statement)), "{before:?} {after:?}");
        timed_out += before.len();
        tx.rollback().await.unwrap();
        db.count("select 1::bigint from pg_sleep(0.05)").await;
    }
    for (n, run) in (0..20).cycle().zip(&runs) {
        assert_eq!(run.output().await.unwrap(), n + 3);
    }
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    db.check_invariants().await;
    assert_eq!(db.count("select count(*) from pgflow.attempt where attempt > 1").await, 0);
    assert_eq!(db.count("select count(*) from pgflow.attempt where status = 1").await, 300);
    survived(&format!("{timed_out} statements into their timeout"), runs.len());
}
