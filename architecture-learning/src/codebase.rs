//! Which codebases there are: directories with a `Cargo.toml` (a workspace is one), or the crates of a cargo registry.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::language::Language;
use crate::manifest::Manifest;
use crate::storage::hash64;

/// How deep below a given path codebases are looked for.
const DEPTH_MAX: usize = 4;

/// Owners who publish under several names.
const ALIASES: [(&str, &str); 6] = [
    ("rust-lang-nursery", "rust-lang"),
    ("rust-lang-deprecated", "rust-lang"),
    ("serde-rs", "dtolnay"),
    ("cuviper", "rust-num"),
    ("mitsuhiko", "getsentry"),
    ("hyperium", "seanmonstar"),
];

/// One codebase: what a person would clone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codebase {
    /// The directory with the outermost `Cargo.toml`, where there is one.
    pub root: PathBuf,
    /// Its name: of the package, or of the directory for a workspace without one.
    pub name: String,
    /// Version of the package; empty where there is none.
    pub version: String,
    /// Owner of its repository, lower case; else the first part of its name. Splits go by this.
    pub owner: String,
    /// What the corpus manifest says it is; none where discovery has to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CodebaseKind>,
}

/// What people do with a codebase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodebaseKind {
    /// Run it: a program or service, or a part of one that nothing else uses.
    Application,
    /// Build on it.
    Library,
}

impl CodebaseKind {
    /// The name in the manifest and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Library => "library",
        }
    }
}

/// Part of the corpus that an owner belongs to, for good: decided by the hash of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Weights are fitted on these.
    Train,
    /// Early stopping, choice of model, temperature and threshold.
    Validation,
    /// Published numbers only.
    Test,
}

impl Split {
    /// The part of `owner`: seven tenths train, one validates, two test.
    pub fn of(owner: &str) -> Self {
        match hash64(owner) % 10 {
            0..=6 => Self::Train,
            7 => Self::Validation,
            _ => Self::Test,
        }
    }
}

impl Codebase {
    /// Reads name, version and owner from the `Cargo.toml` in `root`.
    ///
    /// # Errors
    /// [`LearningError::NoCodebase`] without a readable manifest.
    pub fn open(root: &Path) -> Result<Self, LearningError> {
        let root = directory(root)?;
        let manifest = Manifest::read(&root.join("Cargo.toml"))
            .ok_or_else(|| LearningError::NoCodebase { paths: format!("`{}`", root.display()) })?;
        Ok(Self::of(root, manifest))
    }

    /// Like [`Codebase::open`], and any other directory with sources in one of the languages too, by its own name.
    ///
    /// # Errors
    /// [`LearningError::NoSource`] without a single one.
    pub fn open_sources(root: &Path) -> Result<Self, LearningError> {
        let root = directory(root)?;
        if !has_sources(&root, &Language::ALL) {
            return Err(LearningError::NoSource { path: root });
        }
        let manifest = Manifest::read(&root.join("Cargo.toml"));
        Ok(Self::of(root, manifest.unwrap_or_default()))
    }

    fn of(root: PathBuf, manifest: Manifest) -> Self {
        let directory = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = manifest.name.clone().unwrap_or(directory);
        let owner = owner(manifest.repository.as_deref(), &name);
        Self { version: manifest.version.unwrap_or_default(), root, name, owner, kind: None }
    }

    /// Where the numbers of this codebase belong.
    pub fn split(&self) -> Split {
        Split::of(&self.owner)
    }
}

/// The sources of the user's own cargo registry, one directory per registry.
///
/// # Errors
/// [`LearningError::NoCodebase`] when cargo has not fetched anything yet.
pub fn registry_sources() -> Result<Vec<PathBuf>, LearningError> {
    let sources = registry_directory().join("src");
    let found = subdirectories(&sources);
    if found.is_empty() {
        return Err(LearningError::NoCodebase { paths: format!("`{}`", sources.display()) });
    }
    Ok(found)
}

/// Where cargo keeps what it fetched: `src` and `cache`, each with a directory per registry.
pub(crate) fn registry_directory() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    home.unwrap_or_default().join("registry")
}

