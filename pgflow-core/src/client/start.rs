//! Starting runs.

use std::{
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use crate::{
    payload::{INPUT_MAX, Json, PayloadError},
    registry::{RegistryError, Version, head_start},
    store::{
        Connection, RunId, StoreError,
        start::{StartOptions, Started, start},
    },
    trace::TraceParent,
    traits::Workflow,
};

use super::{Caller, Flow, Run};

/// The longest idempotency key, in bytes.
const KEY_MAX: usize = 512;

/// Why a run was not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The input cannot be stored, or would not be read back.
    #[error("the input of `{workflow}`: {problem}")]
    Input {
        /// The workflow.
        workflow: &'static str,
        /// What is wrong, and where.
        problem: PayloadError,
    },
    /// The input is too large.
    #[error(
        "the input of `{workflow}` has {size} bytes, more than the limit of {INPUT_MAX}; store it elsewhere and pass where"
    )]
    TooLarge {
        /// The workflow.
        workflow: &'static str,
        /// Its size in bytes.
        size: usize,
    },
    /// The key cannot be stored.
    #[error(
        "an idempotency key has 1 to {KEY_MAX} bytes and no NUL character; this one has {0} bytes"
    )]
    Key(usize),
    /// The key belongs to a run with another input.
    #[error(
        "key `{key}` belongs to run {run} with another input; use another key, or wait for that run"
    )]
    OtherInput {
        /// The key.
        key: String,
        /// The run that has it.
        run: RunId,
    },
    /// Something is wrong with the workflow.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The database is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A run to be; await it.
#[must_use = "a run is started when this is awaited"]
pub struct Start<'c, W: Workflow> {
    flow: Flow,
    input: W::Input,
    key: Option<String>,
    options: StartOptions,
    connection: Option<Caller<'c>>,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> Start<'_, W> {
    pub(super) fn new(flow: &Flow, input: W::Input) -> Self {
        Self {
            flow: flow.clone(),
            input,
            key: None,
            options: StartOptions::default(),
            connection: None,
            workflow: PhantomData,
        }
    }

    /// Starting twice under one key gives the first run. Another input under the same key is an error.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Begins only after this delay, by the database's clock.
    pub fn after(mut self, delay: Duration) -> Self {
        self.options.delay = Some(delay);
        self
    }

    /// Higher goes first; 0 by default. A lower one waits at most a minute longer per level.
    pub fn priority(mut self, priority: i16) -> Self {
        self.options.priority = priority;
        self
    }

    /// The trace that the run belongs to, and its children; every step finds it in [`StepContext::trace_parent`]. Without
    /// this the run belongs to that of [`Flow::traced`].
    ///
    /// [`StepContext::trace_parent`]: crate::context::StepContext::trace_parent
    pub fn trace(mut self, parent: TraceParent) -> Self {
        self.options.trace = Some(parent.to_string());
        self
    }

    /// Starts in the caller's transaction: visible with it, rolled back with it.
    pub fn on(self, connection: &mut sqlx::PgConnection) -> Start<'_, W> {
        Start {
            flow: self.flow,
            input: self.input,
            key: self.key,
            options: self.options,
            connection: Some(connection),
            workflow: PhantomData,
        }
    }

    async fn send(self) -> Result<Run<W>, StartError> {
        if let Some(key) = self.key.as_ref().filter(|key| !is_key(key)) {
            return Err(StartError::Key(key.len()));
        }
        let input = encode::<W>(&self.input)?;
        let version = self.flow.register((W::SPEC)()).await?;
        let started =
            send(&self.flow, &version, &[(input, self.key.clone())], self.options, self.connection)
                .await?;
        let [Started { run, same_input, .. }] = started[..] else { return Err(none_started()) };
        match self.key {
            Some(key) if !same_input => Err(StartError::OtherInput { key, run }),
            _ => Ok(self.flow.run(run)),
        }
    }
}

impl<'c, W: Workflow> IntoFuture for Start<'c, W> {
    type Output = Result<Run<W>, StartError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

pub(super) async fn many<W: Workflow>(
    flow: &Flow,
    inputs: impl IntoIterator<Item = W::Input>,
) -> Result<Vec<Run<W>>, StartError> {
    let inputs: Vec<(Json, Option<String>)> = inputs
        .into_iter()
        .map(|i| Ok((encode::<W>(&i)?, None)))
        .collect::<Result<_, StartError>>()?;
    let version = flow.register((W::SPEC)()).await?;
    let started = send(flow, &version, &inputs, StartOptions::default(), None).await?;
    Ok(started.into_iter().map(|s| flow.run(s.run)).collect())
}

pub(super) fn is_key(key: &str) -> bool {
    (1..=KEY_MAX).contains(&key.len()) && !key.contains('\0')
}

/// Starts a run with an input that [`encode`] gave.
pub(crate) async fn start_encoded<W: Workflow>(
    flow: &Flow,
    input: &Json,
) -> Result<Run<W>, StartError> {
    let version = flow.register((W::SPEC)()).await?;
    let inputs = [(input.clone(), None)];
    let started = send(flow, &version, &inputs, StartOptions::default(), None).await?;
    started.first().map(|started| flow.run(started.run)).ok_or_else(none_started)
}

/// The input as it is stored, checked.
pub(crate) fn encode<W: Workflow>(input: &W::Input) -> Result<Json, StartError> {
    let refuse = |problem| StartError::Input { workflow: W::NAME, problem };
    let input = W::encode(input).map_err(refuse)?;
    let size = input.as_str().len();
    if size > INPUT_MAX {
        return Err(StartError::TooLarge { workflow: W::NAME, size });
    }
    ((W::SPEC)().check_input)(&input).map_err(refuse)?;
    Ok(input)
}

/// Starts runs; outside a caller's transaction it is also told where nobody is there to serve them.
async fn send(
    flow: &Flow,
    version: &Arc<Version>,
    inputs: &[(Json, Option<String>)],
    options: StartOptions,
    connection: Option<Caller<'_>>,
) -> Result<Vec<Started>, StartError> {
    let first = version.first(options.delay.is_some());
    let entry = version.entry(first);
    let options = StartOptions {
        timeout: version.timeout,
        in_transaction: connection.is_some(),
        head: head_start(options.priority) + version.head(first, 0),
        trace: options.trace.or_else(|| flow.current_trace()),
        ..options
    };
    if let Some(connection) = connection {
        return Ok(start(&mut Connection::within(connection), &entry, inputs, &options).await?);
    }
    let started = start(&mut flow.client().await?, &entry, inputs, &options).await?;
    flow.warn_unserved(version.numbers.workflow_id, &version.definition).await;
    Ok(started)
}

fn none_started() -> StartError {
    StoreError { operation: "start the run", source: sqlx::Error::RowNotFound }.into()
}
