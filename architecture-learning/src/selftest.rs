//! How much the rules would find: dependencies of the user's own code are turned round, one at a time, and looked for.

use serde::{Deserialize, Serialize};

use crate::architecture::Architecture;
use crate::discovery::{Edge, is_dependency};
use crate::random::Random;
use crate::settings::Settings;
use crate::survey::Survey;

/// What the test came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selftest {
    /// Dependencies turned round, one at a time.
    pub reversed: usize,
    /// Of these, those between two files that have different roles: no rule looks at others.
    pub judgeable: usize,
    /// Of all, those that a rule objected to.
    pub found: usize,
    /// Further violations that turning one round brought about, over all.
    pub others: usize,
    /// Violations of the code as it is.
    pub before: usize,
}

/// Turns up to `k` one-way dependencies between modules round, always the same ones.
pub fn selftest(survey: &Survey, settings: &Settings, k: usize) -> Selftest {
    let shard = &survey.shard;
    let mut one_way: Vec<Edge> =
        shard.edges.iter().filter(|e| is_dependency(&shard.files, e)).copied().collect();
    one_way.sort_by_key(|e| (e.from, e.to, e.line));
    one_way.dedup_by_key(|e| (e.from, e.to));
    let both: std::collections::BTreeSet<_> = one_way.iter().map(|e| (e.from, e.to)).collect();
    one_way.retain(|e| !both.contains(&(e.to, e.from)));
    Random::new(1).shuffle(&mut one_way);
    one_way.truncate(k);
    let before = survey.architecture.violations.len();
    let role = |file: u32| survey.assigned[file as usize].map(|a| a.role);
    let judgeable = |e: &&Edge| role(e.from).zip(role(e.to)).is_some_and(|(from, to)| from != to);
    let mut test = Selftest {
        reversed: one_way.len(),
        judgeable: one_way.iter().filter(judgeable).count(),
        found: 0,
        others: 0,
        before,
    };
    for edge in &one_way {
        let (found, all) = look(survey, settings, edge);
        test.found += usize::from(found);
        test.others += all.saturating_sub(before + usize::from(found));
    }
    test
}

/// Whether a rule objects to the turned edge, and how many violations there are with it.
fn look(survey: &Survey, settings: &Settings, edge: &Edge) -> (bool, usize) {
    let mut shard = survey.shard.clone();
    shard.edges.retain(|e| (e.from, e.to) != (edge.from, edge.to));
    shard.edges.push(Edge { from: edge.to, to: edge.from, ..*edge });
    let path = |file: u32| shard.files[file as usize].path.as_str();
    let architecture = Architecture::of(&shard, &survey.classification, settings);
    let turned = |v: &crate::architecture::Violation| {
        (v.from.as_str(), v.to.as_str()) == (path(edge.to), path(edge.from))
    };
    (architecture.violations.iter().any(turned), architecture.violations.len())
}
