//! Batching steps: callers in one process meet in a collector and share one call.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    context::StepContext,
    spec::{Batch, BoxFuture},
};

/// Where the callers of one step meet. The expansion of `#[step]` has one per batching step.
pub struct Collector<T, O> {
    open: Mutex<Open<T, O>>,
}

struct Open<T, O> {
    callers: Vec<Caller<T, O>>,
    /// Counts the groups, so that a timer ends only its own.
    group: u64,
}

struct Caller<T, O> {
    items: Vec<T>,
    /// `None`: the call for all failed, and each makes its own.
    reply: oneshot::Sender<Option<Vec<O>>>,
}

/// The element of a list, for the types of a collector.
pub trait List {
    /// The element.
    type Item;
}

impl<T> List for Vec<T> {
    type Item = T;
}

/// The step itself, for many items.
pub type Call<T, O, E> = fn(Vec<T>) -> BoxFuture<Result<Vec<O>, E>>;

impl<T, O> std::fmt::Debug for Collector<T, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Collector")
    }
}

impl<T: Clone + Send + 'static, O: Send + 'static> Collector<T, O> {
    /// Empty.
    #[expect(clippy::new_without_default, reason = "made in a static")]
    pub const fn new() -> Self {
        Self { open: Mutex::new(Open { callers: Vec::new(), group: 0 }) }
    }

    /// The results for these items, from a call that others may share: begun when `max` items are there, or the first has
    /// waited for `linger`. Where that call fails each caller makes one of its own. A plain call shares with nobody.
    ///
    /// # Errors
    /// Those of the step.
    pub async fn join<E: Send + 'static>(
        &'static self,
        batch: Option<Batch>,
        items: Vec<T>,
        call: Call<T, O, E>,
    ) -> Result<Vec<O>, E> {
        let Some(batch) = batch.filter(|_| StepContext::current().run().is_some()) else {
            return call(items).await;
        };
        let (reply, answer) = oneshot::channel();
        self.add(batch, Caller { items: items.clone(), reply }, call);
        match answer.await {
            Ok(Some(outputs)) => Ok(outputs),
            _ => call(items).await,
        }
    }

    fn add<E: Send + 'static>(
        &'static self,
        batch: Batch,
        caller: Caller<T, O>,
        call: Call<T, O, E>,
    ) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.callers.push(caller);
        let max = usize::try_from(batch.max).unwrap_or(usize::MAX);
        if open.callers.iter().map(|c| c.items.len()).sum::<usize>() >= max {
            begin(open.take(), call);
        } else if open.callers.len() == 1 {
            let group = open.group;
            in_context(async move {
                tokio::time::sleep(Duration::from_millis(batch.linger_ms)).await;
                let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                if open.group == group {
                    begin(open.take(), call);
                }
            });
        }
    }
}

impl<T, O> Open<T, O> {
    fn take(&mut self) -> Vec<Caller<T, O>> {
        self.group += 1;
        std::mem::take(&mut self.callers)
    }
}

/// Calls for all whose caller is still there, and gives each its part.
fn begin<T: Send + 'static, O: Send + 'static, E: Send + 'static>(
    callers: Vec<Caller<T, O>>,
    call: Call<T, O, E>,
) {
    in_context(async move {
        let mut all = Vec::new();
        let mut replies = Vec::new();
        for caller in callers.into_iter().filter(|c| !c.reply.is_closed()) {
            replies.push((caller.items.len(), caller.reply));
            all.extend(caller.items);
        }
        let count = all.len();
        let outputs = call(all).await.ok().filter(|outputs| outputs.len() == count);
        let Some(outputs) = outputs else {
            for (_, reply) in replies {
                let _ = reply.send(None);
            }
            return;
        };
        let mut outputs = outputs.into_iter();
        for (count, reply) in replies {
            let _ = reply.send(Some(outputs.by_ref().take(count).collect()));
        }
    });
}

/// In a task of its own, so that one caller's end is not the others'; it sees the host's state.
fn in_context(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(StepContext::current().scope(work));
}
