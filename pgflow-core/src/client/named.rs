//! Starting runs of workflows whose code this program may not have, by their stored names.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use crate::{
    definition::Definition,
    lifecycle::{Graph, Position},
    payload::{INPUT_MAX, Json, PayloadError},
    redact::Secrets,
    registry::{head_start, linked},
    spec::WorkflowSpec,
    store::{
        RunId, StoreError,
        look::{Startable, find_version, workflows},
        start::{StartOptions, Started, start},
    },
    trace::TraceParent,
};

use super::{
    Flow,
    fits::fits,
    start::{StartError, is_key},
};

/// Why a run was not started by its workflow's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NamedStartError {
    /// Nobody has registered it.
    #[error(
        "there is no {workflow}; a worker whose binary links it registers it, and there are {known}"
    )]
    Unknown {
        /// Name and version.
        workflow: String,
        /// What there is.
        known: String,
    },
    /// It was stored by another release, which this one cannot read.
    #[error(
        "the stored definition of `{0}` cannot be read by this binary; start it with the one that registered it"
    )]
    Unreadable(String),
    /// The input does not fit.
    #[error("the input of `{workflow}`: {problem}")]
    Input {
        /// The workflow.
        workflow: String,
        /// What is wrong, and where.
        problem: PayloadError,
    },
    /// For any other reason.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl From<StoreError> for NamedStartError {
    fn from(error: StoreError) -> Self {
        Self::Start(error.into())
    }
}

/// A run to be; await it.
#[must_use = "a run is started when this is awaited"]
#[derive(Debug)]
pub struct NamedStart {
    flow: Flow,
    workflow: String,
    input: Json,
    actor: String,
    version: Option<u32>,
    key: Option<String>,
    options: StartOptions,
}

impl NamedStart {
    /// On this version instead of the newest that is registered.
    pub fn version(mut self, version: u32) -> Self {
        self.version = Some(version);
        self
    }

    /// Starting twice under one key gives the first run. Another input under the same key is an error.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Begins only after this delay, by the database's clock.
    pub fn after(mut self, delay: Duration) -> Self {
        self.options.delay = Some(delay);
        self
    }

    /// Higher goes first; 0 by default.
    pub fn priority(mut self, priority: i16) -> Self {
        self.options.priority = priority;
        self
    }

    /// The span that it is started in; without one that of the flow's source.
    pub fn trace(mut self, parent: TraceParent) -> Self {
        self.options.trace = Some(parent.to_string());
        self
    }

    async fn send(self) -> Result<RunId, NamedStartError> {
        if let Some(key) = self.key.as_ref().filter(|key| !is_key(key)) {
            return Err(StartError::Key(key.len()).into());
        }
        for spec in linked().into_iter().filter(|spec| spec.id == self.workflow) {
            self.flow.register(spec).await.map_err(StartError::from)?;
        }
        let mut connection = self.flow.client().await?;
        let Some(stored) = find_version(&mut connection, &self.workflow, self.version).await?
        else {
            return Err(self.unknown().await?);
        };
        let unreadable = || NamedStartError::Unreadable(self.workflow.clone());
        check_input(&stored.definition, &self.input).map_err(|problem| NamedStartError::Input {
            workflow: self.workflow.clone(),
            problem,
        })?;
        let first = first(&stored, self.options.delay.is_some()).ok_or_else(unreadable)?;
        let entry = stored.entry(first).ok_or_else(unreadable)?;
        let priority = match first {
            Position::Step(node) => stored.definition.nodes[node].options.as_ref(),
            _ => None,
        };
        let options = StartOptions {
            trace: self.options.trace.or_else(|| self.flow.current_trace()),
            timeout: stored.definition.options.timeout_ms.map(Duration::from_millis),
            head: head_start(self.options.priority)
                + head_start(priority.map_or(0, |options| options.priority)),
            actor: Some(self.actor),
            ..self.options
        };
        let inputs = [(self.input, self.key.clone())];
        let started = start(&mut connection, &entry, &inputs, &options).await?;
        let [Started { run, fresh, same_input }] = started[..] else { return Err(unreadable()) };
        match self.key {
            Some(key) if !same_input => return Err(StartError::OtherInput { key, run }.into()),
            _ if !fresh => return Ok(run),
            _ => {}
        }
        drop(connection);
        self.flow.warn_unserved(entry.workflow_id, &stored.definition).await;
        Ok(run)
    }

