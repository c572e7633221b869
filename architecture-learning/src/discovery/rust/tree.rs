//! The module tree: from the roots that cargo knows, along `mod` declarations, to files. What no root reaches is dead.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::syntax::{ModuleDeclaration, Parsed};
use crate::language::{base_name, directory};
use crate::manifest::{Manifest, TargetKind};

/// Modules that nest deeper were not written by a person.
const DEPTH_MAX: usize = 100;

/// Index into [`ModuleTree::modules`].
pub(crate) type ModuleId = usize;

/// A module of one crate: a file's own scope or an inline one.
#[derive(Debug)]
pub(crate) struct Module<'a> {
    pub name: &'a str,
    pub parent: Option<ModuleId>,
    /// Index of its crate in [`ModuleTree::crates`].
    pub home: usize,
    pub file: usize,
    pub scope: usize,
    /// A name may stand for several files, one per platform.
    pub children: BTreeMap<&'a str, Vec<ModuleId>>,
    pub test: bool,
}

/// One compilation unit: a library, binary, test, bench, example or build script.
#[derive(Debug)]
pub(crate) struct Crate {
    pub root: ModuleId,
    pub kind: TargetKind,
    /// Index of the package among the manifests.
    pub package: usize,
}

/// `mod` declaration edge: declaring file, declared file, line.
pub(crate) type ChildEdge = (usize, usize, u32);

/// All modules of a codebase.
#[derive(Debug, Default)]
pub(crate) struct ModuleTree<'a> {
    pub modules: Vec<Module<'a>>,
    pub crates: Vec<Crate>,
    pub children: Vec<ChildEdge>,
    /// Library roots by the name that other crates use.
    pub libraries: HashMap<&'a str, ModuleId>,
}

/// A manifest with the directory that it stands in, relative to the codebase, empty or ending in `/`.
#[derive(Debug)]
pub(crate) struct Package {
    pub directory: String,
    pub manifest: Manifest,
}

/// Builds the tree from the packages' roots.
pub(crate) fn build<'a>(
    packages: &'a [Package],
    sources: &'a [String],
    parsed: &'a [Parsed<&'a str>],
) -> ModuleTree<'a> {
    let index = sources.iter().enumerate().map(|(i, path)| (path.as_str(), i)).collect();
    let mut builder = Builder { sources, parsed, index, tree: ModuleTree::default() };
    for (number, package) in packages.iter().enumerate() {
        for (kind, file) in roots(package, sources) {
            builder.add_crate(kind, file, number, package);
        }
    }
    builder.tree
}

/// Files that are roots, libraries and binaries first: declared ones and those in the places that cargo searches. The
/// sources are sorted.
fn roots(package: &Package, sources: &[String]) -> Vec<(TargetKind, usize)> {
    let declared = package.manifest.targets.iter().filter_map(|(kind, path)| {
        let path = normal(&format!("{}{path}", package.directory));
        Some((*kind, sources.binary_search(&path).ok()?))
    });
    let first = sources.partition_point(|path| *path < package.directory);
    let inside = sources[first..].iter().map_while(|path| path.strip_prefix(&package.directory));
    let found = (first..).zip(inside).filter_map(|(i, path)| Some((conventional(path)?, i)));
    let mut seen = HashSet::new();
    let mut roots: Vec<_> = declared.chain(found).filter(|(_, file)| seen.insert(*file)).collect();
    roots.sort();
    roots
}

/// What cargo makes of a path inside a package without being told.
fn conventional(path: &str) -> Option<TargetKind> {
    let parts: Vec<_> = path.split('/').collect();
    let folder = |kind| match parts.len() {
        2 => Some(kind),
        3 if parts[2] == "main.rs" => Some(kind),
        _ => None,
    };
    match parts[0] {
        "build.rs" if parts.len() == 1 => Some(TargetKind::BuildScript),
        "tests" => folder(TargetKind::Test),
        "benches" => folder(TargetKind::Bench),
        "examples" => folder(TargetKind::Example),
        "src" => match parts[1..] {
            ["lib.rs"] => Some(TargetKind::Library),
            ["main.rs"] | ["bin", _] | ["bin", _, "main.rs"] => Some(TargetKind::Binary),
            _ => None,
        },
        _ => None,
    }
}

struct Builder<'a> {
    sources: &'a [String],
    parsed: &'a [Parsed<&'a str>],
    index: HashMap<&'a str, usize>,
    tree: ModuleTree<'a>,
}

/// Where the children of a module are looked for.
struct Folder {
    /// For `mod name;`.
    children: String,
    /// For `#[path]`, which is relative to the file's directory unless inside an inline module.
    attributes: String,
}

