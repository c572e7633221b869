//! The workflows of this binary: checked, tuned, and registered in a database.

mod path;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::{
    definition::{Definition, NodeKind, Problem, TaskOptions},
    lifecycle::{Graph, Position, RetryPolicy},
    spec::{StepSpec, WORKFLOWS, WorkflowSpec},
    store::{
        Connection, TokenKey,
        register::{END, Numbers, PoolSize, Pools, RegisterError, START, register},
        start::Entry,
    },
};

/// Head start of one level of priority: a lower one waits at most this much longer per level.
const HEAD_START_PER_LEVEL_US: i64 = 60_000_000;

/// What is wrong with the workflows of this binary.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Two workflows, or two steps, have one name.
    #[error("{}", .0.join("\n"))]
    Clash(Vec<String>),
    /// A definition breaks the rules; the macro should have refused it.
    #[error("workflow `{name}`: {}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid {
        /// The workflow.
        name: String,
        /// The rules that it breaks.
        problems: Vec<Problem>,
    },
    /// Tuning names a step or workflow that this binary does not have.
    #[error("tuning from {origin} names `{name}`, which this binary does not have; it has {known}")]
    UnknownTuning {
        /// Where the tuning came from.
        origin: String,
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The database refused.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

/// Limits that an operator sets at start, by name, over what the code declares. The shape of a workflow stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tuning {
    origin: String,
    steps: BTreeMap<String, StepTuning>,
    workflows: BTreeMap<String, WorkflowTuning>,
}

/// What may be set for a step; `None` leaves the declared value.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StepTuning {
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// Attempts after the first.
    pub retries: Option<u32>,
    /// Delay before the first retry.
    pub retry_delay: Option<Duration>,
    /// Tasks at once over all processes.
    pub concurrency: Option<u32>,
}

/// What may be set for a workflow; `None` leaves the declared value.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WorkflowTuning {
    /// How long a run may take.
    pub timeout: Option<Duration>,
    /// Runs at once over all processes.
    pub concurrency: Option<u32>,
}

impl Tuning {
    /// No tuning; `origin` says in messages where it comes from.
    pub fn new(origin: impl Into<String>) -> Self {
        Self { origin: origin.into(), ..Self::default() }
    }

    /// Sets limits of a step, by its stored name.
    #[must_use]
    pub fn step(mut self, id: impl Into<String>, tuning: StepTuning) -> Self {
        self.steps.insert(id.into(), tuning);
        self
    }

    /// Sets limits of a workflow, by its stored name.
    #[must_use]
    pub fn workflow(mut self, id: impl Into<String>, tuning: WorkflowTuning) -> Self {
        self.workflows.insert(id.into(), tuning);
        self
    }

    /// Whether how long the workflow or one of its steps may take is set here.
    fn times(&self, spec: &WorkflowSpec) -> bool {
        let own = self.workflows.get(spec.id).is_some_and(|own| own.timeout.is_some());
        let mut steps = spec.nodes.iter().filter_map(|node| node.kind.step());
        let tuned = |step: StepSpec| self.steps.get(step.id).is_some_and(|s| s.timeout.is_some());
        own || steps.any(tuned)
    }

    fn check(&self, specs: &[&'static WorkflowSpec]) -> Result<(), RegistryError> {
        let workflows: Vec<&str> = specs.iter().map(|s| s.id).collect();
        let steps: Vec<&str> = specs
            .iter()
            .flat_map(|s| s.nodes)
            .filter_map(|n| n.kind.step())
            .map(|s| s.id)
            .collect();
        for (names, known) in [
            (self.workflows.keys().collect::<Vec<_>>(), workflows),
            (self.steps.keys().collect::<Vec<_>>(), steps),
        ] {
            if let Some(name) = names.into_iter().find(|n| !known.contains(&n.as_str())) {
                let mut known: Vec<String> = known.iter().map(|k| format!("`{k}`")).collect();
                known.sort();
                known.dedup();
                return Err(RegistryError::UnknownTuning {
                    origin: self.origin.clone(),
                    name: name.clone(),
                    known: known.join(", "),
                });
            }
        }
        Ok(())
    }
}

/// All workflows that this binary links.
pub fn linked() -> Vec<&'static WorkflowSpec> {
    WORKFLOWS.iter().map(|w| w()).collect()
}