    async fn unknown(&self) -> Result<NamedStartError, StoreError> {
        let known = workflows(&mut self.flow.client().await?).await?;
        let known = known.iter().flat_map(|(name, versions)| {
            versions.iter().map(move |version| format!("`{name}@{version}`"))
        });
        let known: Vec<String> = known.collect();
        let workflow = match self.version {
            Some(version) => format!("workflow `{}` version {version}", self.workflow),
            None => format!("workflow `{}`", self.workflow),
        };
        let known = if known.is_empty() { "none yet".into() } else { known.join(", ") };
        Ok(NamedStartError::Unknown { workflow, known })
    }
}

impl IntoFuture for NamedStart {
    type Output = Result<RunId, NamedStartError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Flow {
    /// Starts a run of a registered workflow by its stored name. The input is checked against the workflow's own types
    /// where this binary links it. Else it is checked against the names of its inputs and what the text of their types says:
    /// types of the language, and options, lists, maps and tuples of them. What a type of the host's holds is not stored, so it is
    /// not checked, and a run whose input does not fit it fails when it is read. `actor` is written down with it.
    pub fn start_named(&self, workflow: &str, input: Json, actor: &str) -> NamedStart {
        NamedStart {
            flow: self.clone(),
            workflow: workflow.into(),
            input,
            actor: actor.into(),
            version: None,
            key: None,
            options: StartOptions::default(),
        }
    }
}

fn first(stored: &Startable, delayed: bool) -> Option<Position> {
    if stored.limited || delayed {
        return Some(Position::Start);
    }
    Graph::new(&stored.definition).ok().map(|graph| graph.first())
}

pub(super) fn check_size(payload: &Json) -> Result<(), PayloadError> {
    let size = payload.as_str().len();
    if size <= INPUT_MAX {
        return Ok(());
    }
    let problem = format!(
        "{size} bytes are more than the limit of {INPUT_MAX}; store it elsewhere and pass where"
    );
    Err(PayloadError::Unstorable { path: ".".into(), problem })
}

/// The workflow of this binary that has the same shape, if it links it.
pub(super) fn linked_as(definition: &Definition) -> Option<&'static WorkflowSpec> {
    linked().into_iter().find(|spec| {
        spec.id == definition.name
            && spec.version == definition.version
            && Definition::from(*spec).fingerprint == definition.fingerprint
    })
}

/// Checks an input by the types of the code where this binary links it, else by the names of the inputs and the text of
/// their types.
pub(super) fn check_input(definition: &Definition, input: &Json) -> Result<(), PayloadError> {
    let hide = |e| Secrets::of(input, &definition.options.redact).hide_in_error(e);
    check(definition, input).map_err(hide)
}

fn check(definition: &Definition, input: &Json) -> Result<(), PayloadError> {
    check_size(input)?;
    if let Some(spec) = linked_as(definition) {
        return (spec.check_input)(input);
    }
    let mismatch = |problem: String| Err(PayloadError::Mismatch { path: ".".into(), problem });
    let value: serde_json::Value = input.decode()?;
    match (&definition.input[..], &value) {
        ([], serde_json::Value::Null) => Ok(()),
        ([only], value) => fits(value, &only.r#type, "."),
        ([], _) => mismatch("the workflow takes no input; give `null` or none".into()),
        (fields, serde_json::Value::Object(members)) => {
            let missing = fields.iter().find(|f| !members.contains_key(&f.name));
            let strange = members.keys().find(|k| fields.iter().all(|f| f.name != **k));
            match (missing, strange) {
                (Some(field), _) => {
                    mismatch(format!("`{}` is missing, of type `{}`", field.name, field.r#type))
                }
                (None, Some(name)) => mismatch(format!(
                    "it has no input `{name}`; its inputs are {}",
                    names(definition)
                )),
                (None, None) => {
                    fields.iter().try_for_each(|f| fits(&members[&f.name], &f.r#type, &f.name))
                }
            }
        }
        _ => mismatch(format!("it is an object with the members {}", names(definition))),
    }
}

fn names(definition: &Definition) -> String {
    definition.input.iter().map(|f| format!("`{}`", f.name)).collect::<Vec<_>>().join(", ")
}
