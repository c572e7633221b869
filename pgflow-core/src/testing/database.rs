//! A database for each test, on the private Postgres.

use std::{
    io,
    path::Path,
    process,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;
use tokio::sync::OnceCell;

use crate::{
    client::{Flow, OpenError, connect},
    embedded::{EmbeddedError, Server, server},
    store::{
        StoreError,
        connect::Endpoint,
        migrate::{digest, migrate},
    },
};

use super::Clock;

/// With the id of the process and a number behind it.
const PREFIX: &str = "pgflow_test_";
/// How long what a failed test or a killed process left may be looked at.
const KEPT: Duration = Duration::from_hours(1);

/// A database of a test's own, with the schema in it: copied in milliseconds from a template that the first process
/// makes, so that threads of `cargo test` and processes of nextest each have theirs. The template is made anew when the
/// schema changes.
///
/// Dropped with the value, and whoever is still connected with it. Where the test panics, it stays and its address is
/// printed; the next test process drops what is older than an hour.
///
/// ```no_run
/// # use std::convert::Infallible;
/// use pgflow::{step, testing, workflow};
///
/// #[step]
/// async fn double(n: u32) -> Result<u32, Infallible> {
///     Ok(n * 2)
/// }
/// #[workflow]
/// async fn doubled(n: u32) -> Result<u32, Infallible> {
///     double(n).await
/// }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let db = testing::Database::new().await?;
/// let flow = db.flow().await?;
/// let _worker = flow.worker().spawn().await?;
/// assert_eq!(flow.start::<doubled>(4).await?.output().await?, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
}

impl Database {
    /// A fresh one. The first of a process starts the private Postgres or joins it, as [`embedded`](crate::client::embedded)
    /// does.
    ///
    /// # Errors
    /// Where there is no Postgres or it refuses.
    pub async fn new() -> Result<Self, EmbeddedError> {
        static SERVER: OnceCell<Server> = OnceCell::const_new();
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let server = SERVER.get_or_try_init(prepare).await?.clone();
        let name = format!("{PREFIX}{}_{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        server.create_from_template(&name, &template()).await?;
        Ok(Self { server, name })
    }

    /// Connects to it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn flow(&self) -> Result<Flow, OpenError> {
        connect(&self.url()).await
    }

    /// Its address, for [`connect`](crate::client::connect), sqlx and psql.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// How to connect to it with sqlx, to look, and to make tables of the test's own.
    pub fn options(&self) -> PgConnectOptions {
        self.server.options(&self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// From now on time in this database is what its [`Clock`] says.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn virtual_time(&self) -> Result<Clock, StoreError> {
        Clock::install(Endpoint { options: self.options(), pooler: false }).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the database of this test stays for an hour: psql '{}'", self.url());
            return;
        }
        let (server, name) = (self.server.clone(), self.name.clone());
        // a runtime of its own: this may be the end of the test's
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(server.drop_database(&name)).map_err(io::Error::other)
        });
        if !matches!(dropped.join(), Ok(Ok(()))) {
            tracing::warn!(database = self.name, "a test's database stays for an hour");
        }
    }
}

/// The template belongs to its schema: other migrations, another template.
fn template() -> String {
    format!("pgflow_template_{}", digest())
}

async fn prepare() -> Result<Server, EmbeddedError> {
    let server = server().await?;
    for name in server.databases_made_before(PREFIX, KEPT).await? {
        let process = name[PREFIX.len()..].split('_').next().unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            // another process may be at it
            let _ = server.drop_database(&name).await;
        }
    }
    server.with_template(&template(), with_schema).await?;
    Ok(server)
}

async fn with_schema(options: PgConnectOptions) -> Result<(), OpenError> {
    let mut connection = Endpoint { options, pooler: false }.first().await?;
    migrate(&mut connection).await?;
    let _ = connection.close().await;
    Ok(())
}