/// The definitions of all workflows that this binary links.
pub fn definitions() -> Vec<Definition> {
    linked().into_iter().map(Definition::from).collect()
}

/// Checks that no two workflows, and no two steps, that are served together have one name.
///
/// # Errors
/// [`RegistryError::Clash`] with crate, file and line of both, for each name that two have.
pub fn check_names(specs: &[&'static WorkflowSpec]) -> Result<(), RegistryError> {
    let mut clashes = Vec::new();
    let mut flows: HashMap<(&str, u32), &WorkflowSpec> = HashMap::new();
    let mut steps: HashMap<&str, StepSpec> = HashMap::new();
    for spec in specs {
        if let Some(first) = flows.insert((spec.id, spec.version), spec) {
            let what = format!("two workflows are called `{}` version {}", spec.id, spec.version);
            clashes.push(clash(&what, (first.krate, first.at), (spec.krate, spec.at)));
        }
        for step in spec.nodes.iter().filter_map(|n| n.kind.step()) {
            if let Some(first) = steps.insert(step.id, step)
                && (first.krate, first.at) != (step.krate, step.at)
            {
                let what = format!("two steps are called `{}`", step.id);
                clashes.push(clash(&what, (first.krate, first.at), (step.krate, step.at)));
            }
        }
    }
    clashes.sort();
    clashes.dedup();
    if clashes.is_empty() { Ok(()) } else { Err(RegistryError::Clash(clashes)) }
}

fn clash(what: &str, a: (&str, &str), b: (&str, &str)) -> String {
    format!("{what}: {} ({}) and {} ({}); give one of them `id = \"…\"`", a.0, a.1, b.0, b.1)
}

/// A registered version of a workflow: its code, its graph, and its numbers in the database.
#[derive(Debug)]
pub struct Version {
    /// The code.
    pub spec: &'static WorkflowSpec,
    /// The definition.
    pub definition: Definition,
    /// The graph.
    pub graph: Graph,
    /// The numbers.
    pub numbers: Numbers,
    /// How the tasks of each node run; `None` for a node without a step.
    pub tasks: Vec<Option<TaskPlan>>,
    /// The pool that limits the runs under way.
    pub run_pool: Option<i32>,
    /// How long a run may take.
    pub timeout: Option<Duration>,
}

/// How the tasks of a node run, with tuning applied.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskPlan {
    /// The stored name of the step.
    pub step: &'static str,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// When to try again.
    pub retry: RetryPolicy,
    /// The pools of which a task needs a slot, ascending.
    pub pools: Vec<i32>,
    /// The pool of a rate limit and the time that its slots rest.
    pub rate: Option<(i32, Duration)>,
    /// GPUs that a task needs.
    pub gpus: u16,
    /// Memory in bytes that each GPU must have.
    pub vram_bytes: u64,
    /// Memory in bytes that a task needs.
    pub memory_bytes: u64,
    /// Thousandths of a core that a task needs.
    pub cpu_milli: u32,
    /// Head start of its priority, in microseconds.
    pub head: i64,
    /// Its completion commits in the transaction of the step.
    pub transactional: bool,
    /// Its results serve equal arguments.
    pub cached: bool,
}

impl TaskPlan {
    /// Whether a task may go on in a worker without a claim.
    pub fn is_unlimited(&self) -> bool {
        self.pools.is_empty() && self.gpus == 0 && self.memory_bytes == 0 && self.cpu_milli == 0
    }
}

/// Head start of a priority, in microseconds.
pub fn head_start(priority: i16) -> i64 {
    i64::from(priority) * HEAD_START_PER_LEVEL_US
}

