//! Where Go finds a package: below the directory of the `go.mod` whose module path its import begins with.

use std::collections::BTreeMap;

use crate::discovery::dialect::{Found, Modules, joined};
use crate::discovery::portion::Portion;
use crate::language::{base_name, directory};

pub(super) struct Packages<'a> {
    sources: &'a [String],
    /// Files of each directory that are not tests, the chief one first.
    files: BTreeMap<&'a str, Vec<usize>>,
    /// Module path and directory of each `go.mod`, the longest first.
    modules: Vec<(&'a str, &'a str)>,
}

impl<'a> Packages<'a> {
    pub(super) fn of(portion: &'a Portion<'_>) -> Self {
        let mut files: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, path) in portion.sources.iter().enumerate() {
            if !path.ends_with("_test.go") {
                files.entry(directory(path)).or_default().push(i);
            }
        }
        for (package, files) in &mut files {
            let chief = format!("{}.go", base_name(package));
            files.sort_by_key(|i| (!portion.sources[*i].ends_with(&format!("/{chief}")), *i));
        }
        let module = |(path, text): &(&'a str, &'a str)| {
            Some((text.lines().find_map(declared)?, directory(path)))
        };
        let mut modules: Vec<_> = portion.manifests.iter().filter_map(module).collect();
        modules.sort_by_key(|(module, _)| usize::MAX - module.len());
        Self { sources: &portion.sources, files, modules }
    }

    fn package(&self, path: Option<String>) -> Found {
        let files = path.and_then(|path| self.files.get(path.as_str()));
        files.map_or(Found::Missing, |files| Found::Files(files.clone()))
    }
}

impl Modules for Packages<'_> {
    fn find(&self, from: usize, module: &str) -> Found {
        if module == "C" {
            return Found::Nothing;
        }
        if module.starts_with('.') {
            return self.package(joined(directory(&self.sources[from]), module));
        }
        for (name, home) in &self.modules {
            let rest = module.strip_prefix(name).filter(|r| r.is_empty() || r.starts_with('/'));
            if let Some(rest) = rest {
                return self.package(joined(home, rest));
            }
        }
        Found::Outside(outside(module))
    }
}

/// The module path that a line of a `go.mod` declares.
fn declared(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("module").filter(|rest| rest.starts_with([' ', '\t']))?;
    let path = rest.split_once("//").map_or(rest, |(path, _)| path);
    Some(path.trim().trim_matches(['"', '`']))
}

/// The module of a package path: of the standard library the whole path.
pub(super) fn outside(path: &str) -> String {
    let mut parts = path.split('/');
    let host = parts.next().unwrap_or_default();
    if !host.contains('.') {
        return path.to_owned();
    }
    let deep = matches!(host, "github.com" | "gitlab.com" | "bitbucket.org" | "golang.org");
    path.split('/').take(if deep { 3 } else { 2 }).collect::<Vec<_>>().join("/")
}
