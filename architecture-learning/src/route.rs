//! Why one file depends on another: the shortest way along dependencies, each with its line.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::discovery::{Edge, EdgeKind, Shard};
use crate::language::{Language, module_path};
use crate::words;

/// One dependency on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The file that depends.
    pub from: String,
    /// The line that says so.
    pub line: u32,
    /// How.
    pub kind: EdgeKind,
    /// The file that it depends on.
    pub to: String,
}

/// The files that `name` stands for: a path, its end, a directory or a module such as `net::tcp` or `net.tcp`.
///
/// # Errors
/// [`LearningError::NoSuchFile`] when there is none.
pub fn select(shard: &Shard, name: &str) -> Result<BTreeSet<u32>, LearningError> {
    let name = name.trim_start_matches("./").trim_start_matches("crate::").replace("::", "/");
    let name = name.trim_end_matches('/');
    let whole = |path: &str| path == name;
    let end = |path: &str| path.strip_suffix(name).is_some_and(|rest| rest.ends_with('/'));
    let below = |path: &str| path.starts_with(&format!("{name}/"));
    let is_module = |path: &str, name: &str| {
        let path = module_path(path);
        path == name || path.ends_with(&format!("/{name}"))
    };
    let module = |path: &str| is_module(path, name);
    let within = |path: &str| path.contains(&format!("/{name}/"));
    // `shop.orders` of Python
    let dots = name.replace('.', "/");
    let dotted = |path: &str| is_module(path, &dots);
    // `ShopWeb.OrderController` of Elixir, which leaves out directories
    let parts: Vec<_> = name.split('.').map(|part| words::split(part).join("_")).collect();
    let camel = |path: &str| {
        let mut steps = module_path(path).split('/');
        parts.iter().all(|part| steps.any(|step| step == part)) && steps.next().is_none()
    };
    let tests: [&dyn Fn(&str) -> bool; 7] =
        [&whole, &end, &below, &module, &within, &dotted, &camel];
    let found = tests.iter().map(|fits| files(shard, *fits)).find(|found| !found.is_empty());
    let missing = || LearningError::NoSuchFile { name: name.to_owned(), files: shard.files.len() };
    // a module of a directory is the directory too
    let all = found.ok_or_else(missing)?;
    let inner = |path: &str| {
        all.iter().any(|i| {
            let folder = module_path(&shard.files[*i as usize].path);
            Language::of(name).is_none() && path.starts_with(&format!("{folder}/"))
        })
    };
    Ok(all.union(&files(shard, &inner)).copied().collect())
}

fn files(shard: &Shard, fits: &dyn Fn(&str) -> bool) -> BTreeSet<u32> {
    (0_u32..).zip(&shard.files).filter(|(_, f)| fits(&f.path)).map(|(i, _)| i).collect()
}

/// Dependencies of the files `from` on the files `to`, without any file between.
pub fn direct(shard: &Shard, from: &BTreeSet<u32>, to: &BTreeSet<u32>) -> Vec<Step> {
    let fits = |e: &&Edge| from.contains(&e.from) && to.contains(&e.to) && e.from != e.to;
    shard.edges.iter().filter(|e| is_use(e)).filter(fits).map(|e| step(shard, e)).collect()
}

/// The shortest way from any of `from` to any of `to`; none where there is none.
pub fn shortest(shard: &Shard, from: &BTreeSet<u32>, to: &BTreeSet<u32>) -> Option<Vec<Step>> {
    let mut next: BTreeMap<u32, Vec<&Edge>> = BTreeMap::new();
    for edge in shard.edges.iter().filter(|e| is_use(e)) {
        next.entry(edge.from).or_default().push(edge);
    }
    let mut came: BTreeMap<u32, Option<&Edge>> = from.iter().map(|f| (*f, None)).collect();
    let mut open: VecDeque<u32> = from.iter().copied().collect();
    while let Some(at) = open.pop_front() {
        if to.contains(&at) && came[&at].is_some() {
            let back = std::iter::successors(came[&at], |edge| came[&edge.from]);
            let mut way: Vec<_> = back.map(|edge| step(shard, edge)).collect();
            way.reverse();
            return Some(way);
        }
        for edge in next.get(&at).into_iter().flatten() {
            if let Entry::Vacant(place) = came.entry(edge.to) {
                place.insert(Some(edge));
                open.push_back(edge.to);
            }
        }
    }
    None
}

/// The files `changed` and all that reach them.
pub fn affected(shard: &Shard, changed: &[String]) -> BTreeSet<String> {
    let mut users: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for edge in shard.edges.iter().filter(|e| is_use(e)) {
        users.entry(edge.to).or_default().push(edge.from);
    }
    let changed: BTreeSet<_> = changed.iter().map(String::as_str).collect();
    let mut reached = files(shard, &|path| changed.contains(path));
    let mut open: Vec<_> = reached.iter().copied().collect();
    while let Some(at) = open.pop() {
        for user in users.get(&at).into_iter().flatten() {
            if reached.insert(*user) {
                open.push(*user);
            }
        }
    }
    reached.into_iter().map(|i| shard.files[i as usize].path.clone()).collect()
}

/// `mod` says where a file stands, not what it needs.
fn is_use(edge: &Edge) -> bool {
    edge.kind != EdgeKind::Child
}

fn step(shard: &Shard, edge: &Edge) -> Step {
    let path = |i: u32| shard.files[i as usize].path.clone();
    Step { from: path(edge.from), line: edge.line, kind: edge.kind, to: path(edge.to) }
}
