//! Patterns of the dependency graph: cycles, layers, modules that everything leans on. Crate roots, parents with their
//! children and generated files stand aside, or they would knot everything together.

use std::collections::{BTreeMap, BTreeSet};

use super::{View, by_count, pattern, place};
use crate::components::groups;
use crate::discovery::{Edge, Evidence, Pattern, is_dependency};
use crate::language::without_extension;

/// A god module has at least this many lines, and depends on and serves this share of the files.
const GOD_LINES: u32 = 1000;
const GOD_DEGREE: usize = 12;
/// Top-level modules from which on an order of layers means something, and edges between them.
const LAYERS_MIN: usize = 4;
const LAYER_EDGES_MIN: usize = 8;
/// Share of edges that go down from which on the order is called layered.
const LAYERED: f64 = 0.9;

pub(super) fn detect(view: &View<'_>) -> Vec<Pattern> {
    let edges: Vec<&Edge> = view.edges.iter().filter(|e| is_dependency(view.files, e)).collect();
    let cycles = cycles(view, &edges);
    let confidence = by_count(cycles.len());
    let gods = gods(view, &edges);
    let found = [
        pattern("cycle", "structure", confidence, cycles),
        pattern("god_module", "structure", by_count(gods.len()), gods),
        layers(view, &edges),
    ];
    found.into_iter().flatten().collect()
}

/// The top-level module of a file: the first part of its path below its package's `src`.
fn top(path: &str) -> String {
    let (package, inside) = path.split_once("src/").unwrap_or(("", path));
    let first = inside.split('/').next().unwrap_or(inside);
    format!("{package}{}", without_extension(first))
}

/// One line of evidence per strongly connected group of files, the edge that closes it first.
fn cycles(view: &View<'_>, edges: &[&Edge]) -> Vec<Evidence> {
    let groups = groups(view.files.len(), edges.iter().map(|e| (e.from, e.to)));
    let mut shown = BTreeSet::new();
    let closing = edges.iter().filter(|e| {
        let group = groups.of(e.from);
        group == groups.of(e.to) && groups.size(e.from) > 1 && shown.insert(group)
    });
    closing
        .map(|e| {
            let note = format!(
                "in a cycle of {} files with `{}`",
                groups.size(e.from),
                view.files[e.to as usize].path
            );
            place(&view.files[e.from as usize].path, e.line, note)
        })
        .collect()
}

fn gods(view: &View<'_>, edges: &[&Edge]) -> Vec<Evidence> {
    let mut targets: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    let mut users: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for edge in edges {
        targets.entry(edge.from).or_default().insert(edge.to);
        users.entry(edge.to).or_default().insert(edge.from);
    }
    let god = |(file, targets): (&u32, &BTreeSet<u32>)| {
        let of = &view.files[*file as usize];
        let users = users.get(file).map_or(0, BTreeSet::len);
        (of.lines >= GOD_LINES && targets.len() >= GOD_DEGREE && users >= GOD_DEGREE).then(|| {
            let note = format!("{} lines, uses {} files, used by {users}", of.lines, targets.len());
            place(&of.path, 1, note)
        })
    };
    targets.iter().filter_map(god).collect()
}

/// Orders the top-level modules by how much they use against how much they are used, and counts the edges that agree.
fn layers(view: &View<'_>, edges: &[&Edge]) -> Option<Pattern> {
    let mut between: BTreeMap<(String, String), Vec<&Edge>> = BTreeMap::new();
    for edge in edges {
        let pair =
            (top(&view.files[edge.from as usize].path), top(&view.files[edge.to as usize].path));
        if pair.0 != pair.1 {
            between.entry(pair).or_default().push(edge);
        }
    }
    let mut height: BTreeMap<&str, f64> = BTreeMap::new();
    for ((from, to), edges) in &between {
        let weight = f64::from(u32::try_from(edges.len()).unwrap_or(u32::MAX));
        *height.entry(from).or_default() += weight;
        *height.entry(to).or_default() -= weight;
    }
    let total: usize = between.values().map(Vec::len).sum();
    if height.len() < LAYERS_MIN || total < LAYER_EDGES_MIN {
        return None;
    }
    let down = |pair: &(String, String)| height[pair.0.as_str()] > height[pair.1.as_str()];
    let agreeing: usize = between.iter().filter(|(pair, _)| down(pair)).map(|(_, e)| e.len()).sum();
    #[expect(clippy::cast_precision_loss, reason = "counts of edges")]
    let share = agreeing as f64 / total as f64;
    let evidence =
        between.iter().filter(|(pair, _)| down(pair)).filter_map(|((from, to), edges)| {
            let first = edges.first()?;
            Some(place(
                &view.files[first.from as usize].path,
                first.line,
                format!("`{from}` uses `{to}`"),
            ))
        });
    if share < LAYERED { None } else { pattern("layered", "structure", share, evidence.collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_level_modules_know_their_package() {
        assert_eq!(top("core/src/net/tcp.rs"), "core/net");
        assert_eq!(top("src/error.rs"), "error");
    }
}