/// All codebases at or below `paths`, of each name the newest version, sorted by name; with a `limit` the same ones
/// each time, chosen by hash so that every kind of name has its chance.
///
/// # Errors
/// [`LearningError::NoCodebase`] when there are none, [`LearningError::Read`] when a path is not there,
/// [`LearningError::NotADirectory`] when it is a file.
pub fn find(paths: &[PathBuf], limit: Option<usize>) -> Result<Vec<Codebase>, LearningError> {
    let mut newest: BTreeMap<String, Codebase> = BTreeMap::new();
    for path in paths {
        let path = directory(path)?;
        for root in roots(&path, 0).into_iter().filter(|root| has_sources(root, &[Language::Rust]))
        {
            let Ok(found) = Codebase::open(&root) else { continue };
            let key = registry_name(&found).unwrap_or_else(|| root.display().to_string());
            match newest.get(&key) {
                Some(known) if version_key(&known.version) >= version_key(&found.version) => {}
                _ => drop(newest.insert(key, found)),
            }
        }
    }
    if newest.is_empty() {
        let paths: Vec<_> = paths.iter().map(|p| format!("`{}`", p.display())).collect();
        return Err(LearningError::NoCodebase { paths: paths.join(", ") });
    }
    let mut found: Vec<_> = newest.into_values().collect();
    if let Some(limit) = limit {
        found.sort_by_cached_key(|c| hash64(&c.name));
        found.truncate(limit);
    }
    found.sort_by(|a, b| (&a.name, &a.root).cmp(&(&b.name, &b.root)));
    Ok(found)
}

fn directory(path: &Path) -> Result<PathBuf, LearningError> {
    let path = path.canonicalize().map_err(LearningError::read(path))?;
    if path.is_dir() { Ok(path) } else { Err(LearningError::NotADirectory { path }) }
}

/// Whether there is a source in one of `languages` at or below `path`; looks no further than the first.
fn has_sources(path: &Path, languages: &[Language]) -> bool {
    let mut entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    let language = |e: &fs::DirEntry| Language::of(&e.file_name().to_string_lossy());
    entries.any(|e| language(&e).is_some_and(|l| languages.contains(&l)))
        || subdirectories(path).iter().any(|dir| has_sources(dir, languages))
}

fn roots(path: &Path, depth: usize) -> Vec<PathBuf> {
    if path.join("Cargo.toml").is_file() {
        return vec![path.to_owned()];
    }
    if depth == DEPTH_MAX {
        return Vec::new();
    }
    subdirectories(path).iter().flat_map(|dir| roots(dir, depth + 1)).collect()
}

pub(crate) fn subdirectories(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()))
        .map(|e| e.path())
        .filter(|p| {
            let name = p.file_name().unwrap_or_default().to_string_lossy();
            !name.starts_with('.') && name != "target" && name != "node_modules"
        })
        .collect();
    found.sort();
    found
}

/// The name under which versions of one registry crate meet; checkouts keep their own directories apart.
fn registry_name(codebase: &Codebase) -> Option<String> {
    let directory = codebase.root.file_name()?.to_string_lossy();
    (directory == format!("{}-{}", codebase.name, codebase.version)).then(|| codebase.name.clone())
}

/// Orders versions as semver does, as far as choosing the newest needs it.
fn version_key(version: &str) -> (Vec<u64>, bool, String) {
    let version = version.split('+').next().unwrap_or_default();
    let (numbers, pre) = version.split_once('-').unwrap_or((version, ""));
    (numbers.split('.').map(|n| n.parse().unwrap_or(0)).collect(), pre.is_empty(), pre.to_owned())
}

fn owner(repository: Option<&str>, name: &str) -> String {
    let hosted = repository.and_then(|url| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let mut parts = rest.split('/').filter(|part| !part.is_empty());
        let host = parts.next()?;
        (host.contains("git") || host.contains("codeberg") || host.contains("sr.ht"))
            .then(|| parts.next().map(str::to_lowercase))?
    });
    let prefix = || name.split(['-', '_']).next().unwrap_or(name).to_lowercase();
    let owner = hosted.unwrap_or_else(prefix);
    ALIASES.iter().find(|(alias, _)| *alias == owner).map_or(owner, |(_, real)| (*real).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_come_from_the_repository_else_from_the_name() {
        assert_eq!(owner(Some("https://github.com/Tokio-rs/tokio.git"), "x"), "tokio-rs");
        assert_eq!(owner(Some("https://example.org/tokio"), "tokio-util"), "tokio");
        assert_eq!(owner(None, "serde_json"), "serde");
        assert_eq!(owner(Some("https://github.com/serde-rs/json"), "serde_json"), "dtolnay");
    }

    #[test]
    fn the_newest_version_is_not_the_last_in_the_alphabet() {
        assert!(version_key("0.10.0") > version_key("0.9.9"));
        assert!(version_key("1.0.0") > version_key("1.0.0-rc.1"));
        assert!(version_key("1.2.1+spec-1.1.0") > version_key("1.2.0"));
    }

    #[test]
    fn an_owner_stays_in_its_part() {
        // frozen: published numbers depend on it
        let parts = ["tokio-rs", "burntsushi", "dtolnay", "rust-lang"].map(Split::of);
        assert_eq!(parts, ["tokio-rs", "burntsushi", "dtolnay", "rust-lang"].map(Split::of));
        let tests = (0..1000).filter(|n| Split::of(&n.to_string()) == Split::Test).count();
        assert!((150..250).contains(&tests), "{tests} of 1000 owners test");
    }
}
