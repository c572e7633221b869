//! A workflow whose worker dies at each of its commits in turn.

mod report;
mod trial;

use std::{fmt, io, marker::PhantomData, pin::Pin};

use serde::Serialize;

use crate::{
    client::{ActionError, OpenError, StartError, encode},
    embedded::EmbeddedError,
    payload::{Json, PayloadError},
    spec::BoxFuture,
    store::{RunId, StoreError},
    traits::Workflow,
    worker::{WorkerBuilder, WorkerError},
};

use super::Database;

pub use report::{CrashReport, CrashedRun, Survival};
use trial::Trials;

/// Prepares runs of the workflow `W` in which the worker dies, as in
/// `testing::crash_everywhere::<order>(cart).await?`; see [`CrashEverywhere`].
pub fn crash_everywhere<W: Workflow>(input: W::Input) -> CrashEverywhere<'static, W> {
    CrashEverywhere {
        input,
        database: None,
        equip: Box::new(|worker| worker),
        check: Box::new(|_| Box::pin(async { Ok(()) })),
        signals: Vec::new(),
        refused: None,
    }
}

/// Runs to be, made by [`crash_everywhere`]; await it.
///
/// A first run, without faults, tells how often the workflow commits: a batch of completions, the end of the run, the
/// transaction of a step. Then for each of these commits a run is started whose worker dies just before it, and one whose
/// worker dies just after, before it hears of it: all its connections break at once, and it never writes again. Another
/// worker takes over. The run must end as the first one did, and no step may be tried again whose completion was recorded.
///
/// A step that was under way does run again. Whether its effects bear that only you know: say with
/// [`check`](Self::check) what must hold of them.
///
/// Time jumps over whatever the workflow waits for. Each worker has one slot, so that the commits come in one order.
///
/// ```no_run
/// # use std::convert::Infallible;
/// use pgflow::{step, testing, workflow};
///
/// #[step]
/// async fn reserve(item: String) -> Result<String, Infallible> {
///     Ok(format!("{item} on shelf 7"))
/// }
/// #[step]
/// async fn ship(place: String) -> Result<String, Infallible> {
///     Ok(format!("shipped: {place}"))
/// }
/// #[workflow]
/// async fn order(item: String) -> Result<String, Infallible> {
///     let place = reserve(item).await?;
///     ship(place).await
/// }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let report = testing::crash_everywhere::<order>("a lamp".into()).await?;
/// assert_eq!(report.commits, 2);
/// println!("{report}");
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing runs before this is awaited"]
pub struct CrashEverywhere<'d, W: Workflow> {
    input: W::Input,
    database: Option<&'d Database>,
    equip: Equip,
    check: Check,
    signals: Vec<(String, Json)>,
    /// A signal that cannot be stored.
    refused: Option<CrashError>,
}

type Equip = Box<dyn Fn(WorkerBuilder) -> WorkerBuilder + Send + Sync>;
type Check = Box<dyn Fn(RunId) -> BoxFuture<Result<(), String>> + Send + Sync>;

/// Why there is no report, or a bad one.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CrashError {
    /// A run did not survive the death of its worker; the report says which.
    #[error("`{workflow}` does not survive the death of its worker at every commit\n{report}")]
    Died {
        /// The workflow.
        workflow: &'static str,
        /// What became of each run.
        report: CrashReport,
    },
    /// The run without faults does not end.
    #[error("`{0}` does not end, even when its worker lives")]
    Stuck(&'static str),
    /// What [`CrashEverywhere::check`] says of the run without faults.
    #[error("the check fails, even when the worker lives: {0}")]
    Check(String),
    /// A signal cannot be stored.
    #[error("the signal `{name}` cannot be stored: {source}")]
    Unstorable {
        /// The name of the signal.
        name: String,
        /// The place and the reason.
        source: PayloadError,
    },
    /// There is no private Postgres.
    #[error(transparent)]
    Database(#[from] EmbeddedError),
    /// The connection through which the worker dies.
    #[error("no socket to stand between the worker and Postgres")]
    Socket(#[from] io::Error),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A worker does not start.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A run cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A signal cannot be sent.
    #[error(transparent)]
    Signal(#[from] ActionError),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// As its text: a test that returns it, or unwraps it, shows the report as a table.
impl fmt::Debug for CrashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'d, W: Workflow> CrashEverywhere<'d, W> {
    /// Uses this database, with the tables that the steps write to, instead of a fresh one.
    pub fn on<'e>(self, database: &'e Database) -> CrashEverywhere<'e, W> {
        CrashEverywhere { database: Some(database), ..self }
    }

    /// Gives each worker what the steps need, as in `.worker(|worker| worker.state(shop.clone()).stub(charge {}, Ok(1)))`.
    pub fn worker(
        self,
        equip: impl Fn(WorkerBuilder) -> WorkerBuilder + Send + Sync + 'static,
    ) -> Self {
        Self { equip: Box::new(equip), ..self }
    }

    /// Sends each run a signal as soon as it is started.
    pub fn signal(mut self, name: &str, payload: &impl Serialize) -> Self {
        match Json::encode(payload) {
            Ok(json) => self.signals.push((name.into(), json)),
            Err(source) => {
                self.refused.get_or_insert(CrashError::Unstorable { name: name.into(), source });
            }
        }
        self
    }

    /// Asks after each run whether its effects are as they should be: that a customer was charged once, say.
    pub fn check<F, E>(self, check: impl Fn(RunId) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let check = move |run| -> BoxFuture<_> {
            let checked = check(run);
            Box::pin(async { checked.await.map_err(|why| why.to_string()) })
        };
        Self { check: Box::new(check), ..self }
    }

    async fn run(self) -> Result<CrashReport, CrashError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let fresh;
        let database = match self.database {
            Some(database) => database,
            None => {
                fresh = Database::new().await?;
                &fresh
            }
        };
        let trials = Trials::<W> {
            database,
            clock: database.virtual_time().await?,
            flow: database.flow().await?,
            input: encode::<W>(&self.input)?,
            equip: self.equip,
            check: self.check,
            signals: self.signals,
            workflow: PhantomData,
        };
        let report = trials.all().await?;
        if report.survived() {
            return Ok(report);
        }
        Err(CrashError::Died { workflow: W::NAME, report })
    }
}

impl<'d, W: Workflow> IntoFuture for CrashEverywhere<'d, W> {
    type Output = Result<CrashReport, CrashError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'd>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
