//! What a `Cargo.toml` says: names, dependencies and which files are roots of what. No cargo runs for it.

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};

/// A parsed `Cargo.toml`, as far as discovery needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Name of the package; none in a virtual workspace.
    pub name: Option<String>,
    pub version: Option<String>,
    pub repository: Option<String>,
    /// Name under which other crates import the library.
    pub library: Option<String>,
    /// Declared roots: kind and path relative to the manifest.
    pub targets: Vec<(TargetKind, String)>,
    /// Names of all dependencies, normal, build and target-specific, as code writes them.
    pub dependencies: BTreeSet<String>,
    /// Names of development dependencies.
    pub dev_dependencies: BTreeSet<String>,
    /// Line of each dependency in the file, for evidence.
    pub lines: Vec<(String, u32)>,
}

/// What cargo makes of the root of a crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TargetKind {
    Library,
    Binary,
    Test,
    Bench,
    Example,
    BuildScript,
}

impl Manifest {
    /// Reads a manifest; one that cannot be read or parsed is none.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(path).ok()?)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let table: Table = text.parse().ok()?;
        let package = table.get("package").and_then(Value::as_table);
        let shared =
            table.get("workspace").and_then(|w| w.get("package")).and_then(Value::as_table);
        let field = |name: &str| {
            let own = package.and_then(|p| p.get(name)).and_then(Value::as_str);
            own.or_else(|| shared.and_then(|p| p.get(name)).and_then(Value::as_str))
                .map(str::to_owned)
        };
        if package.is_none() && !table.contains_key("workspace") {
            return None;
        }
        let name = package.and_then(|p| p.get("name")).and_then(Value::as_str).map(str::to_owned);
        let library = table.get("lib").and_then(|l| l.get("name")).and_then(Value::as_str);
        Some(Self {
            version: field("version"),
            repository: field("repository"),
            library: library.map(str::to_owned).or_else(|| name.as_deref().map(in_code)),
            targets: targets(&table),
            dependencies: dependencies(&table, &["dependencies", "build-dependencies"]),
            dev_dependencies: dependencies(&table, &["dev-dependencies"]),
            lines: lines(text),
            name,
        })
    }
}

/// The name of a package as an identifier.
pub(crate) fn in_code(name: &str) -> String {
    name.replace('-', "_")
}

fn targets(table: &Table) -> Vec<(TargetKind, String)> {
    let mut found = Vec::new();
    let path = |v: &Value| v.get("path").and_then(Value::as_str).map(str::to_owned);
    if let Some(path) = table.get("lib").and_then(path) {
        found.push((TargetKind::Library, path));
    }
    let kinds = [
        ("bin", TargetKind::Binary),
        ("test", TargetKind::Test),
        ("bench", TargetKind::Bench),
        ("example", TargetKind::Example),
    ];
    for (key, kind) in kinds {
        let declared = table.get(key).and_then(Value::as_array).into_iter().flatten();
        found.extend(declared.filter_map(path).map(|path| (kind, path)));
    }
    if let Some(build) = table.get("package").and_then(|p| p.get("build")).and_then(Value::as_str) {
        found.push((TargetKind::BuildScript, build.to_owned()));
    }
    found
}

fn dependencies(table: &Table, keys: &[&str]) -> BTreeSet<String> {
    let per_target =
        table.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let shared = table.get("workspace").into_iter();
    let places = per_target.chain(shared).filter_map(Value::as_table).chain([table]);
    places
        .flat_map(|place| keys.iter().filter_map(|key| place.get(*key)?.as_table()))
        .flat_map(Table::keys)
        .map(|name| in_code(name))
        .collect()
}

/// Where each key of the file stands: enough to point at a dependency.
fn lines(text: &str) -> Vec<(String, u32)> {
    let key = |line: &str| {
        let line = line.trim().trim_start_matches('[').trim_end_matches(']');
        let last = line.split('=').next()?.trim().trim_end_matches(".workspace");
        let last = last.rsplit('.').next()?.trim_matches('"');
        (!last.is_empty() && !last.contains(' ')).then(|| in_code(last))
    };
    (1..).zip(text.lines()).filter_map(|(n, line)| Some((key(line)?, n))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_tells_roots_and_dependencies() {
        let text = "[package]\nname = \"my-app\"\nversion.workspace = true\n[[bin]]\nname = \"x\"\npath = \"src/x.rs\"\n\
                    [dependencies]\nserde-json = \"1\"\n[target.'cfg(unix)'.dependencies.nix]\nversion = \"1\"\n";
        let manifest = Manifest::parse(text).unwrap_or_default();
        assert_eq!(manifest.library.as_deref(), Some("my_app"));
        assert_eq!(manifest.targets, [(TargetKind::Binary, "src/x.rs".to_owned())]);
        assert!(
            manifest.dependencies.contains("serde_json") && manifest.dependencies.contains("nix")
        );
        assert!(manifest.lines.contains(&("serde_json".to_owned(), 8)));
    }

    #[test]
    fn what_is_no_package_is_no_manifest() {
        assert_eq!(Manifest::parse("x = 1"), None);
        assert_eq!(Manifest::parse("not toml at all ["), None);
    }
}
