//! Tests of workflows: as plain calls, as a graph in memory, and on a Postgres of their own, where time can be moved and
//! workers die on purpose.

mod clock;
mod crash;
mod database;
mod memory;
mod proxy;
mod run;

use serde::Serialize;

use crate::{builtins, context::StepContext, payload::Json};

pub use clock::Clock;
pub use crash::{CrashError, CrashEverywhere, CrashReport, CrashedRun, Survival, crash_everywhere};
pub use database::Database;
pub use proxy::{Boundary, Counts, Proxy, Side};
use run::{Provided, run_in_memory};
pub use run::{Run, RunError, run};

/// Runs a plain call, or a run in memory, with a value of the host's state; nest it for several values.
pub async fn with_state<T: Send + Sync + 'static, F: Future>(value: T, call: F) -> F::Output {
    StepContext::current().with_state(value).scope(call).await
}

/// Runs a plain call with signals, by name; nest it where their types differ.
///
/// # Panics
/// Where a payload cannot be stored.
pub async fn with_signals<'n, P: Serialize, F: Future>(
    signals: impl IntoIterator<Item = (&'n str, P)>,
    call: F,
) -> F::Output {
    let stored = |(name, payload): (&str, P)| match Json::encode(&payload) {
        Ok(json) => (name.to_owned(), json),
        Err(e) => panic!("the signal `{name}` cannot be stored: {e}"),
    };
    builtins::with_signals(signals.into_iter().map(stored).collect(), call).await
}
