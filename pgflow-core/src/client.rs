//! The client: connect, start runs, wait for what they come to, cancel them.

mod act;
mod check;
mod connect;
mod doctor;
mod hub;
mod look;
mod migrate;
mod named;
mod queue;
mod retry;
mod served;
mod spans;
mod start;
mod wanted;

use std::{
    collections::HashMap,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{PgConnection, PgPool, postgres::PgConnectOptions};

use crate::{
    embedded::Server,
    failure::{Failure, FailureKind},
    lifecycle::RunState,
    redact::Secrets,
    registry::{RegistryError, Tuning, Version},
    spec::WorkflowSpec,
    store::{
        Connection, RunId, StoreError,
        connect::Endpoint,
        end::end_run,
        migrate::{check, migrate},
        read::{self, RunStatus},
    },
    trace::TraceParent,
    traits::Workflow,
    worker::WorkerBuilder,
};

pub use act::ActionError;
pub use check::{Check, Prospect, Verdict, VersionCheck};
pub use connect::{
    Connect, DatabaseUrlError, OpenError, connect, connect_like, embedded, from_env,
};
pub use doctor::{Finding, Level};
pub use hub::Hub;
pub use migrate::{Migrate, Migration, MigrationError, Refused};
pub use named::{NamedStart, NamedStartError};
pub use queue::SendError;
pub use retry::{Retry, RetryError};
pub use start::{Start, StartError};
pub(crate) use start::{encode, start_encoded};
pub(crate) use wanted::wanted_workers;
pub use wanted::{Demand, WANTED_WITHIN, Wanted};

/// A connection to the database of runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Flow(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    endpoint: Endpoint,
    pool: PgPool,
    tuning: Tuning,
    trace: Option<TraceSource>,
    versions: Mutex<HashMap<(&'static str, u32), Arc<Version>>>,
    hub: Arc<Hub>,
    /// When it was last looked who serves a workflow, by its id.
    asked: Mutex<HashMap<i32, Instant>>,
    /// Keeps the private server while this lives.
    server: Option<Server>,
}

/// Says the trace of whoever starts a run.
#[derive(Clone)]
struct TraceSource(Arc<dyn Fn() -> Option<TraceParent> + Send + Sync>);

impl std::fmt::Debug for TraceSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TraceSource")
    }
}

impl Flow {
    async fn open(
        endpoint: Endpoint,
        server: Option<Server>,
        as_it_is: bool,
    ) -> Result<Self, OpenError> {
        let mut connection = endpoint.first().await?;
        if as_it_is {
            check(&mut connection).await?;
        } else {
            migrate(&mut connection).await?;
        }
        let _ = connection.close().await;
        let pool = endpoint.pool("client", 4);
        let hub = Arc::new(Hub::new(pool.clone(), endpoint.pooler));
        let (versions, asked) = (Mutex::default(), Mutex::default());
        let (tuning, trace) = (Tuning::default(), None);
        Ok(Self(Arc::new(Inner { endpoint, pool, tuning, trace, versions, hub, asked, server })))
    }

    /// The same database with limits that an operator set. Call it before anything is started or served.
    #[must_use]
    pub fn tuned(&self, tuning: Tuning) -> Self {
        self.with(|inner| inner.tuning = tuning)
    }

