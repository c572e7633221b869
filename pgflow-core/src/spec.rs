//! What the macros write down: workflows and steps as constants of the binary. Nothing here is stored;
//! [`Definition`](crate::definition::Definition) is made from it.

use std::{any::TypeId, future::Future, pin::Pin};

use crate::{env::Env, failure::Failure, payload::Json};

/// A boxed future, as the slices return it.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A type of the host that a step reaches through `StepContext::state`, with its name.
pub type Need = fn() -> (TypeId, &'static str);

/// A function marked `#[step]`.
#[derive(Debug, Clone, Copy)]
pub struct StepSpec {
    /// The stored name.
    pub id: &'static str,
    /// The crate that declares it.
    pub krate: &'static str,
    /// `file:line` of the declaration.
    pub at: &'static str,
    /// The text of the output type.
    pub output: &'static str,
    /// Checks that a payload decodes as the output.
    pub check_output: fn(&Json) -> Result<(), crate::payload::PayloadError>,
    /// The declared options.
    pub options: StepOptions,
    /// The host state that the step asks for.
    pub needs: &'static [Need],
}

/// The options of `#[step]`; `None` is what was not written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepOptions {
    /// How long one attempt may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Attempts after the first.
    pub retries: Option<u32>,
    /// Delay before the first retry, in milliseconds.
    pub retry_delay_ms: Option<u64>,
    /// How the delay grows.
    pub backoff: Option<Backoff>,
    /// Tasks of this step that run at once, over all processes.
    pub concurrency: Option<u32>,
    /// GPUs that one task holds.
    pub gpu: Option<GpuDemand>,
    /// The pool of one slot that the step shares; the step's own id when written without a name.
    pub exclusive: Option<&'static str>,
    /// Memory in bytes, admitted against what a worker offers.
    pub memory_bytes: Option<u64>,
    /// Thousandths of a core, admitted against what a worker offers.
    pub cpu_milli: Option<u32>,
    /// Higher goes first.
    pub priority: Option<i16>,
    /// Starts per interval, over all processes.
    pub rate_limit: Option<RateLimit>,
    /// How long a result serves runs with equal arguments, in milliseconds.
    pub cache_ms: Option<u64>,
    /// Gather elements of several runs into one call.
    pub batch: Option<Batch>,
    /// Counts changes of the code behind a cached result.
    pub revision: Option<u32>,
    /// The completion commits together with the step's own writes.
    pub transactional: bool,
    /// JSON pointers to what of the output is not shown.
    pub redact: &'static [&'static str],
}

impl StepOptions {
    /// No option written.
    pub const NONE: Self = Self {
        timeout_ms: None,
        retries: None,
        retry_delay_ms: None,
        backoff: None,
        concurrency: None,
        gpu: None,
        exclusive: None,
        memory_bytes: None,
        cpu_milli: None,
        priority: None,
        rate_limit: None,
        cache_ms: None,
        batch: None,
        revision: None,
        transactional: false,
        redact: &[],
    };
}

/// How the delay between attempts grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Backoff {
    /// The same delay each time.
    Fixed,
    /// Multiplied by this factor each time.
    Exponential(f64),
}

/// GPUs that one task holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GpuDemand {
    /// How many devices.
    pub count: u16,
    /// Memory that each must have, in bytes.
    pub vram_bytes: Option<u64>,
}

/// Starts per interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many.
    pub count: u32,
    /// The interval in milliseconds.
    pub per_ms: u64,
}

/// How a batching step gathers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// The most elements of one call.
    pub max: u32,
    /// How long the first element waits for others, in milliseconds.
    pub linger_ms: u64,
}

/// The options of `#[workflow]`; `None` is what was not written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WorkflowOptions {
    /// How long a run may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Attempts after the first, for steps that do not say.
    pub retries: Option<u32>,
    /// Delay before the first retry in milliseconds, for steps that do not say.
    pub retry_delay_ms: Option<u64>,
    /// Runs that are under way at once, over all processes.
    pub concurrency: Option<u32>,
    /// A cron expression in UTC.
    pub schedule: Option<&'static str>,
    /// JSON pointers to what of the input and of the output is not shown.
    pub redact: &'static [&'static str],
}

impl WorkflowOptions {
    /// No option written.
    pub const NONE: Self = Self {
        timeout_ms: None,
        retries: None,
        retry_delay_ms: None,
        concurrency: None,
        schedule: None,
        redact: &[],
    };
}

