//! Files in groups that a person can look at: the modules directly below `src`, or packages where these are too many.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::roles::Assigned;
use crate::discovery::{Edge, FileKind, Shard};
use crate::role::Role;

/// Boxes that a picture holds.
pub const PARTS_MAX: usize = 60;
/// Below so many parts the largest is split.
const PARTS_MIN: usize = 5;
/// The part of files that belong to no other.
const REST: &str = "other";

/// A group of files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its path without `src`.
    pub name: String,
    /// The path that its files begin with; empty for the part of all others.
    pub path: String,
    /// Modules in it.
    pub files: usize,
    /// Lines of these.
    pub lines: u64,
    /// Modules per role, the commonest first; those without a role are not among them.
    pub roles: Vec<(Role, usize)>,
}

/// Dependencies of one part on another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The part that depends, by its place.
    pub from: usize,
    /// The part that it depends on.
    pub to: usize,
    /// Dependencies of files of the one on files of the other.
    pub edges: usize,
    /// A file that depends.
    pub path: String,
    /// The line that says so.
    pub line: u32,
    /// The file that it depends on.
    pub target: String,
}

/// The parts of a codebase, and the part of each file that is a module.
pub(super) fn parts(
    shard: &Shard,
    roles: &[Option<Assigned>],
) -> (Vec<Part>, BTreeMap<usize, usize>) {
    let modules: Vec<_> =
        shard.files.iter().enumerate().filter(|(_, f)| f.kind == FileKind::Module).collect();
    let names = names(&modules.iter().map(|(_, f)| f.path.as_str()).collect::<Vec<_>>());
    let sorted: BTreeSet<_> = names.iter().collect();
    let place: BTreeMap<_, _> = sorted.iter().enumerate().map(|(i, name)| (*name, i)).collect();
    let empty = |name: &&String| Part { name: (*name).clone(), ..Part::default() };
    let mut parts: Vec<_> = sorted.iter().map(empty).collect();
    let mut part_of = BTreeMap::new();
    let mut counts = vec![BTreeMap::<Role, usize>::new(); parts.len()];
    for ((i, file), name) in modules.iter().zip(&names) {
        let part = place[name];
        part_of.insert(*i, part);
        if parts[part].files == 0 {
            parts[part].path = prefix(&file.path, name);
        }
        parts[part].files += 1;
        parts[part].lines += u64::from(file.lines);
        if let Some(assigned) = roles[*i] {
            *counts[part].entry(assigned.role).or_default() += 1;
        }
    }
    for (part, counts) in parts.iter_mut().zip(counts) {
        part.roles = counts.into_iter().collect();
        part.roles.sort_by_key(|(role, n)| (usize::MAX - n, *role));
    }
    (parts, part_of)
}

/// The name of each path's part.
fn names(paths: &[&str]) -> Vec<String> {
    let at = |depth: &dyn Fn(&str) -> usize| -> Vec<String> {
        paths.iter().map(|path| cut(path, depth(path))).collect()
    };
    let mut names = at(&|_| 1);
    while distinct(&names) < PARTS_MIN {
        let Some(largest) = largest(&names) else { break };
        let split = at(&|path| if cut(path, 1) == largest { 2 } else { 1 });
        if distinct(&split) <= distinct(&names) || distinct(&split) > PARTS_MAX {
            break;
        }
        names = split;
    }
    if distinct(&names) > PARTS_MAX && distinct(&at(&|_| 0)) >= PARTS_MIN {
        names = at(&|_| 0);
    }
    fold(names)
}

/// The package's directory, then so many steps below its `src`.
fn cut(path: &str, depth: usize) -> String {
    let (package, inside) = path.split_once("src/").unwrap_or(("", path));
    let package = package.trim_end_matches('/');
    let mut steps: Vec<_> = inside.trim_end_matches(".rs").split('/').collect();
    if steps.len() > 1 && steps.last() == Some(&"mod") {
        steps.pop();
    }
    let steps = steps.into_iter().take(depth);
    let name = [package].into_iter().chain(steps).filter(|s| !s.is_empty());
    let name = name.collect::<Vec<_>>().join("/");
    if name.is_empty() { REST.to_owned() } else { name }
}

/// The name of a part with `src` in its place.
fn prefix(path: &str, name: &str) -> String {
    let Some((package, _)) = path.split_once("src/") else { return name.to_owned() };
    let inside = name.strip_prefix(package).unwrap_or(name);
    if name == REST { String::new() } else { format!("{package}src/{inside}") }
}

/// The smallest parts become one.
fn fold(names: Vec<String>) -> Vec<String> {
    if distinct(&names) <= PARTS_MAX {
        return names;
    }
    let sizes = sizes(&names);
    let mut order: Vec<_> = sizes.iter().map(|(name, n)| (usize::MAX - n, *name)).collect();
    order.sort_unstable();
    let kept: BTreeSet<String> =
        order.into_iter().take(PARTS_MAX - 1).map(|(_, name)| name.to_owned()).collect();
    let name = |name: String| if kept.contains(&name) { name } else { REST.to_owned() };
    names.into_iter().map(name).collect()
}

fn sizes(names: &[String]) -> BTreeMap<&str, usize> {
    let mut sizes = BTreeMap::new();
    for name in names {
        *sizes.entry(name.as_str()).or_default() += 1;
    }
    sizes
}

fn distinct(names: &[String]) -> usize {
    sizes(names).len()
}

fn largest(names: &[String]) -> Option<String> {
    sizes(names).into_iter().max_by_key(|(_, n)| *n).map(|(name, _)| name.to_owned())
}

/// Links between parts, sorted.
pub(super) fn links(
    shard: &Shard,
    dependencies: &[Edge],
    part_of: &BTreeMap<usize, usize>,
) -> Vec<Link> {
    let mut links: BTreeMap<(usize, usize), Link> = BTreeMap::new();
    for edge in dependencies {
        let ends = (part_of.get(&(edge.from as usize)), part_of.get(&(edge.to as usize)));
        let (Some(&from), Some(&to)) = ends else { continue };
        if from == to {
            continue;
        }
        let path = |i: u32| shard.files[i as usize].path.clone();
        let first = || Link {
            from,
            to,
            edges: 0,
            path: path(edge.from),
            line: edge.line,
            target: path(edge.to),
        };
        links.entry((from, to)).or_insert_with(first).edges += 1;
    }
    links.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_modules_below_src() {
        assert_eq!(cut("core/src/net/tcp.rs", 1), "core/net");
        assert_eq!(cut("src/net/mod.rs", 1), "net");
        assert_eq!(cut("src/net/mod.rs", 2), "net");
        assert_eq!(cut("src/net/tcp/a.rs", 2), "net/tcp");
        assert_eq!(cut("src/error.rs", 0), REST);
        assert_eq!(prefix("core/src/net/tcp.rs", "core/net"), "core/src/net");
        assert_eq!(prefix("src/net/tcp.rs", "net"), "src/net");
    }

    #[test]
    fn a_thousand_modules_are_at_most_sixty_parts() {
        let paths: Vec<_> = (0..1000).map(|n| format!("src/m{:03}/x{n}.rs", n / 5)).collect();
        let paths: Vec<_> = paths.iter().map(String::as_str).collect();
        assert_eq!(distinct(&names(&paths)), PARTS_MAX);
        assert_eq!(distinct(&names(&paths[..100])), 20);
    }
}
