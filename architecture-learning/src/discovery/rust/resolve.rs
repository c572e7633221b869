//! From paths in the code to the file that defines what they name: `self`, `super`, `crate`, imports, re-exports,
//! globs and other members of the workspace are followed; what leads outside is a dependency.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::syntax::Parsed;
use super::tree::{ModuleId, ModuleTree};
use crate::discovery::{Edge, EdgeKind};

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

/// Resolves every `use` and every path outside tests.
pub(crate) fn resolve(tree: &ModuleTree, parsed: &[Parsed]) -> Resolution {
    let resolver = Resolver { tree, parsed, known: RefCell::default() };
    let mut result =
        Resolution { dependencies: vec![BTreeSet::new(); parsed.len()], ..Resolution::default() };
    let mut edges = BTreeMap::new();
    for &(from, to, line) in &tree.children {
        edges.entry((from, to, EdgeKind::Child)).or_insert(line);
    }
    for (id, module) in tree.modules.iter().enumerate().filter(|(_, m)| !m.test) {
        let scope = &parsed[module.file].scopes[module.scope];
        let uses = scope.uses.iter().filter(|u| !u.test).map(|u| {
            let kind = if u.public { EdgeKind::ReExport } else { EdgeKind::Use };
            (&u.path, kind, u.line, 1)
        });
        let paths = scope.paths.iter().map(|p| (&p.path, EdgeKind::Path, p.line, p.times));
        for (path, kind, line, times) in uses.chain(paths) {
            match resolver.path(id, path, kind != EdgeKind::Path) {
                Found::Inside(target, whole) => {
                    result.unresolved += if whole { 0 } else { times as usize };
                    let to = tree.modules[target].file;
                    if to != module.file && !tree.modules[target].test {
                        edges.entry((module.file, to, kind)).or_insert(line);
                    }
                }
                Found::Outside(name) => drop(result.dependencies[module.file].insert(name)),
                Found::Nothing => {}
            }
        }
    }
    let edge = |((from, to, kind), line)| Edge { from: id32(from), to: id32(to), kind, line };
    result.edges = edges.into_iter().map(edge).collect();
    result
}

fn id32(file: usize) -> u32 {
    u32::try_from(file).unwrap_or(u32::MAX)
}

/// Where a path leads.
enum Found {
    /// Into a module of the codebase, and whether the whole path was understood.
    Inside(ModuleId, bool),
    /// To another crate.
    Outside(String),
    /// To something local: a variable, a type, a generic.
    Nothing,
}

struct Resolver<'a> {
    tree: &'a ModuleTree,
    parsed: &'a [Parsed],
    /// Names looked up before. One that is being looked up stands as unknown, which ends circles of globs; without
    /// this table a few globs among a few files take exponential time.
    known: RefCell<HashMap<ModuleId, HashMap<String, Option<Named>>>>,
}

impl Resolver<'_> {
    fn path(&self, from: ModuleId, path: &[String], import: bool) -> Found {
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
            && (import || matches!(first.as_str(), "std" | "core" | "alloc") || path.len() > 1)
        {
            return Found::Outside(outside(path));
        }
        Found::Nothing
    }

    /// Takes `crate`, `self`, `super` and `$crate` off the front.
    fn anchor<'p>(&self, from: ModuleId, path: &'p [String]) -> Option<(ModuleId, &'p [String])> {
        let module = &self.tree.modules[from];
        let root = self.tree.crates[module.home].root;
        let (mut at, mut rest) = match path.first()?.as_str() {
            "crate" | "$crate" => (root, &path[1..]),
            "self" => (from, &path[1..]),
            "super" => (module.parent.unwrap_or(root), &path[1..]),
            _ => return None,
        };
        while rest.first().is_some_and(|s| s == "super") {
            at = self.tree.modules[at].parent.unwrap_or(root);
            rest = &rest[1..];
        }
        Some((at, rest))
    }

    fn descend(&self, mut at: ModuleId, path: &[String], hops: usize) -> Found {
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
    fn name(&self, at: ModuleId, name: &str, hops: usize) -> Option<Named> {
        if hops > HOPS_MAX {
            return None;
        }
        if let Some(known) = self.known.borrow().get(&at).and_then(|names| names.get(name)) {
            return known.clone();
        }
        self.learn(at, name, None);
        let found = self.look_up(at, name, hops);
        self.learn(at, name, found.clone());
        found
    }

    fn learn(&self, at: ModuleId, name: &str, found: Option<Named>) {
        self.known.borrow_mut().entry(at).or_default().insert(name.to_owned(), found);
    }

    fn look_up(&self, at: ModuleId, name: &str, hops: usize) -> Option<Named> {
        let module = &self.tree.modules[at];
        if let Some(child) = module.children.get(name).and_then(|named| named.first()) {
            return Some(Named::Module(*child));
        }
        let scope = &self.parsed[module.file].scopes[module.scope];
        if scope.items.contains(name) {
            return Some(Named::Item(at));
        }
        let bound = scope.uses.iter().find(|u| u.binds.as_deref() == Some(name));
        if let Some(import) = bound {
            return self.import(at, &import.path, hops + 1);
        }
        let mut globs = scope.uses.iter().filter(|u| u.glob);
        globs.find_map(|glob| match self.import(at, &glob.path, hops + 1)? {
            Named::Module(target) if target != at => self.name(target, name, hops + 1),
            _ => None,
        })
    }

    /// What an import of module `at` names.
    fn import(&self, at: ModuleId, path: &[String], hops: usize) -> Option<Named> {
        if hops > HOPS_MAX {
            return None;
        }
        if let Some((start, rest)) = self.anchor(at, path) {
            return self.named(start, rest, hops);
        }
        let first = path.first()?;
        let child = self.tree.modules[at].children.get(first).and_then(|named| named.first());
        match child.or_else(|| self.tree.libraries.get(first)) {
            Some(start) => self.named(*start, &path[1..], hops),
            None => self.indirect(at, path, hops),
        }
    }

    fn named(&self, start: ModuleId, rest: &[String], hops: usize) -> Option<Named> {
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
    fn indirect(&self, at: ModuleId, path: &[String], hops: usize) -> Option<Named> {
        let first = path.first()?;
        let scope = &self.parsed[self.tree.modules[at].file].scopes[self.tree.modules[at].scope];
        let other = scope
            .uses
            .iter()
            .find(|u| u.binds.as_ref() == Some(first) && u.path.first() != Some(first));
        if let Some(other) = other
            && let Some(Named::Module(module)) = self.import(at, &other.path, hops + 1)
        {
            return self.named(module, &path[1..], hops + 1);
        }
        Some(Named::Outside(outside(path)))
    }
}

/// What a name stands for.
#[derive(Clone)]
enum Named {
    Module(ModuleId),
    /// An item, by the module that defines it.
    Item(ModuleId),
    Outside(String),
}

/// The crate that a path begins with; of the standard library also the module, which tells more.
fn outside(path: &[String]) -> String {
    match path {
        [first, second, ..] if matches!(first.as_str(), "std" | "core" | "alloc") => {
            format!("std::{second}")
        }
        [first, ..] => first.clone(),
        [] => String::new(),
    }
}