/// A function marked `#[workflow]`.
#[derive(Debug)]
pub struct WorkflowSpec {
    /// The stored name.
    pub id: &'static str,
    /// The version of its shape.
    pub version: u32,
    /// The crate that declares it.
    pub krate: &'static str,
    /// `file:line` of the declaration.
    pub at: &'static str,
    /// Names and type texts of the inputs, in order. One input is the payload itself, several are an object.
    pub inputs: &'static [(&'static str, &'static str)],
    /// Checks that a payload decodes as the inputs.
    pub check_input: fn(&Json) -> Result<(), crate::payload::PayloadError>,
    /// The text of the output type.
    pub output_type: &'static str,
    /// The nodes whose results the final value reads.
    pub output_loads: &'static [usize],
    /// The declared options.
    pub options: WorkflowOptions,
    /// The nodes; each names only earlier ones.
    pub nodes: &'static [NodeSpec],
    /// Evaluates the final value.
    pub output: fn(&Env) -> Outcome,
}

/// One node of a workflow.
#[derive(Debug, Clone, Copy)]
pub struct NodeSpec {
    /// What the node does.
    pub kind: NodeKindSpec,
    /// `#[id = "…"]` before the statement.
    pub id: Option<&'static str>,
    /// Nodes whose results the slice reads: the arguments of a step, the items of a map.
    pub loads: &'static [usize],
    /// Nodes whose results the call of one element of a map reads.
    pub each_loads: &'static [usize],
    /// Nodes that must have settled first without their results being read.
    pub order: &'static [usize],
    /// The branch and the index of its arm that the node stands in.
    pub condition: Option<(usize, usize)>,
    /// Awaited without `?`: its failure is a value.
    pub tolerated: bool,
    /// The code.
    pub run: NodeRun,
}

/// What a node does.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum NodeKindSpec {
    /// One task.
    Step(StepSpec),
    /// One task per element.
    Map(StepSpec, MapOptions),
    /// A choice between arms, by their keys.
    Branch(&'static [&'static str]),
    /// A durable sleep.
    Sleep,
    /// A wait for a signal.
    Signal {
        /// The name under which it is sent.
        name: &'static str,
        /// The text of its type.
        output: &'static str,
    },
    /// A run of another workflow.
    Child(fn() -> &'static WorkflowSpec),
}

impl NodeKindSpec {
    /// The step of a task or of the elements of a map.
    pub fn step(&self) -> Option<StepSpec> {
        match self {
            Self::Step(step) | Self::Map(step, _) => Some(*step),
            Self::Branch(_) | Self::Sleep | Self::Signal { .. } | Self::Child(_) => None,
        }
    }
}

/// What is written behind a `pgflow::map`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MapOptions {
    /// Elements under way at once.
    pub limit: Option<u32>,
    /// The share of elements that must succeed, from 0 to 1; the value is then a list of results.
    pub at_least: Option<f64>,
}

impl MapOptions {
    /// Nothing written.
    pub const NONE: Self = Self { limit: None, at_least: None };
}

/// The code of a node: slices of the workflow's body.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum NodeRun {
    /// Evaluates the arguments and calls the step.
    Step(fn(Env) -> BoxFuture<Outcome>),
    /// Evaluates the list; calls the step for one element of it.
    Map {
        /// The list, as [`Outcome::Items`].
        items: fn(&Env) -> Outcome,
        /// The call for one element.
        each: fn(Env, Json) -> BoxFuture<Outcome>,
    },
    /// Pure code: the arm of a branch, the duration of a sleep, the limit of a signal, the input of a child.
    Pure(fn(&Env) -> Outcome),
}

/// What a slice came to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The value.
    Done(Json),
    /// The elements of a map.
    Items(Vec<Json>),
    /// The index of the arm that a branch takes.
    Arm(usize),
    /// How long a sleep lasts, or a signal is waited for; `None`: without end.
    Wait(Option<std::time::Duration>),
    /// The step's error, or the error of pure code in the body.
    Failed(Failure),
    /// A stored value did not decode, or the output cannot be stored: a fault of the program.
    Broken(String),
}

/// What is stored of a node that has settled, as a slice reads it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Stored {
    /// The output of a step, the payload of a signal, the value of a child, the key of a branch's arm.
    Done(Json),
    /// The outputs of a map's elements, in input order.
    Elements(Vec<Json>),
    /// What became of each element of a map that may lose some, in input order.
    Results(Vec<Result<Json, Failure>>),
    /// The failure of a tolerated node.
    Failed(Failure),
    /// Its arm was not taken.
    Skipped,
}

/// All workflows that this binary links. A workflow of a crate that no line of the binary names is not linked.
#[linkme::distributed_slice]
pub static WORKFLOWS: [fn() -> &'static WorkflowSpec];
