//! A fresh database for each test, copied from a template that has the schema.

use std::{
    collections::BTreeSet,
    fmt, fs,
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    path::{Path, PathBuf},
    time::Duration,
};

use pgflow::{Flow, RunStatus, Worker, WorkerBuilder, testing::Server};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

/// A database of its own; dropped with the value, and those of killed processes when the next one starts.
pub struct Database {
    pub server: Server,
    pub name: String,
}

impl Database {
    /// A fresh one with the schema.
    pub async fn new() -> Self {
        static SERVER: OnceCell<Server> = OnceCell::const_new();
        let server = SERVER.get_or_init(|| async { prepare().await }).await.clone();
        let name = format!("pgflow_test_{}_{}", std::process::id(), next());
        server.create_from_template(&name, &template()).await.unwrap();
        Self { server, name }
    }

    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    pub async fn flow(&self) -> Flow {
        pgflow::connect(&self.url()).await.unwrap()
    }

    pub fn options(&self) -> PgConnectOptions {
        self.server.options(&self.name)
    }

    /// A connection for looking, and for doing what an operator or a host would.
    pub async fn sql(&self) -> PgConnection {
        PgConnection::connect_with(&self.options()).await.unwrap()
    }

    /// One number out of a query.
    pub async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut self.sql().await).await.unwrap()
    }

    /// Waits until a query gives `expected`: polls the database, which is the only one that knows.
    pub async fn until(&self, query: &'static str, expected: i64) {
        let mut sql = self.sql().await;
        for _ in 0..20_000 {
            let found: i64 = sqlx::query_scalar(query).fetch_one(&mut sql).await.unwrap();
            if found == expected {
                return;
            }
            let _: String = sqlx::query_scalar("select pg_sleep(0.005)::text")
                .fetch_one(&mut sql)
                .await
                .unwrap();
        }
        panic!("`{query}` never gave {expected}");
    }

    /// What time does to a worker that does not renew its lease.
    pub async fn expire(&self, name: &str) {
        let sql = "update pgflow.worker set lease_until = pgflow.clock() - interval '1 second' where name = $1";
        sqlx::query(sql).bind(name).execute(&mut self.sql().await).await.unwrap();
    }

    pub async fn knows_worker(&self, name: &str) -> bool {
        let sql = "select exists (select from pgflow.worker where name = $1)";
        sqlx::query_scalar(sql).bind(name).fetch_one(&mut self.sql().await).await.unwrap()
    }

    /// What must hold whatever happened: no ended run has a token, no free-standing slot is held by nobody's run.
    pub async fn check_invariants(&self) {
        for (what, query) in [
            (
                "ended runs with tokens",
                "select count(*) from pgflow.task k join pgflow.run r on r.id = k.run_id where r.state <> 0",
            ),
            (
                "live runs without tokens",
                "select count(*) from pgflow.run r where r.state = 0 and not exists (select from pgflow.task k where k.run_id = r.id)",
            ),
            (
                "completions recorded twice",
                "select count(*) from (select 1 from pgflow.attempt where status = 1 group by run_id, node, elem having count(*) > 1) d",
            ),
            (
                "attempts that ended after their completed run",
                "select count(*) from pgflow.attempt a join pgflow.run r on r.id = a.run_id where r.state = 1 and a.ended_at > r.ended_at",
            ),
            (
                "paused tokens that are ready",
                "select count(*) from pgflow.task where paused and ready_in is not null",
            ),
            (
                "pauses of ended runs",
                "select count(*) from pgflow.pause p join pgflow.run r on r.id = p.run_id where r.state <> 0",
            ),
            ("tokens for ever waiting", "select count(*) from pgflow.task where need = 2147483647"),
        ] {
            assert_eq!(self.count(query).await, 0, "{what}");
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // a runtime of its own: this may be the end of the test's
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(server.drop_database(&name)).map_err(std::io::Error::other)
        });
        if !matches!(dropped.join(), Ok(Ok(()))) && !std::thread::panicking() {
            eprintln!("database {} stays", self.name);
        }
    }
}

/// Drops what processes left that are no more.
async fn sweep(server: &Server) {
    let mut sql = PgConnection::connect_with(&server.options("postgres")).await.unwrap();
    let names: Vec<String> = sqlx::query_scalar(
        r"select datname::text from pg_database where datname ~ '^pgflow_test_\d+_\d+$'",
    )
    .fetch_all(&mut sql)
    .await
    .unwrap();
    for name in names {
        let process = name.split('_').nth(2).unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            // another process may be at it
            let _ = server.drop_database(&name).await;
        }
    }
}

/// The template belongs to its schema: another text of the migrations is another template.
fn template() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/pgflow-core/migrations");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: BTreeSet<PathBuf> = files.collect();
    let mut hasher = DefaultHasher::new();
    for file in &files {
        fs::read(file).unwrap().hash(&mut hasher);
    }
    format!("pgflow_test_template_{:016x}", hasher.finish())
}

async fn prepare() -> Server {
    let server = pgflow::testing::server().await.unwrap();
    sweep(&server).await;
    server
        .with_template(&template(), async |options: PgConnectOptions| {
            pgflow::connect(&url(&options)).await.map(|_| ())
        })
        .await
        .unwrap();
    server
}

fn url(options: &PgConnectOptions) -> String {
    sqlx::ConnectOptions::to_url_lossy(options).to_string()
}

fn next() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// A worker for one workflow: this binary links those of all tests.
pub async fn worker(flow: &Flow, workflow: &str) -> Worker {
    flow.worker().only([workflow]).spawn().await.unwrap()
}

/// The same with what the caller has set.
pub async fn worker_with(builder: WorkerBuilder, workflow: &str) -> Worker {
    builder.only([workflow]).spawn().await.unwrap()
}

/// The attempts of a run, as `node#attempt status` in the order in which they ended.
pub fn history(status: &RunStatus) -> Vec<String> {
    status.attempts.iter().map(|a| format!("{}#{} {}", a.node, a.attempt, a.status)).collect()
}

/// Long enough for anything that is not stuck.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// For tests of what is not on every machine: passes over them, but not in the gate.
pub fn missing(program: &str) {
    assert!(std::env::var_os("PGFLOW_TEST_ALL").is_none(), "{program} is not installed");
    println!("skipped: {program} is not installed");
}

/// Whether a test that takes a sample shall take everything.
pub fn everything() -> bool {
    std::env::var("PGFLOW_FAULTS").is_ok_and(|what| what == "all")
}

/// Pseudo-random numbers (splitmix64); shows the number from which it began.
pub struct Seed {
    first: u64,
    state: u64,
}

impl Seed {
    /// From `PGFLOW_FAULT_SEED`, else a new one.
    pub fn new() -> Self {
        let given = std::env::var("PGFLOW_FAULT_SEED").ok().map(|seed| seed.parse().unwrap());
        let first = given.unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 32);
        Self { first, state: first }
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)
    }
}
