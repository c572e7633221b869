//! A fresh database for each test, and what tests ask of it.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    ops::Deref,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use pgflow::{Flow, RunStatus, Worker, WorkerBuilder, testing};
use sqlx::{Connection, PgConnection};

/// A database of its own.
pub struct Database(testing::Database);

impl Deref for Database {
    type Target = testing::Database;

    fn deref(&self) -> &testing::Database {
        &self.0
    }
}

impl Database {
    /// A fresh one with the schema.
    pub async fn new() -> Self {
        Self(testing::Database::new().await.unwrap())
    }

    pub async fn flow(&self) -> Flow {
        self.0.flow().await.unwrap()
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
            pause(&mut sql).await;
        }
        panic!("`{query}` never gave {expected}");
    }

    /// Asks somebody else until there is an answer; `None`: there was none in good time.
    pub async fn until_some<T>(&self, mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
        let mut sql = self.sql().await;
        let asking = async {
            loop {
                if let Some(answer) = ask().await {
                    return answer;
                }
                pause(&mut sql).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.ok()
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

    /// What must hold whatever happened.
    pub async fn check_invariants(&self) {
        // of a database in which nothing is under way
        let at_rest = [
            (
                "a live run has no token",
                "select 1 from pgflow.run r where r.state = 0 and not exists (select from pgflow.task k where k.run_id = r.id)",
            ),
            (
                "an attempt ended after its completed run",
                "select 1 from pgflow.attempt a join pgflow.run r on r.id = a.run_id where r.state = 1 and a.ended_at > r.ended_at",
            ),
        ];
        let question = sqlx::AssertSqlSafe(question(&[&BROKEN[..], &at_rest].concat()));
        let broken: Vec<String> =
            sqlx::query_scalar(question).fetch_one(&mut self.sql().await).await.unwrap();
        assert!(broken.is_empty(), "{broken:?}");
    }
}

async fn pause(sql: &mut PgConnection) {
    let pause = sqlx::query_scalar("select pg_sleep(0.005)::text");
    let _: String = pause.fetch_one(sql).await.unwrap();
}

/// What must not be, whatever happened: broken where a query has rows.
pub const BROKEN: [(&str, &str); 5] = [
    (
        "an ended run has a token",
        "select 1 from pgflow.task k join pgflow.run r on r.id = k.run_id where r.state <> 0",
    ),
    (
        "a completion is recorded twice",
        "select 1 from pgflow.attempt where status = 1 group by run_id, node, elem having count(*) > 1",
    ),
    (
        "a token waits for a join that nobody knows",
        "select 1 from pgflow.task where need = 2147483647",
    ),
    (
        "something is ready in a paused run",
        "select 1 from pgflow.task where paused and ready_in is not null",
    ),
    (
        "an ended run is paused",
        "select 1 from pgflow.pause p join pgflow.run r on r.id = p.run_id where r.state <> 0",
    ),
];

/// Names what of these is broken.
pub fn question(broken: &[(&str, &str)]) -> String {
    let parts =
        broken.iter().map(|(what, sql)| format!("case when exists ({sql}) then '{what}' end"));
    format!("select array_remove(array[{}], null)", parts.collect::<Vec<_>>().join(", "))
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

/// With a single listener `tracing` asks no other than the thread that is the first to say something, and if that one has
/// none, what it says is heard nowhere any more. So there are always two.
static DEAF: LazyLock<tracing::Dispatch> =
    LazyLock::new(|| tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default()));

/// Has a listener hear all that this thread says until the guard is dropped; workers of the test must run on it.
pub fn hear(listener: impl tracing::Subscriber + Send + Sync) -> tracing::subscriber::DefaultGuard {
    LazyLock::force(&DEAF);
    tracing::subscriber::set_default(listener)
}

/// What the thread says in warnings until this is dropped.
pub struct Warnings {
    said: Arc<Mutex<Vec<Said>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Warnings {
    /// Begins to hear.
    pub fn hear() -> Self {
        let said = Arc::default();
        let guard = hear(Ear(Arc::clone(&said)));
        Self { said, _guard: guard }
    }

    /// What was said so far.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().iter().map(|said| said.text.clone()).collect()
    }

    /// The fields of what was said in these words, as `step="train"`.
    pub fn fields(&self, text: &str) -> Vec<String> {
        let said = self.said.lock().unwrap();
        said.iter().filter(|said| said.text == text).flat_map(|said| said.fields.clone()).collect()
    }
}

#[derive(Default)]
struct Said {
    text: String,
    fields: Vec<String>,
}

struct Ear(Arc<Mutex<Vec<Said>>>);

impl tracing::Subscriber for Ear {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut said = Said::default();
        event.record(&mut |field: &tracing::field::Field, value: &dyn fmt::Debug| {
            if field.name() == "message" {
                said.text = format!("{value:?}");
            } else {
                said.fields.push(format!("{field}={value:?}"));
            }
        });
        self.0.lock().unwrap().push(said);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
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

/// A row of the table that `tests/fault-matrix` prints.
pub fn row(fault: impl fmt::Display, how_often: impl fmt::Display, outcome: impl fmt::Display) {
    println!("| {fault} | {how_often} | {outcome} |");
}

/// A row: after this fault so many runs had come to their values, and the invariants held.
pub fn survived(fault: &str, runs: usize) {
    row(fault, format_args!("{runs} runs"), "survived");
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