impl<'a> Builder<'a> {
    fn add_crate(&mut self, kind: TargetKind, file: usize, package: usize, of: &'a Package) {
        let home = self.tree.crates.len();
        let root = self.tree.modules.len();
        self.tree.crates.push(Crate { root, kind, package });
        if kind == TargetKind::Library
            && let Some(name) = &of.manifest.library
        {
            self.tree.libraries.insert(name, root);
        }
        let mut open = HashMap::new();
        self.file(home, file, "crate", None, false, true, &mut open);
    }

    #[expect(clippy::too_many_arguments, reason = "one call site each for root and child")]
    fn file(
        &mut self,
        home: usize,
        file: usize,
        name: &'a str,
        parent: Option<ModuleId>,
        test: bool,
        root: bool,
        seen: &mut HashMap<usize, ModuleId>,
    ) -> ModuleId {
        if let Some(known) = seen.get(&file) {
            return *known;
        }
        let path = &self.sources[file];
        let directory = match directory(path) {
            "" => String::new(),
            directory => format!("{directory}/"),
        };
        let stem = base_name(path).trim_end_matches(".rs");
        let children =
            if root || stem == "mod" { directory.clone() } else { format!("{directory}{stem}/") };
        let id = self.module(home, file, 0, name, parent, test);
        seen.insert(file, id);
        self.scope(id, &Folder { children, attributes: directory }, seen);
        id
    }

    fn module(
        &mut self,
        home: usize,
        file: usize,
        scope: usize,
        name: &'a str,
        parent: Option<ModuleId>,
        test: bool,
    ) -> ModuleId {
        let children = BTreeMap::new();
        self.tree.modules.push(Module { name, parent, home, file, scope, children, test });
        self.tree.modules.len() - 1
    }

    fn scope(&mut self, id: ModuleId, folder: &Folder, seen: &mut HashMap<usize, ModuleId>) {
        if self.depth(id) > DEPTH_MAX {
            return;
        }
        let (home, file, scope) = {
            let module = &self.tree.modules[id];
            (module.home, module.file, module.scope)
        };
        let parsed = self.parsed;
        for declaration in &parsed[file].scopes[scope].modules {
            let test = declaration.test || self.tree.modules[id].test;
            if let Some(inline) = declaration.inline {
                let child = self.module(home, file, inline, declaration.name, Some(id), test);
                self.adopt(id, declaration.name, child);
                let inside = format!("{}{}/", folder.children, declaration.name);
                self.scope(child, &Folder { children: inside.clone(), attributes: inside }, seen);
                continue;
            }
            for target in self.files_of(declaration, folder) {
                let child = self.file(home, target, declaration.name, Some(id), test, false, seen);
                self.adopt(id, declaration.name, child);
                if !test {
                    self.tree.children.push((file, target, declaration.line));
                }
            }
        }
    }

    fn depth(&self, id: ModuleId) -> usize {
        std::iter::successors(Some(id), |id| self.tree.modules[*id].parent).count()
    }

    fn adopt(&mut self, parent: ModuleId, name: &'a str, child: ModuleId) {
        let named = self.tree.modules[parent].children.entry(name).or_default();
        if !named.contains(&child) {
            named.push(child);
        }
    }

    fn files_of(&self, declaration: &ModuleDeclaration<&str>, folder: &Folder) -> Vec<usize> {
        let given = declaration.paths.iter().map(|p| normal(&format!("{}{p}", folder.attributes)));
        let name = &declaration.name;
        let usual =
            [format!("{}{name}.rs", folder.children), format!("{}{name}/mod.rs", folder.children)];
        let found: Vec<_> = given.filter_map(|p| self.index.get(p.as_str()).copied()).collect();
        if !found.is_empty() {
            return found;
        }
        usual.iter().find_map(|p| self.index.get(p.as_str()).copied()).into_iter().collect()
    }
}

/// A relative path without `.` and `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_knows_its_places() {
        assert_eq!(conventional("src/lib.rs"), Some(TargetKind::Library));
        assert_eq!(conventional("src/bin/tool/main.rs"), Some(TargetKind::Binary));
        assert_eq!(conventional("tests/it/main.rs"), Some(TargetKind::Test));
        assert_eq!(conventional("tests/it/helper.rs"), None);
        assert_eq!(conventional("src/parser.rs"), None);
    }

    #[test]
    fn paths_lose_their_dots() {
        assert_eq!(normal("a/./b/../c.rs"), "a/c.rs");
    }
}
