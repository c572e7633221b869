//! The transaction of a `transactional` step.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::{PgConnection, PgPool, Postgres};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

/// Why a step has no transaction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// The step does not ask for one.
    #[error("step `{0}` has no transaction; write `#[step(transactional)]`")]
    NotTransactional(String),
    /// A plain call, or a run in memory.
    #[error(
        "a plain call has no transaction, as it completes nothing; test this step in a durable run"
    )]
    PlainCall,
    /// The database is not there.
    #[error("no transaction can be begun")]
    Database(#[from] sqlx::Error),
}

type Begun = sqlx::Transaction<'static, Postgres>;

/// Where the transaction of an attempt is kept; begun when first asked for.
#[derive(Debug, Clone)]
pub(crate) struct TransactionSlot {
    pool: PgPool,
    begun: Arc<Mutex<Option<Begun>>>,
}

impl TransactionSlot {
    pub fn new(pool: PgPool) -> Self {
        Self { pool, begun: Arc::default() }
    }

    pub async fn open(&self) -> Result<StepTransaction, TransactionError> {
        let mut begun = self.begun.clone().lock_owned().await;
        if begun.is_none() {
            *begun = Some(self.pool.begin().await?);
        }
        OwnedMutexGuard::try_map(begun, Option::as_mut)
            .map(StepTransaction)
            .map_err(|_| TransactionError::Database(sqlx::Error::PoolClosed))
    }

    /// Takes the transaction, where the step began one. An error: somebody still uses it.
    pub fn take(&self) -> Result<Option<Begun>, tokio::sync::TryLockError> {
        Ok(self.begun.try_lock()?.take())
    }
}

/// The connection in whose transaction the completion of the step commits. What the step writes through it is there exactly
/// once; if the step fails it is rolled back. Let go of it before the step returns.
pub struct StepTransaction(OwnedMappedMutexGuard<Option<Begun>, Begun>);

impl Deref for StepTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for StepTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

impl std::fmt::Debug for StepTransaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StepTransaction")
    }
}
