//! The private Postgres: finds the installed programs, starts one server per user and shares it between processes.
//!
//! Every process that uses the server holds a shared lock on one file for as long as it does; starting and stopping
//! happen behind a second lock, the gate. The last to leave stops the server. A user that was killed leaves it
//! running, and the next one uses it again. Downloading Postgres is absent on purpose.

mod account;
mod binaries;
mod control;
mod databases;
mod error;
mod layout;
mod lock;
mod postmaster;

use std::{error::Error, sync::Arc, time::Duration};

use sqlx::postgres::PgConnectOptions;

pub use self::error::EmbeddedError;
use self::{
    account::Account,
    binaries::{Binaries, SUPPORTED},
    control::Control,
    layout::{Environment, Layout},
    lock::Seat,
};

/// The private server of this user. Cheap to clone; the server is kept for as long as a clone lives.
///
/// Dropping the last clone of the last process stops the server, and blocks until it has stopped.
#[derive(Debug, Clone)]
pub struct Server(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    layout: Layout,
    seat: Seat,
    account: Account,
    environment: Environment,
}

/// Starts the private server of this user, or joins it where it runs.
///
/// # Errors
/// Where no supported Postgres is installed, its data directory cannot be made, or it does not start.
///
/// # Cancellation
/// A start that is under way goes on; the next call finds the server running.
pub async fn server() -> Result<Server, EmbeddedError> {
    let environment = Environment::read();
    let uid = account::effective_uid()?;
    let base = environment.base(uid)?;
    if environment.binaries.is_none() {
        for major in SUPPORTED.rev() {
            let layout = Layout::new(base.clone(), major);
            if layout.pid_file().exists()
                && let Some(server) = open(&environment, layout, uid, None).await?
            {
                return Ok(server);
            }
        }
    }
    let wanted = environment.clone();
    let binaries = blocking(move || Binaries::find(&wanted)).await?;
    let layout = Layout::new(base, binaries.major());
    open(&environment, layout, uid, Some(binaries)).await?.ok_or(EmbeddedError::NoAnswer)
}

/// Joins the server of `layout`, or starts it where `binaries` are given. `None` where it does not run.
async fn open(
    environment: &Environment,
    layout: Layout,
    uid: u32,
    binaries: Option<Binaries>,
) -> Result<Option<Server>, EmbeddedError> {
    let account = Account::choose(uid, &layout)?;
    let place = layout.clone();
    let (seat, mut gate) = blocking(move || Seat::take(&place)).await?;
    // behind the gate: who makes the directory gives it away a moment later
    account.check_owned(&layout.socket())?;
    if !databases::answers(&layout.options("postgres")).await? {
        let Some(binaries) = binaries else { return Ok(None) };
        let control = Control::new(&layout, &account, binaries, &environment.options);
        gate = blocking(move || control.start().map(|()| gate)).await?;
        if !databases::answers(&layout.options("postgres")).await? {
            return Err(EmbeddedError::NoAnswer);
        }
    }
    drop(gate);
    let environment = environment.clone();
    Ok(Some(Server(Arc::new(Inner { layout, seat, account, environment }))))
}

impl Server {
    /// How to connect to a database of this server.
    pub fn options(&self, database: &str) -> PgConnectOptions {
        self.0.layout.options(database)
    }

    /// A `DATABASE_URL` for a database of this server, as sqlx and psql understand it.
    pub fn url(&self, database: &str) -> String {
        self.0.layout.url(database)
    }

    /// Makes the database where it is missing. Any number of processes may ask at once.
    ///
    /// # Errors
    /// Where the name is empty or longer than 63 bytes, or Postgres refuses.
    pub async fn ensure_database(&self, name: &str) -> Result<(), EmbeddedError> {
        databases::ensure(&self.options("postgres"), name).await
    }

    /// Makes a database as a copy of `template`, after waiting for a [`Server::with_template`] of it under way.
    ///
    /// # Errors
    /// Where the database exists or the template does not, or a name is empty or longer than 63 bytes.
    pub async fn create_from_template(
        &self,
        name: &str,
        template: &str,
    ) -> Result<(), EmbeddedError> {
        databases::copy(&self.options("postgres"), name, template).await
    }

    /// The databases whose names begin so and which were made longer ago than `age`.
    ///
    /// # Errors
    /// Where Postgres refuses.
    pub async fn databases_made_before(
        &self,
        prefix: &str,
        age: Duration,
    ) -> Result<Vec<String>, EmbeddedError> {
        databases::made_before(&self.options("postgres"), prefix, age).await
    }

    /// Drops the database where it exists, and disconnects whoever uses it.
    ///
    /// # Errors
    /// Where Postgres refuses: the database is a template, for example.
    pub async fn drop_database(&self, name: &str) -> Result<(), EmbeddedError> {
        databases::remove(&self.options("postgres"), name).await
    }

    /// Makes the database `template` with `prepare` unless it is there, once per server: whoever asks meanwhile, in
    /// this process or another, waits. A finished template takes no connections; one left half made is made again.
    ///
    /// # Errors
    /// What `prepare` returned, as [`EmbeddedError::Template`], or where Postgres refuses.
    pub async fn with_template<E>(
        &self,
        template: &str,
        prepare: impl AsyncFnOnce(PgConnectOptions) -> Result<(), E>,
    ) -> Result<(), EmbeddedError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let target = self.options(template);
        databases::template(&self.options("postgres"), template, async || prepare(target).await)
            .await
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let stopped = self.seat.leave(|| {
            if !self.layout.pid_file().exists() {
                return Ok(());
            }
            let binaries = Binaries::find(&self.environment)?;
            Control::new(&self.layout, &self.account, binaries, &self.environment.options).stop()
        });
        if let Err(error) = stopped {
            tracing::warn!(%error, "the private postgres was left running");
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EmbeddedError> + Send + 'static,
) -> Result<T, EmbeddedError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| EmbeddedError::Interrupted)?
}
