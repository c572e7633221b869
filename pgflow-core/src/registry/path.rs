//! The longest path of a workflow with the timeouts that tuning gives its steps: what the compiler checks of the declared ones.

use std::{collections::HashMap, fmt, time::Duration};

use crate::definition::{Definition, Node};

use super::TaskPlan;

/// A path that does not fit in its workflow's timeout.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    needs: Duration,
    has: Duration,
    /// The nodes with a timeout on it, in their order.
    steps: Vec<(String, Duration)>,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(|(id, time)| format!("{id} ({time:?})"));
        let steps = steps.collect::<Vec<_>>().join(" → ");
        write!(
            f,
            "the longest path needs {:?} but the timeout is {:?}: {steps}",
            self.needs, self.has
        )
    }
}

/// The longest path, where it does not fit. A map counts as one element, a step as one attempt.
pub(super) fn too_long(
    definition: &Definition,
    tasks: &[Option<TaskPlan>],
    timeout: Option<Duration>,
) -> Option<TooLong> {
    let has = timeout?;
    let own = |node: usize| tasks[node].as_ref().and_then(|plan| plan.timeout);
    let index: HashMap<&str, usize> =
        definition.nodes.iter().enumerate().map(|(n, node)| (node.id.as_str(), n)).collect();
    // nodes stand behind those that they wait for
    let mut ends: Vec<(Duration, Option<usize>)> = Vec::new();
    for (n, node) in definition.nodes.iter().enumerate() {
        let before = before(node).filter_map(|id| index.get(id)).filter(|earlier| **earlier < n);
        let latest = before.copied().max_by_key(|earlier| ends[*earlier].0);
        let begins = latest.map_or(Duration::ZERO, |earlier| ends[earlier].0);
        ends.push((begins + own(n).unwrap_or_default(), latest));
    }
    let last = (0..ends.len()).max_by_key(|n| ends[*n].0)?;
    let needs = ends[last].0;
    if needs <= has {
        return None;
    }
    let path = std::iter::successors(Some(last), |n| ends[*n].1);
    let steps = path.filter_map(|n| Some((definition.nodes[n].id.clone(), own(n)?)));
    let mut steps: Vec<_> = steps.collect();
    steps.reverse();
    Some(TooLong { needs, has, steps })
}

fn before(node: &Node) -> impl Iterator<Item = &str> {
    let branch = node.condition.as_ref().map(|condition| &condition.branch);
    node.deps.iter().chain(&node.after).chain(branch).map(String::as_str)
}
