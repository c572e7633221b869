//! A workflow as data: what is stored, compared, drawn and routed by. Knows no database, no clock, no runtime.
//!
//! The fingerprint covers the shape alone, so tuning, types, expression text and the order of statements may change
//! under one version; nodes, edges and names may not.

mod advice;
mod check;
mod from_spec;
mod obstacle;
pub(crate) mod order;
mod shape;

use serde::{Deserialize, Serialize};

pub use advice::advice;
pub use check::{NameError, Problem, check_name};
pub use obstacle::Obstacle;
pub use shape::{differences, retyped};

/// The longest text that is read, in bytes.
const TEXT_MAX: usize = 16 << 20;

/// A validated, versioned workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The stored name.
    pub name: String,
    /// The version of the shape.
    pub version: u32,
    /// SHA-256 over the shape, the first 32 hexadecimal digits.
    pub fingerprint: String,
    /// Tuning of the whole run.
    pub options: RunOptions,
    /// The inputs in order. One input is the payload itself, several are an object by name.
    pub input: Vec<Field>,
    /// The nodes in the order of the body.
    pub nodes: Vec<Node>,
    /// The final value.
    pub output: Output,
}

/// An input: its name and the text of its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The parameter's name.
    pub name: String,
    /// The text of its type.
    pub r#type: String,
}

/// The final value: the text of its type and the nodes that it reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The text of the type.
    pub r#type: String,
    /// Ids of the nodes whose results it reads, sorted.
    pub deps: Vec<String>,
}

/// One node of the graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The node's id, unique in the workflow.
    pub id: String,
    /// What it does.
    pub kind: NodeKind,
    /// The step that it runs, for steps and maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The workflow that a child runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The name of the signal that is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Ids of the nodes whose results it reads, sorted.
    pub deps: Vec<String>,
    /// Ids of further nodes that must have settled first, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// The arm of a branch that the node stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// The arms of a branch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<String>,
    /// A failure is a value of the body and does not end the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tolerated: bool,
    /// Elements of a map that are under way at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The share of a map's elements that must succeed; its value is then a list of results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The text of the output type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Tuning, with what the workflow hands down filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<TaskOptions>,
    /// JSON pointers to what of the output is not shown; of a map those into each element's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<String>,
}

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// One task.
    Step,
    /// One task per element of a list.
    Map,
    /// A choice between arms.
    Branch,
    /// A durable sleep.
    Sleep,
    /// A wait for a signal.
    Signal,
    /// A child run.
    Child,
}

/// The arm of a branch that a node stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The id of the branch.
    pub branch: String,
    /// The key of the arm.
    pub arm: String,
}

/// Tuning of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunOptions {
    /// How long a run may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Runs under way at once, over all processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// A cron expression in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// JSON pointers to what of the input and of the output is not shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<String>,
}

/// Effective tuning of the tasks of one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskOptions {
    /// How long one attempt may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Attempts after the first.
    pub retries: u32,
    /// Delay before the first retry, in milliseconds.
    pub retry_delay_ms: u64,
    /// What the delay is multiplied by each time; 1 is a fixed delay.
    pub backoff: f64,
    /// Tasks of the step that run at once, over all processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// GPUs that a task holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<u16>,
    /// Memory in bytes that each GPU must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vram_bytes: Option<u64>,
    /// The pool of one slot that the step shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<String>,
    /// Memory in bytes, admitted against what a worker offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Thousandths of a core, admitted against what a worker offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_milli: Option<u32>,
    /// Higher goes first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i16,
    /// Starts per interval, as in `100/1000ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<String>,
    /// How long a result serves equal arguments, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_ms: Option<u64>,
    /// The most elements of one call and how long the first waits, as in `32/20ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Counts changes of the code behind a cached result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The completion commits together with the step's own writes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transactional: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &i16) -> bool {
    *n == 0
}

/// The most that a delay between attempts grows to, in milliseconds.
pub const RETRY_DELAY_CAP_MS: u64 = 300_000;

impl Default for TaskOptions {
    fn default() -> Self {
        Self {
            timeout_ms: None,
            retries: 3,
            retry_delay_ms: 1_000,
            backoff: 2.0,
            concurrency: None,
            gpu: None,
            vram_bytes: None,
            exclusive: None,
            memory_bytes: None,
            cpu_milli: None,
            priority: 0,
            rate_limit: None,
            cache_ms: None,
            batch: None,
            revision: None,
            transactional: false,
        }
    }
}

impl Definition {
    /// Canonical JSON, indented, with a line end: the form for snapshots and files.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a definition and checks it as the macro would have done. A text of more than 16 MiB is not read.
    ///
    /// # Errors
    /// Every problem found, up to a hundred: the place and serde's words where the text is no definition, else what
    /// [`Problem`] lists.
    pub fn from_json(text: &str) -> Result<Self, Vec<Problem>> {
        if text.len() > TEXT_MAX {
            return Err(vec![Problem::Text { size: text.len() }]);
        }
        let unreadable = |path: String, problem: serde_json::Error| {
            vec![Problem::Unreadable { path, problem: check::cut(&problem.to_string()) }]
        };
        let mut reader = serde_json::Deserializer::from_str(text);
        let definition: Self = serde_path_to_error::deserialize(&mut reader)
            .map_err(|e| unreadable(check::cut(&e.path().to_string()), e.into_inner()))?;
        reader.end().map_err(|e| unreadable("behind the definition".into(), e))?;
        definition.check()?;
        definition.check_use()?;
        Ok(definition)
    }

    /// Whether anything of its runs is not shown.
    pub fn redacts(&self) -> bool {
        !self.options.redact.is_empty() || self.nodes.iter().any(|node| !node.redact.is_empty())
    }

    /// The node of this id.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|n| n.id == id)
    }
}

#[cfg(test)]
pub(crate) fn tests_fingerprint(definition: &Definition) -> String {
    shape::fingerprint(definition)
}
