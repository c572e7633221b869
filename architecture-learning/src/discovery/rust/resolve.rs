//! From paths in the code to the file that defines what they name: `self`, `super`, `crate`, imports, re-exports,
//! globs and other members of the workspace are followed; what leads outside is a dependency.

use std::cell::RefCell;
use std::collections::BTreeSet;

use foldhash::HashMap;

use super::syntax::{Parsed, steps};
use super::tree::{ModuleId, ModuleTree};
use crate::discovery::{Edge, EdgeKind};
use crate::parallel;

/// Chains of imports and re-exports longer than this are taken for circles.
const HOPS_MAX: usize = 24;

/// What the paths of a codebase lead to.
#[derive(Debug, Default)]
pub(crate) struct Resolution {
    pub edges: Vec<Edge>,
    /// Per file: crates outside the codebase that it names; of `std` also the module.
    pub dependencies: Vec<BTreeSet<String>>,
    /// Paths into the codebase whose last part was not found; macros define such things.
    pub unresolved: usize,
}

/// Resolves every `use` and every path outside tests, each crate on its own.
pub(crate) fn resolve(tree: &ModuleTree<'_>, parsed: &[Parsed<&str>]) -> Resolution {
    let children =
        tree.children.iter().map(|(from, to, line)| (*from, *to, EdgeKind::Child, *line));
    let mut edges: Vec<_> = children.collect();
    let mut outside: Vec<BTreeSet<Outside<'_>>> = vec![BTreeSet::new(); parsed.len()];
    let mut unresolved = 0;
    for led in parallel::map(tree.crates.len(), |home| of_crate(tree, parsed, home)) {
        edges.extend(led.edges);
        for (file, name) in led.outside {
            outside[file].insert(name);
        }
        unresolved += led.unresolved;
    }
    // of several lines the first that was come to, which need not be the lowest
    edges.sort_by_key(|(from, to, kind, _)| (*from, *to, *kind));
    edges.dedup_by_key(|(from, to, kind, _)| (*from, *to, *kind));
    let edge = |(from, to, kind, line)| Edge { from: id32(from), to: id32(to), kind, line };
    let name = |names: BTreeSet<Outside<'_>>| names.into_iter().map(Outside::name).collect();
    Resolution {
        edges: edges.into_iter().map(edge).collect(),
        dependencies: outside.into_iter().map(name).collect(),
        unresolved,
    }
}

/// What the paths of one crate lead to.
#[derive(Default)]
struct Led<'a> {
    /// From file, to file, how, in which line.
    edges: Vec<(usize, usize, EdgeKind, u32)>,
    outside: Vec<(usize, Outside<'a>)>,
    unresolved: usize,
}

fn of_crate<'a>(tree: &'a ModuleTree<'a>, parsed: &'a [Parsed<&'a str>], home: usize) -> Led<'a> {
    let resolver = Resolver { tree, parsed, known: RefCell::default() };
    let end = tree.crates.get(home + 1).map_or(tree.modules.len(), |next| next.root);
    let modules = (tree.crates[home].root..end).map(|id| (id, &tree.modules[id]));
    let (mut led, mut path) = (Led::default(), Vec::new());
    for (id, module) in modules.filter(|(_, module)| !module.test) {
        let scope = &parsed[module.file].scopes[module.scope];
        let uses = scope.uses.iter().filter(|u| !u.test).map(|u| {
            let kind = if u.public { EdgeKind::ReExport } else { EdgeKind::Use };
            (u.path, kind, u.line, 1)
        });
        let paths = scope.paths.iter().map(|p| (p.path, EdgeKind::Path, p.line, p.times));
        for (written, kind, line, times) in uses.chain(paths) {
            path.clear();
            path.extend(steps(written));
            match resolver.path(id, &path, kind != EdgeKind::Path) {
                Found::Inside(target, whole) => {
                    led.unresolved += if whole { 0 } else { times as usize };
                    let to = tree.modules[target].file;
                    if to != module.file && !tree.modules[target].test {
                        led.edges.push((module.file, to, kind, line));
                    }
                }
                Found::Outside(name) => led.outside.push((module.file, name)),
                Found::Nothing => {}
            }
        }
    }
    led.outside.sort_unstable();
    led.outside.dedup();
    led
}

fn id32(file: usize) -> u32 {
    u32::try_from(file).unwrap_or(u32::MAX)
}

/// Where a path leads.
enum Found<'a> {
    /// Into a module of the codebase, and whether the whole path was understood.
    Inside(ModuleId, bool),
    /// To another crate.
    Outside(Outside<'a>),
    /// To something local: a variable, a type, a generic.
    Nothing,
}

struct Resolver<'a> {
    tree: &'a ModuleTree<'a>,
    parsed: &'a [Parsed<&'a str>],
    /// Names looked up before. One that is being looked up stands as unknown, which ends circles of globs; without
    /// this table a few globs among a few files take exponential time.
    known: RefCell<HashMap<(ModuleId, &'a str), Option<Named<'a>>>>,
}

