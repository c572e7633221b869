//! Repeating runs that have ended.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
};

use serde::Serialize;
use serde_json::json;

use crate::{
    definition::{Definition, NodeKind},
    lifecycle::{Graph, Kept, kept, replay},
    payload::{Json, PayloadError},
    redact::Secrets,
    store::{
        Connection, During, RunId, StoreError, audit,
        repeat::{Plan, Repeated, past, plan, repeat, replace_output},
    },
};

use super::{
    Flow,
    fits::fits,
    named::{check_input, check_size, linked_as},
};

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
    #[error("run {run} has no node `{node}`; it has {known}")]
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
    /// The new result of a step cannot be stored, or does not fit it.
    #[error("the new result of `{node}`: {problem}")]
    Output {
        /// The node.
        node: String,
        /// What is wrong, and where.
        problem: PayloadError,
    },
    /// There is no old result that a new one could stand for.
    #[error("the result of `{node}` cannot be replaced: {reason}")]
    NotReplaced {
        /// The node.
        node: String,
        /// Why not.
        reason: &'static str,
    },
    /// It was repeated before, without the changes that are asked for.
    #[error("run {run} was repeated before, as run {repeated}; repeat that one with the changes")]
    Before {
        /// The run.
        run: RunId,
        /// The run that repeats it.
        repeated: RunId,
    },
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
    outputs: Vec<(String, Result<Json, PayloadError>)>,
}

impl Retry {
    pub(super) fn new(flow: &Flow, run: RunId, actor: &str) -> Self {
        Self {
            flow: flow.clone(),
            run,
            actor: actor.into(),
            from: None,
            input: None,
            outputs: Vec::new(),
        }
    }

    /// Runs this node again and all that follows it, with the old results of everything else.
    pub fn from(mut self, node: impl Into<String>) -> Self {
        self.from = Some(node.into());
        self
    }

    /// Replaces the run's input; what is kept was made with the old one. It is checked as by [`Flow::start_named`].
    pub fn input(mut self, input: &impl Serialize) -> Self {
        self.input = Some(Json::encode(input));
        self
    }

    /// Replaces the result of a step that is kept; nodes behind it that are kept too were made with the old one. Where this
    /// binary links the workflow, it must decode as the step's own type; else it must fit what the text of that type says.
    pub fn output(mut self, node: impl Into<String>, output: &impl Serialize) -> Self {
        self.outputs.push((node.into(), Json::encode(output)));
        self
    }

    async fn send(self) -> Result<RunId, RetryError> {
        let run = self.run;
        let input = self.input.clone().transpose().map_err(RetryError::Input)?;
        let mut connection = self.flow.client().await?;
        let plan = plan(&mut connection, run).await?.ok_or(RetryError::Unknown(run))?;
        if plan.completed && self.from.is_none() {
            return Err(RetryError::Completed(run));
        }
        if let Some(input) = &input {
            check_input(&plan.definition, input).map_err(RetryError::Input)?;
        }
        let from = self.from.as_ref().map(|id| self.node(&plan.definition, id)).transpose()?;
        let past = past(&mut connection, run, &plan).await?;
        let mut kept = kept(&plan.definition, &past, from);
        if input.is_some() || !self.outputs.is_empty() {
            // another list may have other elements
            kept.partly.clear();
        }
        let outputs = self.replaced(&plan.definition, &kept)?;
        let mut begun = connection.begin().await.during("begin to repeat a run")?;
        let mut tx = Connection::within(&mut begun);
        match self.repeat(&mut tx, &plan, input.as_ref(), &outputs, &kept).await {
            Ok(new) => {
                begun.commit().await.during("commit a repetition")?;
                Ok(new)
            }
            Err(error) => {
                let _ = begun.rollback().await;
                Err(error)
            }
        }
    }

    fn node(&self, definition: &Definition, id: &str) -> Result<usize, RetryError> {
        let nodes = &definition.nodes;
        nodes.iter().position(|n| n.id == id).ok_or_else(|| {
            let known = nodes.iter().map(|n| format!("`{}`", n.id)).collect::<Vec<_>>();
            RetryError::NoSuchNode { run: self.run, node: id.into(), known: known.join(", ") }
        })
    }

    /// The new results, checked, by the nodes whose old ones are kept.
    fn replaced(
        &self,
        definition: &Definition,
        kept: &Kept,
    ) -> Result<Vec<(usize, Json)>, RetryError> {
        let spec = linked_as(definition);
        let mut outputs = Vec::new();
        for (id, output) in &self.outputs {
            let node = self.node(definition, id)?;
            let refuse = |reason| RetryError::NotReplaced { node: id.clone(), reason };
            if definition.nodes[node].kind != NodeKind::Step {
                return Err(refuse("only the result of a single step can be"));
            }
            if !kept.whole.contains(&node) {
                return Err(refuse("its step runs again, so no old one is kept"));
            }
            let step = spec.and_then(|spec| spec.nodes[node].kind.step());
            let check = |output: &Json| {
                check_size(output)?;
                match (step, &definition.nodes[node].output) {
                    (Some(step), _) => (step.check_output)(output),
                    (None, Some(text)) => fits(&output.decode()?, text, "."),
                    (None, None) => Ok(()),
                }
            };
            let secrets = |output: &Json| Secrets::of(output, &definition.nodes[node].redact);
            let checked = output.clone().and_then(|output| match check(&output) {
                Ok(()) => Ok(output),
                Err(problem) => Err(secrets(&output).hide_in_error(problem)),
            });
            let output =
                checked.map_err(|problem| RetryError::Output { node: id.clone(), problem })?;
            outputs.push((node, output));
        }
        Ok(outputs)
    }

    async fn repeat(
        &self,
        tx: &mut Connection<'_>,
        plan: &Plan,
        input: Option<&Json>,
        outputs: &[(usize, Json)],
        kept: &Kept,
    ) -> Result<RunId, RetryError> {
        let run = self.run;
        let graph = Graph::new(&plan.definition).map_err(|_| RetryError::Unknown(run))?;
        let tokens = replay(&graph, &kept.whole);
        let new = match repeat(tx, run, plan, input, kept, &tokens).await? {
            Repeated::Made(new) => new,
            Repeated::Same(new) if input.is_none() && outputs.is_empty() => return Ok(new),
            Repeated::Same(repeated) => return Err(RetryError::Before { run, repeated }),
            Repeated::Live => return Err(RetryError::Live(run)),
            Repeated::Child(parent) => return Err(RetryError::Child { run, parent }),
            Repeated::Full => return Err(RetryError::Full(run)),
            Repeated::Unknown => return Err(RetryError::Unknown(run)),
        };
        for (node, output) in outputs {
            if !replace_output(tx, new, plan, *node, output).await? {
                let node = plan.definition.nodes[*node].id.clone();
                let reason = "it has none, as its arm was not taken";
                return Err(RetryError::NotReplaced { node, reason });
            }
        }
        let replaced: Vec<&String> = self.outputs.iter().map(|(node, _)| node).collect();
        let detail =
            json!({ "run": new, "from": self.from, "input": input.is_some(), "outputs": replaced });
        audit::note(tx, &self.actor, "retry", run, &detail.to_string()).await?;
        Ok(new)
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
