//! What statements go through: a connection of the engine's own, one behind a transaction pooler, or a transaction.
//!
//! A transaction pooler gives each transaction another server connection, and the driver sends a statement in two parts
//! (parse, then bind) with a commit between them. So behind a pooler every statement is in a transaction of its own, and
//! in any transaction statements have no name: one that stays would meet somebody else's of the same name.

use std::fmt;

use futures_util::{
    FutureExt, StreamExt, TryStreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use sqlx::{
    Connection as _, Database, Describe, Either, Error, Execute, Executor, PgConnection, PgPool,
    Postgres, SqlStr, Transaction, error::BoxDynError, pool::PoolConnection, postgres::PgTypeInfo,
};

use super::{During, StoreError};

/// Begins a transaction behind a pooler, with what other connections are opened with.
const BEGIN: &str = "begin; set local search_path = pg_catalog; set local statement_timeout = 60000; \
                     set local idle_in_transaction_session_timeout = 10000; set local enable_seqscan = off; set local jit = off; \
                     set local plan_cache_mode = force_generic_plan";

/// What statements of the engine go through.
pub struct Connection<'c> {
    to: To<'c>,
    pooler: bool,
}

enum To<'c> {
    Own(PgConnection),
    Pool(PoolConnection<Postgres>),
    Transaction(&'c mut PgConnection),
}

impl Connection<'static> {
    /// One of the engine's own.
    pub(super) fn own(connection: PgConnection, pooler: bool) -> Self {
        Self { to: To::Own(connection), pooler }
    }

    /// One of a pool, until it is dropped.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lent(pool: &PgPool, pooler: bool) -> Result<Self, StoreError> {
        let connection = pool.acquire().await.during("accept a connection")?;
        Ok(Self { to: To::Pool(connection), pooler })
    }
}

impl<'c> Connection<'c> {
    /// A transaction that somebody else began and will end.
    pub fn within(transaction: &'c mut PgConnection) -> Self {
        Self { to: To::Transaction(transaction), pooler: false }
    }

    /// The driver's connection: statements on it are neither named nor put in a transaction here.
    pub fn driver(&mut self) -> &mut PgConnection {
        match &mut self.to {
            To::Own(connection) => connection,
            To::Pool(connection) => connection,
            To::Transaction(connection) => connection,
        }
    }

    /// Begins a transaction, for [`Connection::within`].
    ///
    /// # Errors
    /// Whatever the driver says.
    pub async fn begin(&mut self) -> Result<Transaction<'_, Postgres>, Error> {
        if self.pooler {
            self.driver().begin_with(BEGIN).await
        } else {
            self.driver().begin().await
        }
    }

    /// Says goodbye to the server.
    ///
    /// # Errors
    /// Whatever the driver says.
    pub async fn close(self) -> Result<(), Error> {
        match self.to {
            To::Own(connection) => connection.close().await,
            To::Pool(connection) => connection.close().await,
            To::Transaction(_) => Ok(()),
        }
    }

    /// Runs a statement in a transaction of its own.
    async fn alone<'q, E: Execute<'q, Postgres> + 'q>(
        &mut self,
        query: E,
    ) -> Result<Vec<Answer>, Error> {
        let mut tx = self.begin().await?;
        match tx.fetch_many(Unnamed(query)).try_collect().await {
            Ok(answers) => tx.commit().await.map(|()| answers),
            Err(error) => {
                // a pooler keeps a server connection for it until then
                let _ = tx.rollback().await;
                Err(error)
            }
        }
    }
}

type Answer = Either<<Postgres as Database>::QueryResult, <Postgres as Database>::Row>;

impl<'c> Executor<'c> for &'c mut Connection<'_> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Answer, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        match &self.to {
            To::Transaction(_) => self.driver().fetch_many(Unnamed(query)),
            _ if self.pooler => {
                let answers =
                    async { self.alone(query).await.map(|all| stream::iter(all).map(Ok)) };
                answers.into_stream().try_flatten().boxed()
            }
            _ => self.driver().fetch_many(query),
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<<Postgres as Database>::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        match &self.to {
            To::Transaction(_) => self.driver().fetch_optional(Unnamed(query)),
            _ if self.pooler => {
                let first = |all: Vec<Answer>| all.into_iter().find_map(Either::right);
                async move { self.alone(query).await.map(first) }.boxed()
            }
            _ => self.driver().fetch_optional(query),
        }
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<<Postgres as Database>::Statement, Error>>
    where
        'c: 'e,
    {
        self.driver().prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'c: 'e,
    {
        self.driver().describe(sql)
    }
}

/// A statement that gets no name.
struct Unnamed<E>(E);

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Unnamed<E> {
    fn sql(self) -> SqlStr {
        self.0.sql()
    }

    fn statement(&self) -> Option<&<Postgres as Database>::Statement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<<Postgres as Database>::Arguments>, BoxDynError> {
        self.0.take_arguments()
    }

    fn persistent(&self) -> bool {
        false
    }
}

impl fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("pooler", &self.pooler).finish_non_exhaustive()
    }
}
