//! Outcomes that a test gives in place of a node's own, on a worker and in memory.

use std::{collections::HashMap, fmt, sync::Arc};

use serde::Serialize;

use crate::{
    context::StepContext,
    definition::Definition,
    payload::{Json, PayloadError},
    record,
    spec::{BoxFuture, NodeKindSpec, Outcome},
    traits::{Codec, Step},
};

/// Why a stub is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StubError {
    /// Its output cannot be stored.
    #[error("the output given for `{node}` cannot be stored: {source}")]
    Unstorable {
        /// The id of the node.
        node: String,
        /// The place and the reason.
        source: PayloadError,
    },
    /// There is no such step or node.
    #[error("no node `{stub}` to stub; known are {known}")]
    Unknown {
        /// The id of the step or node.
        stub: String,
        /// The ids that there are.
        known: String,
    },
}

type Call = Arc<dyn Fn(StepContext) -> Outcome + Send + Sync>;

/// What to give for which step or node.
#[derive(Clone, Default)]
pub struct Stubs {
    steps: HashMap<&'static str, Call>,
    nodes: HashMap<String, Call>,
    refused: Option<StubError>,
}

impl Stubs {
    /// Gives every call of a step this result.
    pub fn step<S: Step>(&mut self, result: Result<S::Output, S::Error>) {
        let outcome = stored::<S>(result);
        self.steps.insert(S::SPEC.id, Arc::new(move |_| outcome.clone()));
    }

    /// Gives every call of a step what the function comes to.
    pub fn step_with<S: Step>(
        &mut self,
        call: impl Fn(StepContext) -> Result<S::Output, S::Error> + Send + Sync + 'static,
    ) {
        self.steps.insert(S::SPEC.id, Arc::new(move |context| stored::<S>(call(context))));
    }

    /// Gives the node of this id this output.
    pub fn node(&mut self, id: &str, output: &impl Serialize) {
        match Json::encode(output) {
            Ok(json) => {
                self.nodes.insert(id.to_owned(), Arc::new(move |_| Outcome::Done(json.clone())));
            }
            Err(source) => {
                self.refused.get_or_insert(StubError::Unstorable { node: id.to_owned(), source });
            }
        }
    }

    /// Whether the step has a stub.
    pub fn has_step(&self, id: &str) -> bool {
        self.steps.contains_key(id)
    }

    /// Refuses what cannot be stored, and stubs of what none of these workflows has.
    ///
    /// # Errors
    /// See [`StubError`].
    pub fn check<'d>(
        &self,
        definitions: impl IntoIterator<Item = &'d Definition>,
    ) -> Result<(), StubError> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        let nodes: Vec<_> = definitions.into_iter().flat_map(|d| &d.nodes).collect();
        let known =
            |stub: &str| nodes.iter().any(|n| n.id == stub || n.step.as_deref() == Some(stub));
        let named = self.steps.keys().copied().chain(self.nodes.keys().map(String::as_str));
        match named.into_iter().filter(|stub| !known(stub)).min() {
            None => Ok(()),
            Some(stub) => {
                let ids: Vec<_> = nodes.iter().map(|n| format!("`{}`", n.id)).collect();
                Err(StubError::Unknown { stub: stub.to_owned(), known: ids.join(", ") })
            }
        }
    }

    /// The call that stands in for a node's own, where there is one.
    pub fn of(&self, id: &str, kind: &NodeKindSpec) -> Option<BoxFuture<Outcome>> {
        let of_step = || self.steps.get(kind.step()?.id);
        let call = self.nodes.get(id).or_else(of_step)?.clone();
        Some(Box::pin(async move { call(StepContext::current()) }))
    }
}

impl fmt::Debug for Stubs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stubs")
            .field("steps", &self.steps.keys())
            .field("nodes", &self.nodes.keys())
            .finish_non_exhaustive()
    }
}

fn stored<S: Step>(result: Result<S::Output, S::Error>) -> Outcome {
    let codec = S::Codec::default();
    match result {
        Ok(output) => match codec.encode(&output) {
            Ok(json) => Outcome::Done(json),
            Err(e) => Outcome::Failed(record::unstorable(S::SPEC.id, &e)),
        },
        Err(error) => Outcome::Failed(codec.fail(error)),
    }
}
