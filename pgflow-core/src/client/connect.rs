//! Ways to a [`Flow`].

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
};

use sqlx::{PgPool, postgres::PgConnectOptions};

use crate::{
    embedded::{EmbeddedError, server},
    store::{
        connect::{ConnectError, Endpoint, parse},
        migrate::MigrateError,
    },
};

use super::Flow;

/// The database of the private server that [`embedded`] uses.
const EMBEDDED_DATABASE: &str = "pgflow";

/// Why there is no [`Flow`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address is wrong or nobody answers.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// `DATABASE_URL` is wrong.
    #[error("DATABASE_URL: {0}")]
    Environment(ConnectError),
    /// The schema is not what this binary needs.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The private server does not start.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
}

/// A [`Flow`] to be; await it. Its schema is brought up to date.
#[derive(Debug)]
#[must_use = "nothing is connected before this is awaited"]
pub struct Connect {
    place: Place,
    pooler: bool,
}

#[derive(Debug)]
enum Place {
    Address(String),
    Options(PgConnectOptions),
    Private,
    Environment,
}

/// Connects to a Postgres.
pub fn connect(url: &str) -> Connect {
    Connect { place: Place::Address(url.into()), pooler: false }
}

/// Connects with a pool's options, for a host that has one; the engine opens connections of its own.
pub fn connect_like(pool: &PgPool) -> Connect {
    Connect { place: Place::Options((*pool.connect_options()).clone()), pooler: false }
}

/// Starts, or joins, the private server of this user; its data stays between runs.
pub fn embedded() -> Connect {
    Connect { place: Place::Private, pooler: false }
}

/// Connects to `DATABASE_URL` where it is set, else to the private server.
pub fn from_env() -> Connect {
    Connect { place: Place::Environment, pooler: false }
}

impl Connect {
    /// Whether the address is that of a transaction pooler, such as `PgBouncer`. Then nothing outlives a transaction:
    /// statements have no names, and notifications are not heard, so that work is found by polling. Each statement costs
    /// four round trips instead of one.
    pub fn pooler(mut self, pooler: bool) -> Self {
        self.pooler = pooler;
        self
    }

    async fn open(self) -> Result<Flow, OpenError> {
        let pooler = self.pooler;
        let at = |options| Endpoint { options, pooler };
        match self.place {
            Place::Address(url) => Flow::open(at(parse(&url)?), None).await,
            Place::Options(options) => Flow::open(at(options), None).await,
            Place::Private => {
                let server = server().await?;
                server.ensure_database(EMBEDDED_DATABASE).await?;
                Flow::open(at(server.options(EMBEDDED_DATABASE)), Some(server)).await
            }
            Place::Environment => match std::env::var("DATABASE_URL") {
                Ok(url) if !url.is_empty() => {
                    let options = parse(&url).map_err(OpenError::Environment)?;
                    Flow::open(at(options), None).await.map_err(|e| match e {
                        OpenError::Connect(e) => OpenError::Environment(e),
                        e => e,
                    })
                }
                _ => Box::pin(embedded().pooler(pooler).open()).await,
            },
        }
    }
}

impl IntoFuture for Connect {
    type Output = Result<Flow, OpenError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}
