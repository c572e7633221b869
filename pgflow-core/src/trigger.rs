//! Which messages of a queue start which workflow, and how a message becomes its input.

use std::{fmt, panic, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use crate::{
    payload::{INPUT_MAX, Json},
    redact::Secrets,
    spec::WorkflowSpec,
    traits::Workflow,
};

/// A queue of PGMQ in the database of runs.
#[derive(Debug, Clone)]
pub struct Queue {
    pub(crate) name: String,
    pub(crate) hidden: Duration,
}

impl Queue {
    /// The queue of this name; a worker with a trigger on it makes it, and PGMQ, where they are missing.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), hidden: Duration::from_secs(30) }
    }

    /// How long a message that was read stays hidden from others, in whole seconds; 30 s by default. After it the next
    /// reader gets what a worker that died had read.
    #[must_use]
    pub fn hidden(mut self, time: Duration) -> Self {
        self.hidden = time.max(Duration::from_secs(1));
        self
    }

    /// Each message starts a run, and is its input as it stands.
    pub fn starts<W: Workflow>(self) -> Trigger {
        let check = (W::SPEC)().check_input;
        let hidden = (W::SPEC)().options.redact;
        self.reads::<W>(Arc::new(move |body| {
            let refuse = |problem| Secrets::of(body, hidden).hide_in_error(problem).to_string();
            check(body).map(|()| body.clone()).map_err(refuse)
        }))
    }

    /// Each message starts a run whose input is made from it, where it may block. A message that is no `M`, or for which
    /// `input` answers an error, is archived with that as the reason.
    pub fn starts_with<W: Workflow, M: DeserializeOwned, E: fmt::Display>(
        self,
        input: impl Fn(M) -> Result<W::Input, E> + Send + Sync + 'static,
    ) -> Trigger {
        let check = (W::SPEC)().check_input;
        // the message has a shape of its own, so all of it may be what the input hides
        let hidden: &[&str] = if (W::SPEC)().options.redact.is_empty() { &[] } else { &[""] };
        let read = move |body: &Json| {
            let message = body.decode::<M>().map_err(|problem| problem.to_string())?;
            let input = input(message).map_err(|problem| problem.to_string())?;
            let input = W::encode(&input).map_err(|problem| problem.to_string())?;
            check(&input).map(|()| input).map_err(|problem| problem.to_string())
        };
        self.reads::<W>(Arc::new(move |body| {
            read(body).map_err(|problem: String| Secrets::of(body, hidden).hide(&problem))
        }))
    }

    fn reads<W: Workflow>(self, read: Read) -> Trigger {
        Trigger { queue: self, spec: W::SPEC, read }
    }
}

type Read = Arc<dyn Fn(&Json) -> Result<Json, String> + Send + Sync>;

/// Starts exactly one run for each message of a queue. Give it to [`WorkerBuilder::trigger`](crate::worker::WorkerBuilder::trigger).
#[derive(Clone)]
pub struct Trigger {
    pub(crate) queue: Queue,
    pub(crate) spec: fn() -> &'static WorkflowSpec,
    read: Read,
}

impl Trigger {
    /// The input of a message's run, or why it has none.
    pub(crate) fn input(&self, body: &Json) -> Result<Json, String> {
        let read = panic::catch_unwind(panic::AssertUnwindSafe(|| (self.read)(body)));
        let input = read.unwrap_or_else(|_| Err("reading it panicked".into()))?;
        match input.as_str().len() {
            size if size > INPUT_MAX => {
                Err(format!("its input has {size} bytes, more than the limit of {INPUT_MAX}"))
            }
            _ => Ok(input),
        }
    }
}

impl fmt::Debug for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trigger")
            .field("queue", &self.queue)
            .field("workflow", &(self.spec)().id)
            .finish_non_exhaustive()
    }
}