impl Version {
    /// Checks a workflow and registers it.
    ///
    /// # Errors
    /// See [`RegistryError`].
    pub async fn register(
        connection: &mut Connection<'_>,
        spec: &'static WorkflowSpec,
        tuning: &Tuning,
    ) -> Result<Arc<Self>, RegistryError> {
        tuning.check(&linked())?;
        let definition = Definition::from(spec);
        let graph = Graph::new(&definition)
            .map_err(|problems| RegistryError::Invalid { name: spec.id.into(), problems })?;
        let sizes = pool_sizes(&definition, tuning);
        let numbers = register(connection, &definition, &sizes).await?;
        let tasks: Vec<_> = spec
            .nodes
            .iter()
            .zip(&definition.nodes)
            .map(|(node, stored)| {
                let options = stored.options.clone().unwrap_or_default();
                node.kind.step().map(|step| task_plan(step, options, tuning, &numbers))
            })
            .collect();
        let own = tuning.workflows.get(spec.id).copied().unwrap_or_default();
        let timeout = own.timeout.or(definition.options.timeout_ms.map(Duration::from_millis));
        if tuning.times(spec)
            && let Some(problem) = path::too_long(&definition, &tasks, timeout)
        {
            let (name, origin) = (spec.id, &tuning.origin);
            tracing::warn!("`{name}` as tuned by {origin}: {problem}");
        }
        Ok(Arc::new(Self {
            spec,
            graph,
            tasks,
            run_pool: numbers.pools.get(&format!("workflow:{}", spec.id)).copied(),
            timeout,
            definition,
            numbers,
        }))
    }

    /// Where a run begins; a run that waits before it begins does so at the start.
    pub fn first(&self, delayed: bool) -> Position {
        if self.run_pool.is_some() || delayed { Position::Start } else { self.graph.first() }
    }

    /// How a run begins at a position.
    pub fn entry(&self, first: Position) -> Entry {
        Entry {
            workflow_id: self.numbers.workflow_id,
            workflow: self.definition.name.clone(),
            node: self.number(first),
            queue: self.queue(first),
        }
    }

    /// The number of a position's node.
    pub fn number(&self, at: Position) -> i16 {
        match at {
            Position::Start => START,
            Position::End => END,
            Position::Step(n)
            | Position::Enter(n)
            | Position::Element(n, _)
            | Position::Gather(n)
            | Position::Wake(n) => self.numbers.nodes[n],
        }
    }

    /// The queue of a position.
    pub fn queue(&self, at: Position) -> i32 {
        match at {
            Position::Step(n) | Position::Element(n, _) | Position::Wake(n) => {
                self.numbers.tasks[n]
            }
            _ => self.numbers.control.get(&self.number(at)).copied().unwrap_or_default(),
        }
    }

    /// The plan of a task.
    pub fn plan(&self, at: Position) -> Option<&TaskPlan> {
        match at {
            Position::Step(n) | Position::Element(n, _) => self.tasks[n].as_ref(),
            _ => None,
        }
    }

    /// The position of a token, from its key, the number of its node, and its queue.
    pub fn position(&self, key: TokenKey, number: i16, queue: i32) -> Option<Position> {
        match number {
            START => return Some(Position::Start),
            END => return Some(Position::End),
            _ => {}
        }
        let node = self.numbers.nodes.iter().position(|n| *n == number)?;
        let entered = self.numbers.control.get(&number) == Some(&queue);
        Some(match (entered, self.graph.kind(node)) {
            (true, NodeKind::Map) if key.elem == -1 && key.lane == number => Position::Gather(node),
            (true, _) => Position::Enter(node),
            (false, NodeKind::Map) => Position::Element(node, key.elem),
            (false, NodeKind::Step) => Position::Step(node),
            (false, _) => Position::Wake(node),
        })
    }

    /// The head start of a position's tasks.
    pub fn head(&self, at: Position, run_priority: i16) -> i64 {
        head_start(run_priority) + self.plan(at).map_or(0, |plan| plan.head)
    }

    /// Whether a token goes on in the worker that brought it there.
    pub fn is_direct(&self, at: Position) -> bool {
        match at {
            Position::Start => self.run_pool.is_none(),
            _ => self.plan(at).is_none_or(TaskPlan::is_unlimited),
        }
    }
}

