//! Time that a test moves.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::Mutex, time::sleep};

use crate::{
    registry::linked,
    schedule::Schedule,
    store::{
        Connection, StoreError,
        clock::{Outlook, advance, install, now, outlook},
        connect::Endpoint,
        read::served,
        schedule::last_tick,
        stamp::Stamp,
    },
};

/// How long to wait between two looks at whether anything can go on.
const LOOK: Duration = Duration::from_millis(2);

/// The clock of a test's database, made by [`Database::virtual_time`](super::Database::virtual_time). It goes on like the
/// server's and jumps ahead when it is told to. All that the database keeps time of follows: durable sleeps, delays of
/// retries and starts, limits of signals, deadlines of runs, schedules, rate limits, cached results, what `prune` removes.
///
/// What happens in processes stays in real time: a step that runs, its `timeout`, and the leases of workers, which a jump
/// carries along; so nobody seems dead because a day has passed, and a worker that died is replaced after its ten seconds.
///
/// ```no_run
/// # use std::{convert::Infallible, time::Duration};
/// use pgflow::{step, testing, workflow};
///
/// #[step]
/// async fn remind(name: String) -> Result<String, Infallible> {
///     Ok(format!("{name} was reminded"))
/// }
/// #[workflow]
/// async fn reminder(name: String) -> Result<String, Infallible> {
///     pgflow::sleep(Duration::from_hours(72)).await;
///     remind(name).await
/// }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let db = testing::Database::new().await?;
/// let clock = db.virtual_time().await?;
/// let flow = db.flow().await?;
/// let _worker = flow.worker().spawn().await?;
/// let run = flow.start::<reminder>("Ada".into()).await?;
/// assert_eq!(clock.auto_advance(run.output()).await?, "Ada was reminded"); // at once
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Clock(Arc<Mutex<Link>>);

/// A connection that is opened again where it broke.
#[derive(Debug)]
struct Link {
    endpoint: Endpoint,
    connection: Option<Connection<'static>>,
}

impl Clock {
    pub(super) async fn install(endpoint: Endpoint) -> Result<Self, StoreError> {
        let mut connection = endpoint.open("clock").await?;
        install(&mut connection).await?;
        Ok(Self(Arc::new(Mutex::new(Link { endpoint, connection: Some(connection) }))))
    }

    /// What time it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn now(&self) -> Result<SystemTime, StoreError> {
        let mut link = self.0.lock().await;
        let told = async { now(link.open().await?).await }.await;
        link.heard(told).map(Stamp::to_system_time)
    }

    /// Jumps ahead. Workers do at once what has become due; of several ticks of a schedule the newest starts a run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn advance(&self, by: Duration) -> Result<(), StoreError> {
        let mut link = self.0.lock().await;
        let moved = async { advance(link.open().await?, by).await }.await;
        link.heard(moved)
    }

    /// Awaits a future, such as the output of a run. Meanwhile, whenever nothing can go on before something is due, time
    /// jumps there. A run that waits for a signal without a limit, or a database without a worker, waits on.
    ///
    /// # Cancellation
    /// Dropping the future lets time be.
    pub async fn auto_advance<F: Future>(&self, future: F) -> F::Output {
        tokio::select! {
            biased;
            output = future => output,
            never = self.advance_for_ever() => match never {},
        }
    }

    async fn advance_for_ever(&self) -> Infallible {
        loop {
            let mut link = self.0.lock().await;
            let moved = async { advance_if_still(link.open().await?).await }.await;
            if let Err(error) = link.heard(moved) {
                tracing::warn!(%error, source = %error.source, "time stands until the database answers");
            }
            drop(link);
            sleep(LOOK).await;
        }
    }
}

impl Link {
    async fn open(&mut self) -> Result<&mut Connection<'static>, StoreError> {
        match &mut self.connection {
            Some(opened) => Ok(opened),
            none => Ok(none.insert(self.endpoint.open("clock").await?)),
        }
    }

    fn heard<T>(&mut self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }
}

async fn advance_if_still(connection: &mut Connection<'static>) -> Result<(), StoreError> {
    let run = match outlook(connection).await? {
        Outlook::Busy => return Ok(()),
        Outlook::Still => None,
        Outlook::Due(wait) => Some(wait),
    };
    match [run, next_tick(connection).await?].into_iter().flatten().min() {
        Some(wait) => advance(connection, wait).await,
        None => Ok(()),
    }
}

/// How long it is to the next tick of a schedule that somebody serves.
async fn next_tick(connection: &mut Connection<'static>) -> Result<Option<Duration>, StoreError> {
    let served = served(connection).await?;
    let mut next = None;
    for spec in linked() {
        let Ok(Some(schedule)) = Schedule::of(spec) else { continue };
        if served.contains(&format!("{}@{}", spec.id, spec.version))
            && let Some((now, last)) = last_tick(connection, spec.id, spec.version).await?
        {
            let (due, wait) = schedule.due(last.to_system_time(), now.to_system_time());
            let wait = due.map(|_| Duration::ZERO).or(wait);
            next = [next, wait].into_iter().flatten().min();
        }
    }
    Ok(next)
}
