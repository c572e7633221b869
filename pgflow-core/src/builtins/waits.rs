//! `pgflow::sleep`, `pgflow::signal` and `pgflow::child` in a plain call.

use std::{collections::HashMap, future::IntoFuture, pin::Pin, time::Duration};

use crate::{
    failure::{Failure, FailureKind},
    payload::{Json, PayloadError},
    spec::BoxFuture,
    traits::Payload,
};

tokio::task_local! {
    /// What a test gave in place of the signals, by name.
    static SIGNALS: HashMap<String, Json>;
}

/// Gives signals to a plain call, beside those given around it.
pub(crate) async fn with_signals<F: Future>(signals: HashMap<String, Json>, call: F) -> F::Output {
    let mut all = SIGNALS.try_with(Clone::clone).unwrap_or_default();
    all.extend(signals);
    SIGNALS.scope(all, call).await
}

/// Waits. A run waits in the database, over restarts and without holding a worker; a plain call by tokio's clock.
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { duration }
}

/// A wait, made by [`sleep`](fn@sleep).
#[derive(Debug)]
#[must_use = "nothing waits before `.await`"]
pub struct Sleep {
    duration: Duration,
}

impl Sleep {
    /// How long.
    #[doc(hidden)]
    pub fn limit(&self) -> Option<Duration> {
        Some(self.duration)
    }
}

impl IntoFuture for Sleep {
    type Output = ();
    type IntoFuture = BoxFuture<()>;

    fn into_future(self) -> BoxFuture<()> {
        Box::pin(tokio::time::sleep(self.duration))
    }
}

/// Waits for a signal to the run, as in `pgflow::signal::<Approval>("approve").await?`. A plain call finds those that
/// `testing::with_signals` gives, and no others.
pub fn signal<T: Payload>(name: &'static str) -> Signal<T> {
    Signal { name, limit: None, decode: Json::decode }
}

/// A wait for a signal, made by [`signal`](fn@signal). Its value is `Result<T, Failure>`.
#[derive(Debug)]
#[must_use = "nothing waits before `.await`"]
pub struct Signal<T> {
    name: &'static str,
    limit: Option<Duration>,
    decode: fn(&Json) -> Result<T, PayloadError>,
}

impl<T> Signal<T> {
    /// Waits no longer than this, `"24h"` or a [`Duration`]; then the signal fails, with
    /// [`FailureKind::TimedOut`].
    pub fn within(mut self, limit: impl Limit) -> Self {
        self.limit = limit.duration();
        self
    }

    /// How long at most.
    #[doc(hidden)]
    pub fn limit(&self) -> Option<Duration> {
        self.limit
    }
}

impl<T: 'static> IntoFuture for Signal<T> {
    type Output = Result<T, Failure>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let id = format!("signal:{}", self.name);
            let given = SIGNALS.try_with(|signals| signals.get(self.name).cloned()).ok().flatten();
            let Some(payload) = given else {
                let text = format!(
                    "no signal `{}` comes to a plain call; give it with `pgflow::testing::with_signals`",
                    self.name
                );
                return Err(Failure::new(id, FailureKind::Failed, text).fatal());
            };
            (self.decode)(&payload).map_err(|e| {
                let text = format!("the signal `{}` does not decode: {e}", self.name);
                Failure::new(id, FailureKind::Failed, text).fatal()
            })
        })
    }
}

/// How long a signal is waited for.
pub trait Limit {
    /// The limit; `None` of a text, which `#[workflow]` reads and which means nothing to a plain call.
    fn duration(self) -> Option<Duration>;
}

impl Limit for Duration {
    fn duration(self) -> Option<Duration> {
        Some(self)
    }
}

impl Limit for &'static str {
    fn duration(self) -> Option<Duration> {
        None
    }
}

/// Runs another workflow as a run of its own, as in `pgflow::child(other(x)).await?`. A plain call runs it in place.
pub fn child<F: Future>(run: F) -> Pin<Box<F>> {
    Box::pin(run)
}
