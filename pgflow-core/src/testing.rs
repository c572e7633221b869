//! Runs a workflow's graph in memory, for unit tests of the host: every value goes through JSON and nodes run as soon
//! as their dependencies have settled, so it finds what a plain call cannot (lossy serde, NaN, a missing order). Sleeps
//! are over at once, signals come from the test, children run in memory too.
//! Retries, timeouts and limits are the engine's and are left out on purpose.

mod memory;

use std::{collections::HashMap, marker::PhantomData};

use serde::Serialize;

use crate::{
    builtins,
    context::StepContext,
    definition::{Definition, Problem},
    failure::Failure,
    lifecycle::Graph,
    payload::{Json, PayloadError},
    record,
    spec::{NodeKindSpec, Outcome, WorkflowSpec},
    traits::{Codec, Step, Workflow},
};

/// Prepares a run of the workflow `W`, as in `testing::run::<learn>().input(job).await`.
pub fn run<W: Workflow>() -> Run<W> {
    Run { stubs: Stubs::default(), refused: None, workflow: PhantomData }
}

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

/// A run to be, made by [`run`].
#[derive(Debug)]
#[must_use = "nothing runs before `.input(…).await`"]
pub struct Run<W> {
    stubs: Stubs,
    /// A stub that cannot be stored.
    refused: Option<RunError>,
    workflow: PhantomData<fn() -> W>,
}

/// Outcomes given in place of a node's own. Children find them too.
#[derive(Debug, Default, Clone)]
struct Stubs {
    steps: HashMap<&'static str, Outcome>,
    nodes: HashMap<String, Outcome>,
    signals: HashMap<String, Json>,
}

/// Why a run in memory gave no value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A required step or the body failed.
    #[error("{0}")]
    Failed(Failure),
    /// A stored value did not decode: its `Serialize` and `Deserialize` do not agree.
    #[error("the run broke: {0}")]
    Broken(String),
    /// The input or the output of a stub cannot be stored.
    #[error("{what} cannot be stored: {source}")]
    Unstorable {
        /// What was to be stored.
        what: String,
        /// The place and the reason.
        source: PayloadError,
    },
    /// A stub for a step or node that the workflow does not have.
    #[error("no node `{stub}` to stub; known are {known}")]
    UnknownStub {
        /// The id of the step or node.
        stub: String,
        /// The ids that there are.
        known: String,
    },
    /// A signal that the test did not send.
    #[error("the run waits for the signal `{0}`; send it with `.signal(\"{0}\", &payload)`")]
    Waits(String),
    /// The definition does not pass its own checks.
    #[error("the definition is not valid: {0:?}")]
    Definition(Vec<Problem>),
}

impl<W: Workflow> Run<W> {
    /// Gives every call of a step this result, as in `.stub(train {}, Ok(model))`.
    pub fn stub<S: Step>(mut self, _step: S, result: Result<S::Output, S::Error>) -> Self {
        let codec = S::Codec::default();
        let outcome = match result {
            Ok(output) => match codec.encode(&output) {
                Ok(json) => Outcome::Done(json),
                Err(e) => Outcome::Failed(record::unstorable(S::SPEC.id, &e)),
            },
            Err(error) => Outcome::Failed(codec.fail(error)),
        };
        self.stubs.steps.insert(S::SPEC.id, outcome);
        self
    }

    /// Sends a signal, which is there when the run comes to wait for it. One that is not sent times out at once where it
    /// has a limit.
    pub fn signal(mut self, name: &str, payload: &impl Serialize) -> Self {
        match Json::encode(payload) {
            Ok(json) => {
                self.stubs.signals.insert(name.to_owned(), json);
            }
            Err(source) => {
                let what = format!("the signal `{name}`");
                self.refused.get_or_insert(RunError::Unstorable { what, source });
            }
        }
        self
    }

    /// Gives the node of this id this output: one of several calls of a step, a child.
    pub fn stub_node(mut self, id: &str, output: &impl Serialize) -> Self {
        match Json::encode(output) {
            Ok(json) => {
                self.stubs.nodes.insert(id.to_owned(), Outcome::Done(json));
            }
            Err(source) => {
                let what = format!("the output given for `{id}`");
                self.refused.get_or_insert(RunError::Unstorable { what, source });
            }
        }
        self
    }

    /// Runs the graph.
    ///
    /// # Errors
    /// The failure that ended the run, or what a test should hear of: see [`RunError`].
    ///
    /// # Cancellation
    /// Steps under way are aborted when the future is dropped.
    pub async fn input(self, input: W::Input) -> Result<W::Output, RunError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let spec = (W::SPEC)();
        let definition = Definition::from(spec);
        self.stubs.check(&definition)?;
        let input = W::encode(&input)
            .map_err(|source| RunError::Unstorable { what: "the input".into(), source })?;
        let output = run_in_memory(spec, definition, self.stubs, input).await?;
        W::decode_output(&output).map_err(|e| RunError::Broken(e.to_string()))
    }
}

/// The value of a run, and of a child's.
async fn run_in_memory(
    spec: &'static WorkflowSpec,
    definition: Definition,
    stubs: Stubs,
    input: Json,
) -> Result<Json, RunError> {
    let graph = Graph::new(&definition).map_err(RunError::Definition)?;
    memory::Memory::new(spec, &definition, &graph, &stubs, input).run().await
}

impl Stubs {
    fn check(&self, definition: &Definition) -> Result<(), RunError> {
        let known = |stub: &str| {
            definition.nodes.iter().any(|n| n.id == stub || n.step.as_deref() == Some(stub))
        };
        let named = self.steps.keys().copied().chain(self.nodes.keys().map(String::as_str));
        match named.into_iter().filter(|stub| !known(stub)).min() {
            None => Ok(()),
            Some(stub) => {
                let ids: Vec<_> = definition.nodes.iter().map(|n| format!("`{}`", n.id)).collect();
                Err(RunError::UnknownStub { stub: stub.to_owned(), known: ids.join(", ") })
            }
        }
    }

    /// The outcome given for a node.
    fn of(&self, id: &str, kind: &NodeKindSpec) -> Option<Outcome> {
        let of_step = || self.steps.get(kind.step()?.id);
        self.nodes.get(id).or_else(of_step).cloned()
    }
}
