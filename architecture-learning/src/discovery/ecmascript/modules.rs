//! Where TypeScript and JavaScript find a module: relative to the file, by the `paths` of the nearest `tsconfig.json`, in
//! another package of the workspace, or below `src` for `@/` and `~/`.

use std::collections::HashMap;

use serde_json::Value;

use super::manifests::{lenient, strings};
use crate::discovery::dialect::{Found, Modules, joined};
use crate::discovery::portion::Portion;
use crate::language::{Language, base_name, directory, within};

/// Endings that an import leaves out, in the order in which they are tried.
const ENDINGS: [&str; 9] = [".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"];

pub(super) struct Tree<'a> {
    sources: &'a [String],
    files: HashMap<&'a str, usize>,
    packages: Vec<Package<'a>>,
    configs: Vec<Config<'a>>,
}

/// A `package.json` of the workspace.
struct Package<'a> {
    directory: &'a str,
    name: String,
    /// Files that it names as its main one, relative to its directory.
    mains: Vec<String>,
}

/// A `tsconfig.json` that says where modules are.
struct Config<'a> {
    directory: &'a str,
    /// What `baseUrl` comes to.
    base: Option<String>,
    /// Patterns with their targets.
    paths: Vec<(String, Vec<String>)>,
}

impl<'a> Tree<'a> {
    pub(super) fn of(portion: &'a Portion<'_>) -> Self {
        let files = portion.sources.iter().enumerate().map(|(i, path)| (path.as_str(), i));
        let manifests = || portion.manifests.iter().map(|(path, text)| (*path, *text));
        let is_package = |path: &str| base_name(path) == "package.json";
        let packages = manifests().filter(|(path, _)| is_package(path));
        let configs = manifests().filter(|(path, _)| !is_package(path));
        let mut configs: Vec<_> = configs.filter_map(|(path, text)| config(path, text)).collect();
        configs.sort_by_key(|c| usize::MAX - c.directory.len());
        Self {
            sources: &portion.sources,
            files: files.collect(),
            packages: packages.filter_map(|(path, text)| package(path, text)).collect(),
            configs,
        }
    }

    /// The file of a path that may lack its ending, or be a directory.
    fn file(&self, path: &str) -> Option<usize> {
        let get = |path: &str| self.files.get(path).copied();
        let ending = |path: &str| ENDINGS.iter().find_map(|e| get(&format!("{path}{e}")));
        // what the compiler will have written is named, and its source is here
        let source = || {
            let (start, end) = path.rsplit_once('.')?;
            matches!(end, "js" | "jsx" | "mjs" | "cjs").then(|| ending(start))?
        };
        let index = if path.is_empty() { "index".to_owned() } else { format!("{path}/index") };
        get(path).or_else(|| ending(path)).or_else(source).or_else(|| ending(&index))
    }

    fn relative(&self, from: usize, module: &str) -> Found {
        let path = joined(directory(&self.sources[from]), module);
        let file = path.and_then(|path| self.file(&path));
        let ending = base_name(module).rsplit_once('.');
        let code = ending
            .is_none_or(|(_, e)| e.is_empty() || e.len() > 6 || Language::of(module).is_some());
        match file {
            Some(file) => Found::Files(vec![file]),
            None if code => Found::Missing,
            None => Found::Nothing,
        }
    }

    /// By the `paths` and the `baseUrl` of the nearest configuration.
    fn configured(&self, from: usize, module: &str) -> Option<usize> {
        let path = &self.sources[from];
        let config = self.configs.iter().find(|c| within(path, c.directory))?;
        let base = config.base.as_deref().unwrap_or(config.directory);
        let fits = |(pattern, targets): &(String, Vec<String>)| {
            let rest = match pattern.split_once('*') {
                None => (pattern == module).then_some("")?,
                Some((start, end)) => module.strip_prefix(start)?.strip_suffix(end)?,
            };
            targets.iter().find_map(|t| self.file(&joined(base, &t.replacen('*', rest, 1))?))
        };
        let below = || self.file(&joined(config.base.as_deref()?, module)?);
        config.paths.iter().find_map(fits).or_else(below)
    }

    /// In another package of the workspace.
    fn packaged(&self, module: &str) -> Option<Found> {
        let rest = |p: &Package<'_>| {
            let rest = module.strip_prefix(p.name.as_str())?;
            (rest.is_empty() || rest.starts_with('/'))
                .then(|| rest.trim_start_matches('/').to_owned())
        };
        let fitting = self.packages.iter().filter_map(|p| Some((p, rest(p)?)));
        let (package, rest) = fitting.max_by_key(|(p, _)| p.name.len())?;
        let usual = ["", "src", "lib"].map(|folder| match (folder, rest.is_empty()) {
            ("", _) => rest.clone(),
            (_, true) => folder.to_owned(),
            _ => format!("{folder}/{rest}"),
        });
        let mains = package.mains.iter().filter(|_| rest.is_empty());
        let file =
            mains.chain(&usual).find_map(|path| self.file(&joined(package.directory, path)?));
        Some(file.map_or(Found::Missing, |file| Found::Files(vec![file])))
    }

    /// `@/a` and `~/a` by convention.
    fn short(&self, from: usize, module: &str) -> Option<Found> {
        let rest = module.strip_prefix("@/").or_else(|| module.strip_prefix("~/"))?;
        let mut at = directory(&self.sources[from]);
        loop {
            let file = [rest.to_owned(), format!("src/{rest}")]
                .iter()
                .find_map(|path| self.file(&joined(at, path)?));
            match file {
                Some(file) => return Some(Found::Files(vec![file])),
                None if at.is_empty() => return Some(Found::Missing),
                None => at = directory(at),
            }
        }
    }
}

impl Modules for Tree<'_> {
    fn find(&self, from: usize, module: &str) -> Found {
        if module.starts_with('.') {
            return self.relative(from, module);
        }
        if module.starts_with(['/', '#']) || module.contains("://") {
            return Found::Nothing;
        }
        if let Some(file) = self.configured(from, module) {
            return Found::Files(vec![file]);
        }
        let inside = self.short(from, module).or_else(|| self.packaged(module));
        inside.unwrap_or_else(|| Found::Outside(outside(module)))
    }
}

/// `@scope/package` or `package`.
fn outside(module: &str) -> String {
    let steps = if module.starts_with('@') { 2 } else { 1 };
    let module = module.trim_start_matches("node:");
    module.split('/').take(steps).collect::<Vec<_>>().join("/")
}

fn package<'a>(path: &'a str, text: &str) -> Option<Package<'a>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let mains = ["source", "types", "module", "main"];
    let mains = mains.iter().filter_map(|key| value.get(*key)?.as_str().map(str::to_owned));
    let name = value.get("name")?.as_str()?.to_owned();
    Some(Package { directory: directory(path), name, mains: mains.collect() })
}

fn config<'a>(path: &'a str, text: &str) -> Option<Config<'a>> {
    let value = lenient(text)?;
    let options = value.get("compilerOptions")?;
    let directory = directory(path);
    let base = options.get("baseUrl").and_then(Value::as_str);
    let base = base.and_then(|base| joined(directory, base));
    let paths = options.get("paths").and_then(Value::as_object).into_iter().flatten();
    let paths: Vec<_> = paths.map(|(pattern, to)| (pattern.clone(), strings(to))).collect();
    (base.is_some() || !paths.is_empty()).then_some(Config { directory, base, paths })
}
