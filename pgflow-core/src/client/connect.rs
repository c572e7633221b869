//! Ways to a [`Flow`].

use std::{
    error::Error,
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
};

use sqlx::{PgPool, postgres::PgConnectOptions};

use crate::{
    embedded::{EmbeddedError, Server, server},
    store::{
        connect::{ConnectError, Endpoint, parse},
        migrate::MigrateError,
    },
};

use super::Flow;

/// The database of the private server that [`embedded`] uses.
pub(super) const EMBEDDED_DATABASE: &str = "pgflow";

/// Why there is no [`Flow`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address is wrong or nobody answers.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// `DATABASE_URL` is wrong, or nobody answers there.
    #[error(transparent)]
    Environment(DatabaseUrlError),
    /// The schema is not what this binary needs.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The private server does not start.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
}

/// What is wrong with `DATABASE_URL`.
#[derive(Debug)]
pub struct DatabaseUrlError(ConnectError);

impl fmt::Display for DatabaseUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DATABASE_URL: {}", self.0)
    }
}

impl Error for DatabaseUrlError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl OpenError {
    fn of_environment(error: ConnectError) -> Self {
        Self::Environment(DatabaseUrlError(error))
    }
}

/// A [`Flow`] to be; await it. Its schema is brought up to date.
#[derive(Debug)]
#[must_use = "nothing is connected before this is awaited"]
pub struct Connect {
    place: Place,
    pooler: bool,
    as_it_is: bool,
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
    Connect::to(Place::Address(url.into()))
}

/// Connects with a pool's options, for a host that has one; the engine opens connections of its own.
pub fn connect_like(pool: &PgPool) -> Connect {
    Connect::to(Place::Options((*pool.connect_options()).clone()))
}

/// Starts, or joins, the private server of this user; its data stays between runs.
pub fn embedded() -> Connect {
    Connect::to(Place::Private)
}

/// Connects to `DATABASE_URL` where it is set, else to the private server.
pub fn from_env() -> Connect {
    Connect::to(Place::Environment)
}

impl Connect {
    fn to(place: Place) -> Self {
        Self { place, pooler: false, as_it_is: false }
    }

    /// Whether the address is that of a transaction pooler, such as `PgBouncer`. Then nothing outlives a transaction:
    /// statements have no names, and notifications are not heard, so that work is found by polling. Each statement costs
    /// four round trips instead of one.
    pub fn pooler(mut self, pooler: bool) -> Self {
        self.pooler = pooler;
        self
    }

    /// Leaves the schema as it is: where it is missing or older, that is an error. For whoever only looks.
    pub fn as_it_is(mut self) -> Self {
        self.as_it_is = true;
        self
    }

    /// Where the database is; the private server, where it is that one, lives as long as what is returned with it.
    pub(super) async fn endpoint(&self) -> Result<(Endpoint, Option<Server>), OpenError> {
        let at = |options| Endpoint { options, pooler: self.pooler };
        let url = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
        Ok(match (&self.place, url) {
            (Place::Address(url), _) => (at(parse(url)?), None),
            (Place::Options(options), _) => (at(options.clone()), None),
            (Place::Environment, Some(url)) => {
                (at(parse(&url).map_err(OpenError::of_environment)?), None)
            }
            (Place::Environment | Place::Private, _) => {
                let server = server().await?;
                server.ensure_database(EMBEDDED_DATABASE).await?;
                (at(server.options(EMBEDDED_DATABASE)), Some(server))
            }
        })
    }

    /// Says of an error to connect that the address was that of the environment, where it was.
    pub(super) fn blame(from_environment: bool, error: OpenError) -> OpenError {
        match error {
            OpenError::Connect(error) if from_environment => OpenError::of_environment(error),
            error => error,
        }
    }

    /// Whether the address is that of the environment; `server` as [`endpoint`](Self::endpoint) gave it.
    pub(super) fn is_from_environment(&self, server: Option<&Server>) -> bool {
        matches!(self.place, Place::Environment) && server.is_none()
    }

    async fn open(self) -> Result<Flow, OpenError> {
        let (endpoint, server) = self.endpoint().await?;
        let from_environment = self.is_from_environment(server.as_ref());
        let flow = Flow::open(endpoint, server, self.as_it_is).await;
        flow.map_err(|error| Self::blame(from_environment, error))
    }
}

impl IntoFuture for Connect {
    type Output = Result<Flow, OpenError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}
