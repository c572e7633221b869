//! From the constants of the binary to the definition.

use crate::spec::{Backoff, NodeKindSpec, NodeSpec, StepSpec, WorkflowOptions, WorkflowSpec};

use super::Condition;

use super::{Definition, Field, Node, NodeKind, Output, RunOptions, TaskOptions, shape};

impl From<&WorkflowSpec> for Definition {
    fn from(spec: &WorkflowSpec) -> Self {
        let ids = node_ids(spec.nodes);
        let named = |indices: &[usize]| sorted(indices.iter().map(|i| ids[*i].as_str()));
        let mut definition = Self {
            name: spec.id.into(),
            version: spec.version,
            fingerprint: String::new(),
            options: RunOptions {
                timeout_ms: spec.options.timeout_ms,
                concurrency: spec.options.concurrency,
                schedule: spec.options.schedule.map(Into::into),
                redact: owned(spec.options.redact),
            },
            input: spec
                .inputs
                .iter()
                .map(|(name, ty)| Field { name: (*name).into(), r#type: (*ty).into() })
                .collect(),
            nodes: (0..spec.nodes.len()).map(|i| node(spec, i, &ids, &named)).collect(),
            output: Output { r#type: spec.output_type.into(), deps: named(spec.output_loads) },
        };
        definition.fingerprint = shape::fingerprint(&definition);
        definition
    }
}

/// The id of each node: as written, or of what it does.
fn node_ids(nodes: &[NodeSpec]) -> Vec<String> {
    let mut ids = vec![String::new(); nodes.len()];
    // a branch is called after the first node inside it, which comes later
    for (i, node) in nodes.iter().enumerate().rev() {
        ids[i] = match (node.id, node.kind) {
            (Some(id), _) => id.into(),
            (None, NodeKindSpec::Step(step) | NodeKindSpec::Map(step, _)) => step.id.into(),
            (None, NodeKindSpec::Sleep) => "sleep".into(),
            (None, NodeKindSpec::Signal { name, .. }) => format!("signal:{name}"),
            (None, NodeKindSpec::Child(workflow)) => workflow().id.into(),
            (None, NodeKindSpec::Branch(_)) => {
                let inside = |n: &NodeSpec| n.condition.is_some_and(|(branch, _)| branch == i);
                let first = nodes.iter().position(inside).map_or("", |n| ids[n].as_str());
                format!("if:{first}")
            }
        };
    }
    ids
}

fn node(
    workflow: &WorkflowSpec,
    index: usize,
    ids: &[String],
    named: &dyn Fn(&[usize]) -> Vec<String>,
) -> Node {
    let spec = &workflow.nodes[index];
    let step = spec.kind.step();
    let deps = named(&[spec.loads, spec.each_loads].concat());
    let after = named(spec.order).into_iter().filter(|id| !deps.contains(id)).collect();
    let condition = spec.condition.map(|(branch, arm)| Condition {
        branch: ids[branch].clone(),
        arm: arms(workflow.nodes[branch].kind).get(arm).copied().unwrap_or_default().into(),
    });
    let mut node = Node {
        id: ids[index].clone(),
        kind: NodeKind::Step,
        step: step.map(|s| s.id.into()),
        workflow: None,
        signal: None,
        deps,
        after,
        condition,
        arms: arms(spec.kind).iter().map(|arm| (*arm).into()).collect(),
        tolerated: spec.tolerated,
        limit: None,
        at_least: None,
        output: step.map(|s| s.output.into()),
        options: step.map(|s| task_options(&s, &workflow.options)),
        redact: owned(step.map_or(&[], |s| s.options.redact)),
    };
    match spec.kind {
        NodeKindSpec::Step(_) => {}
        NodeKindSpec::Map(_, options) => {
            node.kind = NodeKind::Map;
            (node.limit, node.at_least) = (options.limit, options.at_least);
        }
        NodeKindSpec::Branch(_) => node.kind = NodeKind::Branch,
        NodeKindSpec::Sleep => node.kind = NodeKind::Sleep,
        NodeKindSpec::Signal { name, output } => {
            node.kind = NodeKind::Signal;
            (node.signal, node.output) = (Some(name.into()), Some(output.into()));
        }
        NodeKindSpec::Child(child) => {
            node.kind = NodeKind::Child;
            node.workflow = Some(child().id.into());
            node.output = Some(child().output_type.into());
            node.redact = owned(child().options.redact);
        }
    }
    node
}

fn arms(kind: NodeKindSpec) -> &'static [&'static str] {
    match kind {
        NodeKindSpec::Branch(arms) => arms,
        _ => &[],
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

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).into()).collect()
}

fn sorted<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut ids: Vec<String> = ids.map(Into::into).collect();
    ids.sort();
    ids.dedup();
    ids
}
