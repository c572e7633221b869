//! Results of `cache` steps: looked up by their arguments before the step runs, and kept after it.

use std::{future::Future, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::{
    payload::{Json, PayloadError},
    redact::Secrets,
    spec::{BoxFuture, StepSpec},
    store::{StoreError, cache::Found},
    traits::Codec,
};

use super::StepContext;

/// Where a worker keeps results.
pub(crate) trait Results: Send + Sync {
    /// Looks for one; where there is none the caller computes it.
    fn look_up(&self, key: Vec<u8>) -> BoxFuture<Result<Found, StoreError>>;
    /// Keeps one.
    fn keep(&self, key: Vec<u8>, value: Json, lasts: Duration)
    -> BoxFuture<Result<(), StoreError>>;
}

/// The cache as an attempt reaches it.
#[derive(Clone)]
pub(crate) struct CacheSlot {
    pub results: Arc<dyn Results>,
    /// Told when somebody else computes the result, so that the task waits elsewhere.
    pub waits: Arc<Notify>,
}

impl std::fmt::Debug for CacheSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CacheSlot")
    }
}

/// Runs a `cache` step: its result for equal arguments, or the step itself. The expansion of `#[step]` calls it.
///
/// # Errors
/// Those of the step.
pub async fn cached<O, E, F: Future<Output = Result<O, E>>>(
    step: StepSpec,
    arguments: Vec<Result<Json, PayloadError>>,
    codec: impl Codec<O, E>,
    compute: impl FnOnce() -> F,
) -> Result<O, E> {
    let context = StepContext::current();
    let (Some(slot), Some(key)) = (&context.0.cache, key(&step, arguments)) else {
        return compute().await;
    };
    match slot.results.look_up(key.clone()).await {
        Ok(Found::Value(value)) => match codec.decode(&value) {
            Ok(output) => return Ok(output),
            Err(error) => {
                let error = Secrets::of(&value, step.options.redact).hide_in_error(error);
                tracing::warn!(step = step.id, %error, "a cached result does not decode; raise the step's `revision`");
            }
        },
        Ok(Found::UnderWay) => {
            slot.waits.notify_one();
            // the worker lets go of this future
            return std::future::pending().await;
        }
        Ok(Found::Nothing) => {}
        Err(error) => {
            tracing::warn!(step = step.id, %error, "the cache cannot be asked; the step runs");
        }
    }
    let output = compute().await?;
    if let Ok(value) = codec.encode(&output) {
        let lasts = Duration::from_millis(step.options.cache_ms.unwrap_or_default());
        if let Err(error) = slot.results.keep(key, value, lasts).await {
            tracing::warn!(step = step.id, %error, "a result is not kept");
        }
    }
    Ok(output)
}

/// SHA-256 of the step, its revision and its arguments; `None` where an argument is no JSON.
fn key(step: &StepSpec, arguments: Vec<Result<Json, PayloadError>>) -> Option<Vec<u8>> {
    let mut hasher = Sha256::new();
    hasher.update(format!("{}\n{}\n", step.id, step.options.revision.unwrap_or(1)));
    for argument in arguments {
        let text = argument.ok()?;
        // canonical: keys in order
        let value: serde_json::Value = serde_json::from_str(text.as_str()).ok()?;
        hasher.update(value.to_string());
        hasher.update("\n");
    }
    Some(hasher.finalize().to_vec())
}
