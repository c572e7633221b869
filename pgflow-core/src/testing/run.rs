//! A workflow's graph in memory, for unit tests of the host: every value goes through JSON and nodes run as soon as their
//! dependencies have settled, so it finds what a plain call cannot (lossy serde, NaN, a missing order). Sleeps are over at
//! once, signals come from the test, children run in memory too.
//! Retries, timeouts and limits are the engine's and are left out on purpose.

use std::{collections::HashMap, marker::PhantomData};

use serde::Serialize;

use crate::{
    context::StepContext,
    definition::{Definition, Problem},
    failure::Failure,
    lifecycle::Graph,
    payload::{Json, PayloadError},
    spec::WorkflowSpec,
    stubs::{StubError, Stubs},
    traits::{Step, Workflow},
};

use super::memory;

/// Prepares a run of the workflow `W`, as in `testing::run::<learn>().input(job).await`.
pub fn run<W: Workflow>() -> Run<W> {
    Run { provided: Provided::default(), refused: None, workflow: PhantomData }
}

/// A run to be, made by [`run`].
#[derive(Debug)]
#[must_use = "nothing runs before `.input(…).await`"]
pub struct Run<W> {
    provided: Provided,
    /// A signal that cannot be stored.
    refused: Option<RunError>,
    workflow: PhantomData<fn() -> W>,
}

/// What the test gives. Children find it too.
#[derive(Debug, Default, Clone)]
pub(super) struct Provided {
    pub stubs: Stubs,
    pub signals: HashMap<String, Json>,
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
    /// The input or a signal cannot be stored.
    #[error("{what} cannot be stored: {source}")]
    Unstorable {
        /// What was to be stored.
        what: String,
        /// The place and the reason.
        source: PayloadError,
    },
    /// A stub of what the workflow does not have, or that cannot be stored.
    #[error(transparent)]
    Stub(#[from] StubError),
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
        self.provided.stubs.step::<S>(result);
        self
    }

    /// Gives every call of a step what the function comes to.
    pub fn stub_with<S: Step>(
        mut self,
        _step: S,
        call: impl Fn(StepContext) -> Result<S::Output, S::Error> + Send + Sync + 'static,
    ) -> Self {
        self.provided.stubs.step_with::<S>(call);
        self
    }

    /// Sends a signal, which is there when the run comes to wait for it. One that is not sent times out at once where it
    /// has a limit.
    pub fn signal(mut self, name: &str, payload: &impl Serialize) -> Self {
        match Json::encode(payload) {
            Ok(json) => {
                self.provided.signals.insert(name.to_owned(), json);
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
        self.provided.stubs.node(id, output);
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
        self.provided.stubs.check([&definition])?;
        let input = W::encode(&input)
            .map_err(|source| RunError::Unstorable { what: "the input".into(), source })?;
        let output = run_in_memory(spec, definition, self.provided, input).await?;
        W::decode_output(&output).map_err(|e| RunError::Broken(e.to_string()))
    }
}

/// The value of a run, and of a child's.
pub(super) async fn run_in_memory(
    spec: &'static WorkflowSpec,
    definition: Definition,
    provided: Provided,
    input: Json,
) -> Result<Json, RunError> {
    let graph = Graph::new(&definition).map_err(RunError::Definition)?;
    memory::Memory::new(spec, &definition, &graph, &provided, input).run().await
}
