//! What holds a codebase together so that no part of it can be had alone: its largest cycle, and modules that everything
//! leans on.

use std::collections::{BTreeMap, BTreeSet};

use crate::components::components;
use crate::discovery::{Edge, FileKind, Shard};

/// Modules from which on a cycle is told of.
const CYCLE_MIN: usize = 8;
/// Modules told of that everything leans on.
const GODS_MAX: usize = 2;

/// A sentence for each.
pub(super) fn knots(shard: &Shard, dependencies: &[Edge]) -> Vec<String> {
    let mut told: Vec<String> = largest_cycle(shard, dependencies).into_iter().collect();
    let gods = shard.patterns.iter().filter(|p| p.name == "god_module").flat_map(|p| &p.evidence);
    told.extend(gods.take(GODS_MAX).map(|god| format!("god module {}: {}", god.path, god.note)));
    told
}

fn largest_cycle(shard: &Shard, dependencies: &[Edge]) -> Option<String> {
    let mut successors: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for edge in dependencies {
        successors.entry(edge.from).or_default().insert(edge.to);
    }
    let groups = components(shard.files.len(), &successors);
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for group in &groups {
        *sizes.entry(*group).or_default() += 1;
    }
    // of two that are as large the one that begins first
    let (group, size) = sizes.iter().rev().max_by_key(|(_, size)| **size)?;
    let inside =
        |edge: &&Edge| groups[edge.from as usize] == *group && groups[edge.to as usize] == *group;
    let step = dependencies.iter().find(inside).filter(|_| *size >= CYCLE_MIN)?;
    let modules = shard.files.iter().filter(|f| f.kind == FileKind::Module).count();
    let path = |file: u32| &shard.files[file as usize].path;
    Some(format!(
        "{size} of {modules} modules need each other in one cycle, as {}:{} needs {}",
        path(step.from),
        step.line,
        path(step.to)
    ))
}
