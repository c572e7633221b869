//! The databases of the private server. `create database` and its like take no parameters, so names are quoted here.

use std::{error::Error, io::ErrorKind, time::Duration};

use sqlx::{
    AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions, query, query_scalar,
};
use tokio::time::{Instant, sleep, timeout};

use super::error::EmbeddedError;

/// A server that was killed recovers first, and takes connections only then.
const ANSWER_MAX: Duration = Duration::from_mins(2);
const ANSWER_POLL: Duration = Duration::from_millis(20);
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// The longest name that Postgres does not cut.
const NAME_MAX: usize = 63;

const CANNOT_CONNECT_NOW: &str = "57P03";
/// The second is what two that create at once may see.
const EXISTS: [&str; 2] = ["42P04", "23505"];

/// Whether a server takes connections; waits for one that is starting or stopping.
pub(super) async fn answers(maintenance: &PgConnectOptions) -> Result<bool, EmbeddedError> {
    let deadline = Instant::now() + ANSWER_MAX;
    loop {
        match timeout(CONNECT_MAX, PgConnection::connect_with(maintenance)).await {
            Ok(Ok(connection)) => {
                // It answered; how the farewell goes does not matter.
                let _ = connection.close().await;
                return Ok(true);
            }
            Ok(Err(error)) if is_absent(&error) => return Ok(false),
            Ok(Err(error)) if !is_passing(&error) => return refused(error),
            _ if Instant::now() > deadline => return Err(EmbeddedError::NoAnswer),
            _ => sleep(ANSWER_POLL).await,
        }
    }
}

fn is_absent(error: &sqlx::Error) -> bool {
    use ErrorKind::{ConnectionRefused, NotFound};
    matches!(error, sqlx::Error::Io(error) if matches!(error.kind(), NotFound | ConnectionRefused))
}

/// Whether the server is on its way up or down.
fn is_passing(error: &sqlx::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof, WouldBlock};
    match error {
        sqlx::Error::Io(error) => {
            matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof | WouldBlock)
        }
        sqlx::Error::Database(error) => error.code().as_deref() == Some(CANNOT_CONNECT_NOW),
        _ => false,
    }
}

/// Who is refused by name or number (`too many connections`) has reached a server.
fn refused(error: sqlx::Error) -> Result<bool, EmbeddedError> {
    match error {
        sqlx::Error::Database(_) => Ok(true),
        error => Err(failed("connect to", "postgres")(error)),
    }
}

pub(super) async fn ensure(
    maintenance: &PgConnectOptions,
    name: &str,
) -> Result<(), EmbeddedError> {
    let mut session = Session::open(maintenance, name).await?;
    match session.run("create", &format!("create database {}", quoted(name))).await {
        Err(EmbeddedError::Database { source: sqlx::Error::Database(error), .. })
            if error.code().is_some_and(|code| EXISTS.contains(&&*code)) =>
        {
            Ok(())
        }
        other => other,
    }
}

pub(super) async fn copy(
    maintenance: &PgConnectOptions,
    name: &str,
    template: &str,
) -> Result<(), EmbeddedError> {
    check_name(template)?;
    let mut session = Session::open(maintenance, name).await?;
    session.lock("select pg_advisory_lock_shared(hashtextextended($1, 0))", template).await?;
    let create = format!("create database {} template {}", quoted(name), quoted(template));
    session.run("create", &create).await
}

/// Databases whose names begin so and which were made longer ago than `age`.
pub(super) async fn made_before(
    maintenance: &PgConnectOptions,
    prefix: &str,
    age: Duration,
) -> Result<Vec<String>, EmbeddedError> {
    let mut session = Session::open(maintenance, prefix).await?;
    query_scalar(
        "select datname::text from pg_database where starts_with(datname, $1) and not datistemplate \
         and (pg_stat_file('base/' || oid || '/PG_VERSION', true)).modification < now() - $2 * interval '1 second'",
    )
    .bind(prefix)
    .bind(age.as_secs_f64())
    .fetch_all(&mut session.connection)
    .await
    .map_err(failed("list", prefix))
}

pub(super) async fn remove(
    maintenance: &PgConnectOptions,
    name: &str,
) -> Result<(), EmbeddedError> {
    Session::open(maintenance, name).await?.drop_database().await
}

/// A template is finished when it says `is_template`; it takes no connections then, which would block its copies.
pub(super) async fn template<E: Into<Box<dyn Error + Send + Sync>>>(
    maintenance: &PgConnectOptions,
    name: &str,
    prepare: impl AsyncFnOnce() -> Result<(), E>,
) -> Result<(), EmbeddedError> {
    let mut session = Session::open(maintenance, name).await?;
    session.lock("select pg_advisory_lock(hashtextextended($1, 0))", name).await?;
    if session.is_finished_template().await? {
        return Ok(());
    }
    session.drop_database().await?;
    session.run("create", &format!("create database {}", quoted(name))).await?;
    if let Err(error) = prepare().await {
        session.drop_database().await?;
        return Err(EmbeddedError::Template { name: name.to_owned(), source: error.into() });
    }
    session.finish_template().await
}

/// A connection about one database, made to another. Ends its locks with itself.
struct Session<'a> {
    connection: PgConnection,
    name: &'a str,
}

impl<'a> Session<'a> {
    async fn open(maintenance: &PgConnectOptions, name: &'a str) -> Result<Self, EmbeddedError> {
        check_name(name)?;
        let connection =
            PgConnection::connect_with(maintenance).await.map_err(failed("connect for", name))?;
        Ok(Self { connection, name })
    }

    async fn run(&mut self, action: &'static str, statement: &str) -> Result<(), EmbeddedError> {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(failed(action, self.name))
    }

    async fn lock(&mut self, statement: &'static str, on: &str) -> Result<(), EmbeddedError> {
        let locked = query(statement).bind(on).execute(&mut self.connection).await;
        locked.map(drop).map_err(failed("lock", on))
    }

    async fn drop_database(&mut self) -> Result<(), EmbeddedError> {
        let drop = format!("drop database if exists {} with (force)", quoted(self.name));
        self.run("drop", &drop).await
    }

    async fn is_finished_template(&mut self) -> Result<bool, EmbeddedError> {
        query_scalar("select exists (select from pg_database where datname = $1 and datistemplate)")
            .bind(self.name)
            .fetch_one(&mut self.connection)
            .await
            .map_err(failed("look for", self.name))
    }

    async fn finish_template(&mut self) -> Result<(), EmbeddedError> {
        let name = quoted(self.name);
        let close = format!("alter database {name} with is_template true allow_connections false");
        self.run("finish", &close).await?;
        query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1")
            .bind(self.name)
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(failed("finish", self.name))
    }
}

fn failed(action: &'static str, name: &str) -> impl FnOnce(sqlx::Error) -> EmbeddedError {
    let name = name.to_owned();
    move |source| EmbeddedError::Database { action, name, source }
}

fn check_name(name: &str) -> Result<(), EmbeddedError> {
    let fits = (1..=NAME_MAX).contains(&name.len()) && !name.contains('\0');
    if fits { Ok(()) } else { Err(EmbeddedError::DatabaseName(name.to_owned())) }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_postgres_would_cut_or_refuse_are_refused() {
        for name in ["", "nul\0", &"n".repeat(64)] {
            assert!(matches!(check_name(name), Err(EmbeddedError::DatabaseName(_))), "{name:?}");
        }
        assert!(check_name(&"n".repeat(63)).is_ok());
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
