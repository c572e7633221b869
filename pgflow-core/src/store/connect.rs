//! Connections of the engine's own: named, with a timeout on every statement, and planned for tables that are empty when
//! first seen.

use std::{str::FromStr, time::Duration};

use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};

use super::{During, StoreError};

/// How long one statement of the engine may take. Recovery sweeps for longer than this after a worker's death.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

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
pub fn describe(options: &PgConnectOptions) -> String {
    let place = match options.get_socket() {
        Some(path) => path.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!(
        "Postgres at {place}, database `{}`",
        options.get_database().unwrap_or(options.get_username())
    )
}

/// Options for the engine's own connections. `role` shows in `pg_stat_activity`.
pub fn engine(options: &PgConnectOptions, role: &str) -> PgConnectOptions {
    let timeout = STATEMENT_TIMEOUT.as_millis().to_string();
    options
        .clone()
        .application_name(&format!("pgflow {role}"))
        .options([
            ("statement_timeout", timeout.as_str()),
            // a table that is empty when first planned must not be read sequentially for ever after
            ("enable_seqscan", "off"),
            // which makes small scans look dear enough to compile
            ("jit", "off"),
            ("plan_cache_mode", "force_generic_plan"),
        ])
        .disable_statement_logging()
}

/// Options for statements of the host's, which plan as everywhere else.
pub fn plain(options: &PgConnectOptions, role: &str) -> PgConnectOptions {
    options.clone().application_name(&format!("pgflow {role}")).disable_statement_logging()
}

/// Opens one connection for the engine.
///
/// # Errors
/// Whatever the driver says.
pub async fn open(options: &PgConnectOptions, role: &str) -> Result<PgConnection, StoreError> {
    engine(options, role).connect().await.during("accept a connection")
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
