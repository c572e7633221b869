//! From the constants of the binary to the definition.

use crate::spec::{Backoff, NodeKindSpec, NodeSpec, StepSpec, WorkflowOptions, WorkflowSpec};

use super::{Definition, Field, Node, NodeKind, Output, RunOptions, TaskOptions, shape};

impl From<&WorkflowSpec> for Definition {
    fn from(spec: &WorkflowSpec) -> Self {
        let ids: Vec<&str> = spec.nodes.iter().map(node_id).collect();
        let named = |indices: &[usize]| sorted(indices.iter().map(|i| ids[*i]));
        let mut definition = Self {
            name: spec.id.into(),
            version: spec.version,
            fingerprint: String::new(),
            options: RunOptions {
                timeout_ms: spec.options.timeout_ms,
                concurrency: spec.options.concurrency,
                schedule: spec.options.schedule.map(Into::into),
            },
            input: spec
                .inputs
                .iter()
                .map(|(name, ty)| Field { name: (*name).into(), r#type: (*ty).into() })
                .collect(),
            nodes: spec.nodes.iter().map(|n| node(n, &spec.options, &named)).collect(),
            output: Output { r#type: spec.output_type.into(), deps: named(spec.output_loads) },
        };
        definition.fingerprint = shape::fingerprint(&definition);
        definition
    }
}

fn node_id(node: &NodeSpec) -> &'static str {
    match (node.id, node.kind) {
        (Some(id), _) => id,
        (None, NodeKindSpec::Step(step) | NodeKindSpec::Map(step)) => step.id,
    }
}

fn node(
    spec: &NodeSpec,
    workflow: &WorkflowOptions,
    named: &dyn Fn(&[usize]) -> Vec<String>,
) -> Node {
    let (kind, step) = match spec.kind {
        NodeKindSpec::Step(step) => (NodeKind::Step, step),
        NodeKindSpec::Map(step) => (NodeKind::Map, step),
    };
    let deps = named(&[spec.loads, spec.each_loads].concat());
    let after = named(spec.order).into_iter().filter(|id| !deps.contains(id)).collect();
    Node {
        id: node_id(spec).into(),
        kind,
        step: Some(step.id.into()),
        deps,
        after,
        condition: None,
        arms: Vec::new(),
        tolerated: spec.tolerated,
        output: Some(step.output.into()),
        options: Some(task_options(&step, workflow)),
    }
}

fn task_options(step: &StepSpec, workflow: &WorkflowOptions) -> TaskOptions {
    let own = step.options;
    let default = TaskOptions::default();
    TaskOptions {
        timeout_ms: own.timeout_ms,
        retries: own.retries.or(workflow.retries).unwrap_or(default.retries),
        retry_delay_ms: own
            .retry_delay_ms
            .or(workflow.retry_delay_ms)
            .unwrap_or(default.retry_delay_ms),
        backoff: match own.backoff {
            Some(Backoff::Fixed) => 1.0,
            Some(Backoff::Exponential(factor)) => factor,
            None => default.backoff,
        },
        concurrency: own.concurrency,
        gpu: own.gpu.map(|g| g.count),
        vram_bytes: own.gpu.and_then(|g| g.vram_bytes),
        exclusive: own.exclusive.map(Into::into),
        memory_bytes: own.memory_bytes,
        cpu_milli: own.cpu_milli,
        priority: own.priority.unwrap_or_default(),
        rate_limit: own.rate_limit.map(|r| format!("{}/{}ms", r.count, r.per_ms)),
        cache_ms: own.cache_ms,
        batch: own.batch.map(|b| format!("{}/{}ms", b.max, b.linger_ms)),
        revision: own.revision,
        transactional: own.transactional,
    }
}

fn sorted<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut ids: Vec<String> = ids.map(Into::into).collect();
    ids.sort();
    ids.dedup();
    ids
}