    /// The same database with runs that belong to the trace of whoever starts them, as `source` says at each start: what an
    /// OpenTelemetry propagator injects as `traceparent`, say.
    #[must_use]
    pub fn traced(&self, source: impl Fn() -> Option<TraceParent> + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.trace = Some(TraceSource(Arc::new(source))))
    }

    /// The same database, used otherwise.
    fn with(&self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Inner {
            endpoint: self.0.endpoint.clone(),
            pool: self.0.pool.clone(),
            tuning: self.0.tuning.clone(),
            trace: self.0.trace.clone(),
            versions: Mutex::default(),
            hub: self.0.hub.clone(),
            asked: Mutex::default(),
            server: self.0.server.clone(),
        };
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// A worker to be; it serves every workflow that this binary links.
    pub fn worker(&self) -> WorkerBuilder {
        WorkerBuilder::new(self.clone())
    }

    /// Starts a run; await it for a [`Run`].
    pub fn start<W: Workflow>(&self, input: W::Input) -> Start<'_, W> {
        Start::new(self, input)
    }

    /// Starts many runs in one call, all or none.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start_many<W: Workflow>(
        &self,
        inputs: impl IntoIterator<Item = W::Input>,
    ) -> Result<Vec<Run<W>>, StartError> {
        start::many(self, inputs).await
    }

    /// A run that is known by its id.
    pub fn run<W: Workflow>(&self, id: RunId) -> Run<W> {
        Run { flow: self.clone(), id, workflow: PhantomData }
    }

    /// The run that was started under a key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run_by_key<W: Workflow>(&self, key: &str) -> Result<Option<Run<W>>, StoreError> {
        let mut connection = self.client().await?;
        Ok(read::by_key(&mut connection, W::NAME, key).await?.map(|id| self.run(id)))
    }

    /// How a run stands; `None`: there is no such run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn status(&self, run: RunId) -> Result<Option<RunStatus>, StoreError> {
        let mut connection = self.client().await?;
        read::status(&mut connection, run).await
    }

    /// Cancels a run; `actor` is written down with it. `false`: it had ended already, or is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel(&self, run: RunId, actor: &str) -> Result<bool, StoreError> {
        let failure = Failure::new(
            crate::record::BODY,
            FailureKind::Cancelled,
            format!("cancelled by {actor}"),
        )
        .fatal();
        let mut tries = 0;
        let (mut connection, ended) = loop {
            let mut connection = self.client().await?;
            tries += 1;
            match end_run(&mut connection, run, RunState::Cancelled, &failure, None).await {
                Ok(ended) => break (connection, ended),
                // a deadlock with a flush, say
                Err(error) if tries < CANCEL_TRIES && !error.is_refusal() => {
                    tracing::warn!(%run, %error, source = %error.source, "cancelling is tried again");
                }
                Err(error) => return Err(error),
            }
        };
        if ended {
            read::audit(&mut connection, actor, "cancel", Some(run), None).await?;
        }
        Ok(ended)
    }

    /// How to connect to the same database, for a host that wants connections of its own.
    pub fn options(&self) -> &PgConnectOptions {
        &self.0.endpoint.options
    }

    /// The address of the same database, with its password.
    pub fn url(&self) -> String {
        match &self.0.server {
            Some(server) => server.url(connect::EMBEDDED_DATABASE),
            None => sqlx::ConnectOptions::to_url_lossy(self.options()).into(),
        }
    }

    fn current_trace(&self) -> Option<String> {
        self.0.trace.as_ref().and_then(|source| source.0()).map(|parent| parent.to_string())
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    pub(crate) fn hub(&self) -> Arc<Hub> {
        self.0.hub.clone()
    }

    pub(crate) async fn client(&self) -> Result<Connection<'static>, StoreError> {
        Connection::lent(&self.0.pool, self.0.endpoint.pooler).await
    }

    /// Registers a workflow once per flow.
    pub(crate) async fn register(
        &self,
        spec: &'static WorkflowSpec,
    ) -> Result<Arc<Version>, RegistryError> {
        let key = (spec.id, spec.version);
        if let Some(known) =
            self.0.versions.lock().unwrap_or_else(PoisonError::into_inner).get(&key)
        {
            return Ok(known.clone());
        }
        let mut connection =
            self.client().await.map_err(crate::store::register::RegisterError::from)?;
        let version = Version::register(&mut connection, spec, &self.0.tuning).await?;
        self.0.versions.lock().unwrap_or_else(PoisonError::into_inner).insert(key, version.clone());
        Ok(version)
    }
}

/// A run of a workflow.
#[derive(Debug)]
pub struct Run<W> {
    flow: Flow,
    id: RunId,
    workflow: PhantomData<fn() -> W>,
}

impl<W> Clone for Run<W> {
    fn clone(&self) -> Self {
        Self { flow: self.flow.clone(), id: self.id, workflow: PhantomData }
    }
}

/// Why a run has no output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It failed, was cancelled, or passed its deadline.
    #[error("run {run} {state}: {failure}")]
    Ended {
        /// The run.
        run: RunId,
        /// Its state.
        state: RunState,
        /// Why.
        failure: Failure,
    },
    /// Its output is of another type.
    #[error("run {run} came to a value of another type: {problem}")]
    Mismatch {
        /// The run.
        run: RunId,
        /// What does not fit.
        problem: crate::payload::PayloadError,
    },
    /// There is no such run.
    #[error("there is no run {0}")]
    Unknown(RunId),
    /// The database is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<W: Workflow> Run<W> {
    /// The run's id.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// Waits for the run to end. In the process of its worker that is known at once, else within a second.
    ///
    /// # Errors
    /// See [`RunError`].
    ///
    /// # Cancellation
    /// Dropping the future does nothing to the run.
    pub async fn output(&self) -> Result<W::Output, RunError> {
        match self.ending().await? {
            read::Ending::Completed(output) => W::decode_output(&output).map_err(|problem| {
                let hidden = Secrets::of(&output, (W::SPEC)().options.redact);
                RunError::Mismatch { run: self.id, problem: hidden.hide_in_error(problem) }
            }),
            read::Ending::Ended(state, failure) => {
                Err(RunError::Ended { run: self.id, state, failure })
            }
        }
    }

    /// Waits, and says after a while where nobody is there to serve the run.
    pub(crate) async fn ending(&self) -> Result<read::Ending, StoreError> {
        let ending = self.flow.0.hub.ending(self.id);
        tokio::pin!(ending);
        tokio::select! {
            ending = &mut ending => return ending,
            () = tokio::time::sleep(UNSERVED_AFTER) => {}
        }
        if let Ok(Some(RunStatus { unserved: Some(why), .. })) = self.flow.status(self.id).await {
            tracing::warn!(run = %self.id, "waiting for a run that does not go on: {why}");
        }
        ending.await
    }

    /// How the run stands.
    ///
    /// # Errors
    /// See [`RunError`].
    pub async fn status(&self) -> Result<RunStatus, RunError> {
        self.flow.status(self.id).await?.ok_or(RunError::Unknown(self.id))
    }

    /// Cancels the run; `actor` is written down with it. `false`: it had ended already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel(&self, actor: &str) -> Result<bool, StoreError> {
        self.flow.cancel(self.id, actor).await
    }
}

/// When somebody who waits for a run hears that nobody serves it.
const UNSERVED_AFTER: Duration = Duration::from_secs(5);
/// How often cancelling is tried.
const CANCEL_TRIES: u32 = 5;
/// How long a poll of awaited runs waits at first and at most.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// A connection of the caller's, for statements in its transaction.
pub(crate) type Caller<'c> = &'c mut PgConnection;
