//! Where Python finds a module: relative to its package, beside a script, or below one of the directories that hold
//! packages.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{is_package, roots};
use crate::codebase::Codebase;
use crate::discovery::dialect::{Facts, Found, Modules};
use crate::language::{directory, module_path};

pub(super) struct Tree<'a> {
    sources: &'a [String],
    /// Files by their module's path; a package's `__init__.py` by its directory.
    files: HashMap<&'a str, usize>,
    /// Directories with sources at or below them.
    directories: BTreeSet<&'a str>,
    roots: Vec<String>,
    /// The codebase's own name, where it is a package itself.
    package: Option<String>,
}

impl<'a> Tree<'a> {
    pub(super) fn of(sources: &'a [String], facts: &[Facts], codebase: &Codebase) -> Self {
        let mut files = HashMap::new();
        let mut directories = BTreeSet::new();
        for (i, path) in sources.iter().enumerate() {
            // of a module and its stub the module comes first
            files.entry(module_path(path)).or_insert(i);
            let above = path.match_indices('/').map(|(at, _)| &path[..at]);
            directories.extend(above);
        }
        let is_package = files.contains_key("__init__");
        let package = is_package.then(|| own_name(&files, facts, codebase)).flatten();
        Self { sources, files, directories, roots: roots(sources), package }
    }

    fn relative(&self, from: usize, module: &str) -> Found {
        let name = module.trim_start_matches('.');
        let dots = module.len() - name.len();
        let mut base = directory(&self.sources[from]);
        for _ in 1..dots {
            if base.is_empty() {
                return Found::Missing;
            }
            base = directory(base);
        }
        let path = join(base, &name.replace('.', "/"));
        match self.files.get(path.as_str()) {
            Some(file) => Found::Files(vec![*file]),
            None => Found::Missing,
        }
    }

    fn absolute(&self, from: usize, module: &str) -> Found {
        let path = module.replace('.', "/");
        if let Some(inside) = self.package.as_deref().and_then(|p| path.strip_prefix(p)) {
            let inside = match inside.strip_prefix('/') {
                None if inside.is_empty() => Some("__init__"),
                inside => inside,
            };
            if let Some(inside) = inside {
                let file = self.files.get(inside);
                return file.map_or(Found::Missing, |file| Found::Files(vec![*file]));
            }
        }
        let first = path.split('/').next().unwrap_or_default();
        let own = self.own_root(from);
        let others = self.roots.iter().map(String::as_str).filter(|root| *root != own);
        let mut known = false;
        for root in [own].into_iter().chain(others) {
            let whole = join(root, &path);
            if let Some(file) = self.files.get(whole.as_str()) {
                return Found::Files(vec![*file]);
            }
            // a directory that is no package may share its name with one outside
            known |= self.directories.contains(whole.as_str())
                || self.files.contains_key(join(root, first).as_str());
        }
        if known { Found::Missing } else { Found::Outside(first.to_owned()) }
    }

    /// The directory that the outermost package of a file stands in; of a script its own.
    fn own_root(&self, from: usize) -> &str {
        let mut at = directory(&self.sources[from]);
        while self.files.get(at).is_some_and(|file| is_package(&self.sources[*file])) {
            at = directory(at);
        }
        at
    }
}

impl Modules for Tree<'_> {
    fn find(&self, from: usize, module: &str) -> Found {
        let found = if module.starts_with('.') {
            self.relative(from, module)
        } else {
            self.absolute(from, module)
        };
        if found == Found::Missing { vendored(module) } else { found }
    }

    fn child(&self, file: usize, name: &str) -> Option<usize> {
        let path = &self.sources[file];
        is_package(path).then(|| self.files.get(join(directory(path), name).as_str()).copied())?
    }

    fn part(&self, module: &str, name: &str) -> Option<String> {
        Some(if module.ends_with('.') {
            format!("{module}{name}")
        } else {
            format!("{module}.{name}")
        })
    }
}

/// What the files of a codebase that is a package call it: its directory's name, else the one below which they find
/// several of each other and hardly anything else.
fn own_name(files: &HashMap<&str, usize>, facts: &[Facts], codebase: &Codebase) -> Option<String> {
    let mut names: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for import in facts.iter().flat_map(|f| &f.imports) {
        let Some((first, rest)) = import.module.split_once('.') else { continue };
        if vendored(rest) != Found::Missing {
            continue;
        }
        let (inside, outside) = names.entry(first).or_default();
        let found = files.contains_key(rest.replace('.', "/").as_str());
        if found { inside } else { outside }.insert(rest);
    }
    let directory = codebase.root.file_name().map(|name| name.to_string_lossy().into_owned());
    let fits = |(inside, outside): &(BTreeSet<&str>, BTreeSet<&str>)| {
        inside.len() > 1 && inside.len() > 4 * outside.len()
    };
    let known = directory.as_deref().and_then(|name| names.get(name));
    if known.is_some_and(|(inside, _)| !inside.is_empty()) {
        return directory;
    }
    let found = names.into_iter().filter(|(name, of)| !name.is_empty() && fits(of));
    let found = found.max_by_key(|(_, (inside, _))| inside.len());
    found.map(|(name, _)| name.to_owned()).or(directory)
}

/// A module of a vendored copy is one from outside.
fn vendored(module: &str) -> Found {
    let mut parts = module.split('.').skip_while(|part| !part.starts_with("_vendor"));
    match (parts.next(), parts.next()) {
        (None, _) => Found::Missing,
        (Some(_), None) => Found::Nothing,
        (Some(_), Some(package)) => Found::Outside(package.to_owned()),
    }
}

fn join(directory: &str, path: &str) -> String {
    match (directory.is_empty(), path.is_empty()) {
        (true, _) => path.to_owned(),
        (_, true) => directory.to_owned(),
        _ => format!("{directory}/{path}"),
    }
}