impl<'a> Resolver<'a> {
    fn path(&self, from: ModuleId, path: &[&'a str], import: bool) -> Found<'a> {
        let Some(first) = path.first() else { return Found::Nothing };
        if let Some((start, rest)) = self.anchor(from, path) {
            return self.descend(start, rest, 0);
        }
        // a function's `use` and an inline module see the names of the file around them only through `super`
        if let Some(found) = self.name(from, first, 0) {
            return match found {
                Named::Module(module) => self.descend(module, &path[1..], 0),
                Named::Item(module) => Found::Inside(module, true),
                Named::Outside(outside) => Found::Outside(outside),
            };
        }
        if let Some(root) = self.tree.libraries.get(first) {
            return self.descend(*root, &path[1..], 0);
        }
        let looks_like_crate = first.starts_with(|c: char| c.is_lowercase());
        if looks_like_crate
            && (import || matches!(*first, "std" | "core" | "alloc") || path.len() > 1)
        {
            return Found::Outside(outside(path));
        }
        Found::Nothing
    }

    /// Takes `crate`, `self`, `super` and `$crate` off the front.
    fn anchor<'p>(&self, from: ModuleId, path: &'p [&'a str]) -> Option<(ModuleId, &'p [&'a str])> {
        let module = &self.tree.modules[from];
        let root = self.tree.crates[module.home].root;
        let (mut at, mut rest) = match *path.first()? {
            "crate" | "$crate" => (root, &path[1..]),
            "self" => (from, &path[1..]),
            "super" => (module.parent.unwrap_or(root), &path[1..]),
            _ => return None,
        };
        while rest.first().is_some_and(|s| *s == "super") {
            at = self.tree.modules[at].parent.unwrap_or(root);
            rest = &rest[1..];
        }
        Some((at, rest))
    }

    fn descend(&self, mut at: ModuleId, path: &[&'a str], hops: usize) -> Found<'a> {
        for (i, segment) in path.iter().enumerate() {
            match self.name(at, segment, hops) {
                Some(Named::Module(next)) => at = next,
                Some(Named::Item(module)) => return Found::Inside(module, true),
                Some(Named::Outside(name)) => return Found::Outside(name),
                None => return Found::Inside(at, i > 0 && i + 1 < path.len()),
            }
        }
        Found::Inside(at, true)
    }

    /// What `name` means inside module `at`.
    fn name(&self, at: ModuleId, name: &'a str, hops: usize) -> Option<Named<'a>> {
        if hops > HOPS_MAX {
            return None;
        }
        if let Some(known) = self.known.borrow().get(&(at, name)) {
            return *known;
        }
        self.learn(at, name, None);
        let found = self.look_up(at, name, hops);
        self.learn(at, name, found);
        found
    }

    fn learn(&self, at: ModuleId, name: &'a str, found: Option<Named<'a>>) {
        self.known.borrow_mut().insert((at, name), found);
    }

    fn look_up(&self, at: ModuleId, name: &'a str, hops: usize) -> Option<Named<'a>> {
        let module = &self.tree.modules[at];
        if let Some(child) = module.children.get(name).and_then(|named| named.first()) {
            return Some(Named::Module(*child));
        }
        let scope = &self.parsed[module.file].scopes[module.scope];
        if scope.items.binary_search(&name).is_ok() {
            return Some(Named::Item(at));
        }
        let bound = scope.uses.iter().find(|u| u.binds == Some(name));
        if let Some(import) = bound {
            return self.import(at, import.path, hops + 1);
        }
        let mut globs = scope.uses.iter().filter(|u| u.glob);
        globs.find_map(|glob| match self.import(at, glob.path, hops + 1)? {
            Named::Module(target) if target != at => self.name(target, name, hops + 1),
            _ => None,
        })
    }

    /// What an import of module `at` names.
    fn import(&self, at: ModuleId, path: &'a str, hops: usize) -> Option<Named<'a>> {
        if hops > HOPS_MAX {
            return None;
        }
        let path: Vec<_> = steps(path).collect();
        if let Some((start, rest)) = self.anchor(at, &path) {
            return self.named(start, rest, hops);
        }
        let first = path.first()?;
        let child = self.tree.modules[at].children.get(first).and_then(|named| named.first());
        match child.or_else(|| self.tree.libraries.get(first)) {
            Some(start) => self.named(*start, &path[1..], hops),
            None => self.indirect(at, &path, hops),
        }
    }

    fn named(&self, start: ModuleId, rest: &[&'a str], hops: usize) -> Option<Named<'a>> {
        match self.descend(start, rest, hops) {
            Found::Inside(module, _) if rest.is_empty() => Some(Named::Module(module)),
            Found::Inside(module, _) => {
                let is_module = rest.last() == Some(&self.tree.modules[module].name);
                Some(if is_module { Named::Module(module) } else { Named::Item(module) })
            }
            Found::Outside(name) => Some(Named::Outside(name)),
            Found::Nothing => None,
        }
    }

    /// `use a::b` where `a` is itself imported; an import of its own name leads outside.
    fn indirect(&self, at: ModuleId, path: &[&'a str], hops: usize) -> Option<Named<'a>> {
        let first = path.first()?;
        let scope = &self.parsed[self.tree.modules[at].file].scopes[self.tree.modules[at].scope];
        let other = scope
            .uses
            .iter()
            .find(|u| u.binds == Some(*first) && steps(u.path).next() != Some(*first));
        if let Some(other) = other
            && let Some(Named::Module(module)) = self.import(at, other.path, hops + 1)
        {
            return self.named(module, &path[1..], hops + 1);
        }
        Some(Named::Outside(outside(path)))
    }
}

/// What a name stands for.
#[derive(Clone, Copy)]
enum Named<'a> {
    Module(ModuleId),
    /// An item, by the module that defines it.
    Item(ModuleId),
    Outside(Outside<'a>),
}

/// The crate that a path begins with; of the standard library also the module, which tells more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Outside<'a> {
    package: &'a str,
    module: Option<&'a str>,
}

impl Outside<'_> {
    fn name(self) -> String {
        match self.module {
            Some(module) => format!("{}::{module}", self.package),
            None => self.package.to_owned(),
        }
    }
}

fn outside<'a>(path: &[&'a str]) -> Outside<'a> {
    match path {
        ["std" | "core" | "alloc", module, ..] => Outside { package: "std", module: Some(module) },
        [package, ..] => Outside { package, module: None },
        [] => Outside { package: "", module: None },
    }
}
