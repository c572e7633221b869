//! How the engine reaches its database: connections that are named, with a timeout on every statement, and planned for
//! tables that are empty when first seen.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Connection, During, StoreError};

/// How long one statement of the engine may take. Recovery sweeps for longer than this after a worker's death.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a transaction of the engine may wait for its process: one that is frozen while it registers must not keep
/// others from it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// What poolers answer to parameters that they do not know.
const PROTOCOL_VIOLATION: &str = "08P01";

/// Why there is no connection to begin with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address cannot be read.
    #[error(
        "`{url}` is not a Postgres address ({problem}); write postgres://user:password@host:port/database"
    )]
    Address {
        /// The address, without its password.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Who answers knows no settings of a session.
    #[error(
        "{server} refuses the settings of a session, as a transaction pooler does; connect with `.pooler(true)`"
    )]
    Pooler {
        /// Host, port and database.
        server: String,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// Nobody answers, or the server refuses.
    #[error(
        "cannot connect to {server}; check that Postgres runs there and that user, password and database are right"
    )]
    Refused {
        /// Host, port and database.
        server: String,
        /// The driver's error.
        source: sqlx::Error,
    },
}

/// Reads an address.
///
/// # Errors
/// [`ConnectError::Address`], with the password left out.
pub fn parse(url: &str) -> Result<PgConnectOptions, ConnectError> {
    let fail = |problem: String| ConnectError::Address { url: without_password(url), problem };
    if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
        return Err(fail("it does not begin with postgres://".into()));
    }
    PgConnectOptions::from_str(url).map_err(|e| fail(e.to_string()))
}

fn without_password(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else { return url.into() };
    match before.split_once("://") {
        Some((scheme, user)) => {
            format!("{scheme}://{}:…@{host}", user.split(':').next().unwrap_or_default())
        }
        None => format!("…@{host}"),
    }
}

/// Host, port and database, for messages.
fn describe(options: &PgConnectOptions) -> String {
    let place = match options.get_socket() {
        Some(path) => path.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!(
        "Postgres at {place}, database `{}`",
        options.get_database().unwrap_or(options.get_username())
    )
}

/// Where the database is, and whether a transaction pooler stands before it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The address, as the host gave it.
    pub options: PgConnectOptions,
    /// Connections are a pooler's, which gives each transaction another of the server's.
    pub pooler: bool,
}

impl Endpoint {
    /// Opens one connection for the engine. `role` shows in `pg_stat_activity`.
    ///
    /// # Errors
    /// Whatever the driver says.
    pub async fn open(&self, role: &str) -> Result<Connection<'static>, StoreError> {
        let opened = self.engine(role).connect().await.during("accept a connection")?;
        Ok(Connection::own(opened, self.pooler))
    }

    /// Opens the first connection, and says what may be wrong where there is none.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn first(&self) -> Result<Connection<'static>, ConnectError> {
        let server = || describe(&self.options);
        self.open("client").await.map_err(|StoreError { source, .. }| match &source {
            sqlx::Error::Database(e) if e.code().as_deref() == Some(PROTOCOL_VIOLATION) => {
                ConnectError::Pooler { server: server(), source }
            }
            _ => ConnectError::Refused { server: server(), source },
        })
    }

    /// A pool that opens at most `size` connections, when they are wanted.
    pub fn pool(&self, role: &str, size: u32) -> PgPool {
        PgPoolOptions::new().max_connections(size).connect_lazy_with(self.engine(role))
    }

    /// The same for statements of the host's, which are planned as everywhere else.
    pub fn host_pool(&self, role: &str, size: u32) -> PgPool {
        let options = self.options.clone().application_name(&format!("pgflow {role}"));
        let options = if self.pooler {
            options.extra_float_digits(None).statement_cache_capacity(0)
        } else {
            options
        };
        let options = options.disable_statement_logging();
        PgPoolOptions::new().max_connections(size).connect_lazy_with(options)
    }

    fn engine(&self, role: &str) -> PgConnectOptions {
        let options = self.options.clone().application_name(&format!("pgflow {role}"));
        let options = if self.pooler {
            // poolers refuse parameters of a session that they do not know
            options.extra_float_digits(None)
        } else {
            let timeout = STATEMENT_TIMEOUT.as_millis().to_string();
            let idle = IDLE_TIMEOUT.as_millis().to_string();
            options.options([
                // a function or operator that somebody else made there may fit better than what Postgres has
                ("search_path", "pg_catalog"),
                ("statement_timeout", timeout.as_str()),
                ("idle_in_transaction_session_timeout", idle.as_str()),
                // a table that is empty when first planned must not be read sequentially for ever after
                ("enable_seqscan", "off"),
                // which makes small scans look dear enough to compile
                ("jit", "off"),
                ("plan_cache_mode", "force_generic_plan"),
            ])
        };
        options.disable_statement_logging()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_address_is_named_without_its_password() {
        let text = parse("postgre://me:secret@localhost/db").unwrap_err().to_string();
        assert!(
            text.starts_with("`postgre://me:…@localhost/db` is not a Postgres address"),
            "{text}"
        );
        let text = parse("postgres://me:secret@localhost:54x2/db").unwrap_err().to_string();
        assert!(
            text.contains("postgres://me:…@localhost:54x2/db") && !text.contains("secret"),
            "{text}"
        );
    }
}
