//! What holds a codebase together so that no part of it can be had alone: its largest cycle, and modules that everything
//! leans on.

use crate::components::groups;
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
    let groups = groups(shard.files.len(), dependencies.iter().map(|e| (e.from, e.to)));
    // of two that are as large the one with the first file
    let files = (0..u32::try_from(shard.files.len()).unwrap_or(u32::MAX)).rev();
    let first = files.max_by_key(|file| groups.size(*file))?;
    let (group, size) = (groups.of(first), groups.size(first));
    let inside = |edge: &&Edge| groups.of(edge.from) == group && groups.of(edge.to) == group;
    let step = dependencies.iter().find(inside).filter(|_| size >= CYCLE_MIN)?;
    let modules = shard.files.iter().filter(|f| f.kind == FileKind::Module).count();
    let path = |file: u32| &shard.files[file as usize].path;
    Some(format!(
        "{size} of {modules} modules need each other in one cycle, as {}:{} needs {}",
        path(step.from),
        step.line,
        path(step.to)
    ))
}