fn pool_sizes(definition: &Definition, tuning: &Tuning) -> Pools {
    let mut sizes = BTreeMap::new();
    let mut add = |name: String, declared: Option<u32>, tuned: Option<u32>| {
        if let Some(size) = tuned.or(declared) {
            let source = tuned.map(|_| tuning.origin.clone());
            sizes.insert(name.clone(), PoolSize { name, size: size.max(1), source });
        }
    };
    let run_pool = format!("workflow:{}", definition.name);
    let own = tuning.workflows.get(&definition.name).and_then(|t| t.concurrency);
    add(run_pool.clone(), definition.options.concurrency, own);
    let mut tunable = vec![run_pool];
    for node in &definition.nodes {
        let (Some(step), Some(options)) = (&node.step, &node.options) else { continue };
        let tuned = tuning.steps.get(step).and_then(|t| t.concurrency);
        add(format!("step:{step}"), options.concurrency, tuned);
        tunable.push(format!("step:{step}"));
        if let Some(name) = &options.exclusive {
            add(format!("exclusive:{name}"), Some(1), None);
        }
        if let Some((count, _)) = options.rate_limit.as_deref().and_then(rate) {
            add(format!("rate:{step}"), Some(count), None);
        }
    }
    let origin = Some(tuning.origin.clone()).filter(|origin| !origin.is_empty());
    Pools { sizes: sizes.into_values().collect(), tunable, origin }
}

/// `100/1000ms` as 100 and one second.
fn rate(text: &str) -> Option<(u32, Duration)> {
    let (count, per) = text.split_once('/')?;
    Some((count.parse().ok()?, Duration::from_millis(per.strip_suffix("ms")?.parse().ok()?)))
}

fn task_plan(step: StepSpec, options: TaskOptions, tuning: &Tuning, numbers: &Numbers) -> TaskPlan {
    let tuned = tuning.steps.get(step.id).copied().unwrap_or_default();
    let pool = |name: String| numbers.pools.get(&name).copied();
    let rate_pool = pool(format!("rate:{}", step.id));
    let mut pools: Vec<i32> = [
        pool(format!("step:{}", step.id)),
        options.exclusive.as_ref().and_then(|name| pool(format!("exclusive:{name}"))),
        rate_pool,
    ]
    .into_iter()
    .flatten()
    .collect();
    pools.sort_unstable();
    let declared = RetryPolicy::from(&options);
    // the first of a batch waits for others; that is not its time
    let linger = step.options.batch.map_or(0, |batch| batch.linger_ms);
    let timeout = tuned.timeout.or(options.timeout_ms.map(Duration::from_millis));
    TaskPlan {
        step: step.id,
        timeout: timeout.map(|t| t + Duration::from_millis(linger)),
        retry: RetryPolicy {
            retries: tuned.retries.unwrap_or(declared.retries),
            initial: tuned.retry_delay.unwrap_or(declared.initial),
            factor: declared.factor,
        },
        pools,
        rate: rate_pool.zip(options.rate_limit.as_deref().and_then(rate).map(|(_, per)| per)),
        gpus: options.gpu.unwrap_or_default(),
        vram_bytes: options.vram_bytes.unwrap_or_default(),
        memory_bytes: options.memory_bytes.unwrap_or_default(),
        cpu_milli: options.cpu_milli.unwrap_or_default(),
        head: head_start(options.priority),
        transactional: options.transactional,
        cached: options.cache_ms.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        payload::Json,
        spec::{Outcome, WorkflowOptions},
    };

    const fn workflow(id: &'static str, krate: &'static str, at: &'static str) -> WorkflowSpec {
        WorkflowSpec {
            id,
            version: 1,
            krate,
            at,
            inputs: &[],
            check_input: |_| Ok(()),
            output_type: "()",
            output_loads: &[],
            options: WorkflowOptions::NONE,
            nodes: &[],
            output: |_| Outcome::Done(Json::null()),
        }
    }

    static A: WorkflowSpec = workflow("flow_a", "flows-c", "flows-c/src/lib.rs:9");
    static B: WorkflowSpec = workflow("flow_a", "flows-a", "flows-a/src/lib.rs:4");
    static C: WorkflowSpec = workflow("flow_c", "flows-a", "flows-a/src/lib.rs:7");

    #[test]
    fn two_workflows_of_one_name_and_version_are_refused_with_the_places_of_both() {
        assert!(check_names(&[&A, &C]).is_ok());
        assert_eq!(
            check_names(&[&A, &C, &B]).unwrap_err().to_string(),
            "two workflows are called `flow_a` version 1: flows-c (flows-c/src/lib.rs:9) and flows-a (flows-a/src/lib.rs:4); give one of them `id = \"…\"`"
        );
    }
}
