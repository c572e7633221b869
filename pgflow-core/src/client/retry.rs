//! Repeating runs that have ended.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
};

use serde::Serialize;
use serde_json::json;

use crate::{
    lifecycle::{Graph, kept, replay},
    payload::{Json, PayloadError},
    store::{
        RunId, StoreError, read,
        repeat::{Repeated, past, plan, repeat},
    },
};

use super::{Flow, named::check_input};

/// Why a run was not repeated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetryError {
    /// There is no such run.
    #[error("there is no run {0}, or its stored definition cannot be read")]
    Unknown(RunId),
    /// It is under way.
    #[error("run {0} is under way; cancel it first")]
    Live(RunId),
    /// It completed, and nothing was chosen to run again.
    #[error("run {0} completed; choose the node to run again from")]
    Completed(RunId),
    /// It belongs to a parent.
    #[error("run {run} is a child of run {parent}; repeat that one")]
    Child {
        /// The run.
        run: RunId,
        /// The run that waited for it.
        parent: RunId,
    },
    /// As many runs of its workflow are under way as may be.
    #[error(
        "as many runs of the workflow of run {0} are under way as may be; repeat it when one has ended"
    )]
    Full(RunId),
    /// The workflow has no such node.
    #[error("run {run} has no node `{node}` to run again from; it has {known}")]
    NoSuchNode {
        /// The run.
        run: RunId,
        /// The id.
        node: String,
        /// The ids that there are.
        known: String,
    },
    /// The new input cannot be stored, or does not fit the workflow.
    #[error("the new input: {0}")]
    Input(PayloadError),
    /// The database is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A repetition to be; await it for the id of the new run.
#[must_use = "a run is repeated when this is awaited"]
pub struct Retry {
    flow: Flow,
    run: RunId,
    actor: String,
    from: Option<String>,
    input: Option<Result<Json, PayloadError>>,
}

impl Retry {
    pub(super) fn new(flow: &Flow, run: RunId, actor: &str) -> Self {
        Self { flow: flow.clone(), run, actor: actor.into(), from: None, input: None }
    }

    /// Runs this node again and all that follows it, with the old results of everything else.
    pub fn from(mut self, node: impl Into<String>) -> Self {
        self.from = Some(node.into());
        self
    }

    /// Replaces the run's input; what is kept was made with the old one.
    pub fn input(mut self, input: &impl Serialize) -> Self {
        self.input = Some(Json::encode(input));
        self
    }

    async fn send(self) -> Result<RunId, RetryError> {
        let run = self.run;
        let input = self.input.transpose().map_err(RetryError::Input)?;
        let mut connection = self.flow.client().await?;
        let plan = plan(&mut connection, run).await?.ok_or(RetryError::Unknown(run))?;
        if plan.completed && self.from.is_none() {
            return Err(RetryError::Completed(run));
        }
        if let Some(input) = &input {
            check_input(&plan.definition, input).map_err(RetryError::Input)?;
        }
        let nodes = &plan.definition.nodes;
        let from = self.from.as_ref().map(|id| {
            nodes.iter().position(|n| n.id == *id).ok_or_else(|| {
                let known = nodes.iter().map(|n| format!("`{}`", n.id)).collect::<Vec<_>>();
                RetryError::NoSuchNode { run, node: id.clone(), known: known.join(", ") }
            })
        });
        let past = past(&mut connection, run, &plan).await?;
        let mut kept = kept(&plan.definition, &past, from.transpose()?);
        if input.is_some() {
            // another list may have other elements
            kept.partly.clear();
        }
        let graph = Graph::new(&plan.definition).map_err(|_| RetryError::Unknown(run))?;
        let tokens = replay(&graph, &kept.whole);
        match repeat(&mut connection, run, &plan, input.as_ref(), &kept, &tokens).await? {
            Repeated::Made(new) => {
                let detail = json!({ "run": new, "from": self.from, "input": input.is_some() });
                let detail = detail.to_string();
                read::audit(&mut connection, &self.actor, "retry", Some(run), Some(&detail))
                    .await?;
                Ok(new)
            }
            Repeated::Same(new) => Ok(new),
            Repeated::Live => Err(RetryError::Live(run)),
            Repeated::Child(parent) => Err(RetryError::Child { run, parent }),
            Repeated::Full => Err(RetryError::Full(run)),
            Repeated::Unknown => Err(RetryError::Unknown(run)),
        }
    }
}

impl IntoFuture for Retry {
    type Output = Result<RunId, RetryError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Flow {
    /// Goes on with a run that did not complete, or repeats one that did from a chosen node, as a new run on the same
    /// version: a run that has been repeated answers the one that repeats it. Its key leads to the new run.
    pub fn retry(&self, run: RunId, actor: &str) -> Retry {
        Retry::new(self, run, actor)
    }
}
