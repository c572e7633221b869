//! Files in groups that a person can look at: of Rust the modules directly below `src`, or packages where these are too
//! many; of other languages directories, the largest of them split until there are some.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::roles::Assigned;
use crate::discovery::{Edge, FileKind, Shard, SourceFile};
use crate::language::{Language, directory, module_path};
use crate::role::Role;

/// Boxes that a picture holds.
pub const PARTS_MAX: usize = 60;
/// Below so many parts the largest is split.
const PARTS_MIN: usize = 5;
/// Of languages other than Rust: below so many parts the largest is split.
const PARTS_WANTED: usize = 8;
/// The part of the package at the root.
pub const ROOT: &str = "(root)";
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

impl Part {
    /// The commonest role, if it is that of a third of the modules: one file in ten says nothing of the others.
    pub fn role(&self) -> Option<Role> {
        self.roles.first().filter(|(_, n)| n * 3 >= self.files).map(|(role, _)| *role)
    }
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
    let names = part_names(&modules.iter().map(|(_, f)| *f).collect::<Vec<_>>());
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
            parts[part].path = match file.language {
                Language::Rust => prefix(&file.path, name),
                _ => directory_prefix(&file.path, name),
            };
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

/// The name of each file's part.
fn part_names(files: &[&SourceFile]) -> Vec<String> {
    let (mut rust, mut others) = (Vec::new(), Vec::new());
    for file in files {
        let into = if file.language == Language::Rust { &mut rust } else { &mut others };
        into.push(file.path.as_str());
    }
    // a few scripts beside much Rust are no parts of their own
    let wanted =
        if rust.is_empty() { PARTS_WANTED } else { PARTS_WANTED.min(1 + others.len() / 5) };
    let (mut rust, mut others) =
        (names(&rust).into_iter(), directory_names(&others, wanted).into_iter());
    let name = |file: &&SourceFile| {
        let of = if file.language == Language::Rust { &mut rust } else { &mut others };
        of.next().unwrap_or_default()
    };
    fold(files.iter().map(name).collect())
}

/// What of a path its part is a beginning of: the module, in Go the package.
fn unit(path: &str) -> &str {
    match Language::of(path) {
        Some(Language::Go) => directory(path),
        _ => module_path(path),
    }
}

/// The steps of a path, without `src`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    unit(path).split('/').filter(|step| !step.is_empty() && *step != "src")
}

/// Names in other languages: the first step of each path, and more of the largest until the parts are enough.
fn directory_names(paths: &[&str], wanted: usize) -> Vec<String> {
    let mut depths = vec![1; paths.len()];
    let mut whole = BTreeSet::new();
    loop {
        let names: Vec<_> = paths.iter().zip(&depths).map(|(path, n)| first(path, *n)).collect();
        let mut open: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, name) in names.iter().enumerate().filter(|(_, name)| !whole.contains(*name)) {
            open.entry(name).or_default().push(i);
        }
        open.retain(|_, files| files.iter().any(|i| steps(paths[*i]).count() > depths[*i]));
        let largest = open.into_iter().max_by_key(|(name, files)| (files.len(), Reverse(*name)));
        let Some((largest, files)) = largest.filter(|_| distinct(&names) < wanted) else {
            return names;
        };
        let mut deeper = depths.clone();
        for i in files {
            deeper[i] += 1;
        }
        let split: Vec<_> = paths.iter().zip(&deeper).map(|(path, n)| first(path, *n)).collect();
        if distinct(&split) > PARTS_MAX {
            whole.insert(largest.to_owned());
        } else {
            depths = deeper;
        }
    }
}

/// The first `depth` steps of a path.
fn first(path: &str, depth: usize) -> String {
    let name = steps(path).take(depth).collect::<Vec<_>>().join("/");
    if name.is_empty() { ROOT.to_owned() } else { name }
}

/// The name of each path's part, of Rust.
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

/// The beginning of `path` that `name` is, `src` among it.
fn directory_prefix(path: &str, name: &str) -> String {
    let whole = unit(path);
    let ends = whole.match_indices('/').map(|(at, _)| at).chain([whole.len()]);
    let plain = |start: &str| -> Vec<String> {
        start.split('/').filter(|step| *step != "src").map(str::to_owned).collect()
    };
    let found = ends.map(|end| &whole[..end]).find(|start| plain(start).join("/") == name);
    found.unwrap_or_default().to_owned()
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
    fn other_languages_split_their_largest_directories() {
        let deep = ["api", "core", "db", "jobs"]
            .map(|d| (0..4).map(move |n| format!("src/acme/shop/{d}/m{n}.py")).collect::<Vec<_>>());
        let paths: Vec<_> = deep.iter().flatten().map(String::as_str).collect();
        let names = directory_names(&paths, PARTS_WANTED);
        assert!(distinct(&names) >= PARTS_WANTED, "{names:?}");
        assert!(names[0].starts_with("acme/shop/api/m"), "{names:?}");
        assert_eq!(directory_prefix("src/acme/shop/api/m0.py", "acme/shop"), "src/acme/shop");
        assert_eq!(
            directory_names(&["app.py", "pkg/db/a.go", "pkg/db/b.go"], 8),
            ["app", "pkg/db", "pkg/db"]
        );
        assert_eq!(directory_prefix("app.py", "app"), "app");
    }

    #[test]
    fn a_thousand_modules_are_at_most_sixty_parts() {
        let paths: Vec<_> = (0..1000).map(|n| format!("src/m{:03}/x{n}.rs", n / 5)).collect();
        let paths: Vec<_> = paths.iter().map(String::as_str).collect();
        assert_eq!(distinct(&names(&paths)), PARTS_MAX);
        assert_eq!(distinct(&names(&paths[..100])), 20);
    }
}
