//! Acting on runs under way: signals, pause and resume.

use std::time::Duration;

use serde::Serialize;

use crate::{
    payload::{Json, PayloadError},
    store::{
        RunId, StoreError,
        act::{self, Answer},
    },
    traits::Workflow,
};

use super::{Flow, Run};

/// Runs that one transaction removes.
const PRUNED_AT_ONCE: i32 = 1_000;

/// Why nothing was done to a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// There is no such run.
    #[error("there is no run {0}")]
    Unknown(RunId),
    /// It is over.
    #[error("run {0} has ended; nothing can be done to it any more")]
    Ended(RunId),
    /// Its workflow waits for no such signal.
    #[error("the workflow of run {run} waits for no signal `{signal}`; it waits for {known}")]
    NoSuchSignal {
        /// The run.
        run: RunId,
        /// The name.
        signal: String,
        /// The signals that it waits for.
        known: String,
    },
    /// The signal was sent before with another payload, which stays.
    #[error(
        "signal `{signal}` was sent to run {run} before, with another payload; the first one stays"
    )]
    OtherPayload {
        /// The run.
        run: RunId,
        /// The name.
        signal: String,
    },
    /// The payload cannot be stored.
    #[error("the payload of signal `{signal}`: {problem}")]
    Payload {
        /// The name.
        signal: String,
        /// What is wrong, and where.
        problem: PayloadError,
    },
    /// The database is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Flow {
    /// Sends a signal to a run; `actor` is written down with it. It is kept whether or not the run waits for it already,
    /// and the first of a name wins. `false`: it was sent before with an equal payload.
    ///
    /// # Errors
    /// See [`ActionError`].
    pub async fn signal(
        &self,
        run: RunId,
        name: &str,
        payload: &impl Serialize,
        actor: &str,
    ) -> Result<bool, ActionError> {
        let payload = Json::encode(payload)
            .map_err(|problem| ActionError::Payload { signal: name.into(), problem })?;
        self.signal_encoded(run, name, &payload, actor).await
    }

    pub(crate) async fn signal_encoded(
        &self,
        run: RunId,
        name: &str,
        payload: &Json,
        actor: &str,
    ) -> Result<bool, ActionError> {
        let mut connection = self.client().await?;
        let answer = act::signal(&mut connection, run, name, payload, actor).await?;
        match answer {
            Answer::Unknown => Err(ActionError::Unknown(run)),
            Answer::Ended => Err(ActionError::Ended(run)),
            Answer::Other => Err(ActionError::OtherPayload { run, signal: name.into() }),
            Answer::Nobody => {
                let known = act::signals(&mut connection, run).await?;
                let known: Vec<String> = known.iter().map(|s| format!("`{s}`")).collect();
                let known = if known.is_empty() { "none".into() } else { known.join(", ") };
                Err(ActionError::NoSuchSignal { run, signal: name.into(), known })
            }
            Answer::Same => Ok(false),
            Answer::Done => Ok(true),
        }
    }

    /// Lets a run and its children stand still: attempts under way finish, nothing else begins, and its deadline waits.
    /// `false`: it was paused already.
    ///
    /// # Errors
    /// See [`ActionError`].
    pub async fn pause(&self, run: RunId, actor: &str) -> Result<bool, ActionError> {
        let mut connection = self.client().await?;
        let answer = act::pause(&mut connection, run, actor).await?;
        done(run, answer)
    }

    /// Lets a paused run go on; its deadline moves by the pause. `false`: it was not paused.
    ///
    /// # Errors
    /// See [`ActionError`].
    pub async fn resume(&self, run: RunId, actor: &str) -> Result<bool, ActionError> {
        let mut connection = self.client().await?;
        let answer = act::resume(&mut connection, run, actor).await?;
        done(run, answer)
    }

    /// Removes runs that ended `age` ago or earlier, with their history and keys, in small transactions, each of which is written
    /// down with `actor`; never one that is under way, nor a child of one. Then what else is as old: counts, alerts that
    /// were cleared, what was done to runs that are gone. Answers how many runs. The role must own the schema.
    ///
    /// # Errors
    /// [`StoreError`]; what was removed before it stays removed.
    pub async fn prune(&self, age: Duration, actor: &str) -> Result<u64, StoreError> {
        let mut connection = self.client().await?;
        let mut removed = 0;
        loop {
            let batch = act::prune(&mut connection, age, PRUNED_AT_ONCE, actor).await?;
            removed += batch;
            if batch < PRUNED_AT_ONCE.unsigned_abs().into() {
                break;
            }
        }
        act::prune_rest(&mut connection, age).await?;
        Ok(removed)
    }
}

fn done(run: RunId, answer: Answer) -> Result<bool, ActionError> {
    match answer {
        Answer::Unknown => Err(ActionError::Unknown(run)),
        Answer::Done => Ok(true),
        Answer::Same => Ok(false),
        Answer::Ended | Answer::Other | Answer::Nobody => Err(ActionError::Ended(run)),
    }
}

impl<W: Workflow> Run<W> {
    /// Sends the run a signal; see [`Flow::signal`].
    ///
    /// # Errors
    /// See [`ActionError`].
    pub async fn signal(
        &self,
        name: &str,
        payload: &impl Serialize,
        actor: &str,
    ) -> Result<bool, ActionError> {
        self.flow.signal(self.id, name, payload, actor).await
    }
}
