//! Queues from the sender's side: make one, send, and ask what became of a message.

use serde::Serialize;

use crate::{
    payload::{Json, PayloadError},
    store::{
        StoreError,
        queue::{self, MessageStatus},
    },
};

use super::Flow;

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The message cannot be stored.
    #[error("the message for queue `{queue}`: {problem}")]
    Payload {
        /// The queue.
        queue: String,
        /// What is wrong, and where.
        problem: PayloadError,
    },
    /// The database is not there, or has no such queue.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Flow {
    /// Makes a queue of PGMQ where it is missing; where PGMQ is missing, that too: by its extension where the server has
    /// it, else as a subset in SQL of our own with the same names and meanings.
    ///
    /// # Errors
    /// [`StoreError`]; a role that may not create schemas finds what its owner made, and may not make it.
    pub async fn make_queue(&self, name: &str) -> Result<(), StoreError> {
        queue::make_queue(&mut self.client().await?, name).await
    }

    /// Sends a message, as `pgmq.send` does; answers its id.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, queue: &str, message: &impl Serialize) -> Result<i64, SendError> {
        let refuse = |problem| SendError::Payload { queue: queue.into(), problem };
        let message = Json::encode(message).map_err(refuse)?;
        Ok(queue::send(&mut self.client().await?, queue, &message).await?)
    }

    /// What became of the newest message with this id: in its queue, a run, refused with the reason. `None`: it never was, or a reader
    /// deleted it. In SQL: `select * from pgflow.message_2('queue', 17)`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn message(&self, queue: &str, id: i64) -> Result<Option<MessageStatus>, StoreError> {
        queue::message(&mut self.client().await?, queue, id).await
    }
}
