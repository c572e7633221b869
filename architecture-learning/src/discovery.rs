//! Step 1: reads a codebase into a shard: its files with their words and counts, typed dependency edges between them,
//! and the patterns it shows, each with evidence. Reads text only; nothing of the codebase is built or run.

mod detect;
mod resolve;
mod syntax;
mod tree;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::codebase::Codebase;
use crate::manifest::{Manifest, TargetKind};
use crate::observer::{Observer, Unobserved};
use crate::storage::{self, DataDir};
use crate::{LearningError, words};
use syntax::{COUNTS, Parsed, Syntax};
use tree::{ModuleTree, Package};

/// Part of every shard's key: a change of what discovery finds gives new shards.
const FORMAT: &str = "shard 2";

/// How many counts describe the structure of a file.
pub(crate) const STRUCTURE: usize = COUNTS.len() + 1;

/// What step 1 hands on: the shard by id, and figures for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discovery {
    /// Name of the codebase.
    pub codebase: String,
    /// Id of its shard: the hash of its content.
    pub shard: String,
    /// Rust files found.
    pub files: usize,
    /// Dependency edges between them.
    pub edges: usize,
    /// Patterns found.
    pub patterns: usize,
    /// Whether the shard was there already.
    pub known: bool,
    /// Seconds that this took.
    pub seconds: f64,
}

/// Everything that discovery found in one codebase.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shard {
    /// The codebase.
    pub codebase: Codebase,
    /// Its Rust files, sorted by path.
    pub files: Vec<SourceFile>,
    /// Edges between [`Shard::files`], by index.
    pub edges: Vec<Edge>,
    /// What it is built like and with.
    pub patterns: Vec<Pattern>,
    /// Paths into the codebase that could not be followed to their end.
    pub unresolved: usize,
    /// Whether it has a binary target: an application rather than a library.
    pub application: bool,
}

/// One Rust file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourceFile {
    /// Path relative to the codebase, with `/`.
    pub path: String,
    /// What cargo and the module tree make of it.
    pub kind: FileKind,
    /// Its package's name.
    pub package: String,
    /// Lines of text.
    pub lines: u32,
    /// SHA-256 of its words, the same for copies that differ in comments alone.
    pub fingerprint: String,
    /// Words of identifiers outside tests, and how often each occurs. The file's own path's words are among them.
    pub tokens: BTreeMap<String, u32>,
    /// Crates outside the codebase that it names; of `std` also the module.
    pub dependencies: BTreeSet<String>,
    /// Counts of syntactic constructs, then lines.
    pub structure: Vec<u32>,
}

/// What is known of a file without learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A module of a library or binary: these have roles.
    Module,
    /// Root of a library.
    CrateRoot,
    /// Root of a binary.
    EntryPoint,
    /// Belongs to tests.
    Test,
    /// Belongs to benchmarks.
    Bench,
    /// Belongs to examples.
    Example,
    /// Runs before the build.
    BuildScript,
    /// Written by a program, or too large to have been written by a person.
    Generated,
    /// No `mod` declares it.
    Dead,
}

/// A dependency of one file on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// Index of the file that depends.
    pub from: u32,
    /// Index of the file that it depends on.
    pub to: u32,
    /// How.
    pub kind: EdgeKind,
    /// First line in `from` that says so, from 1.
    pub line: u32,
}

/// How one file depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// `mod child;`
    Child,
    /// `use`
    Use,
    /// `pub use`
    ReExport,
    /// A path in the code.
    Path,
}

/// A pattern with what shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// Which, such as `builder` or `postgresql`.
    pub name: String,
    /// Its family: `framework`, `technology`, `service_architecture`, `code` or `structure`.
    pub category: String,
    /// How sure the detector is, 0 to 1.
    pub confidence: f64,
    /// Where it shows, at most eight places.
    pub evidence: Vec<Evidence>,
}

/// A place that shows a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Path relative to the codebase.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// What stands there.
    pub note: String,
}

/// Discovers `codebase` into a shard of `data`; does nothing when its content has been discovered before.
///
/// # Errors
/// [`LearningError::Cancelled`] when the observer says so, which is asked before each file; when files cannot be read or
/// the shard cannot be written.
pub fn discover(
    data: &DataDir,
    codebase: &Codebase,
    observer: &mut dyn Observer,
) -> Result<Discovery, LearningError> {
    let begun = Instant::now();
    let input = Input::read(codebase, observer)?;
    let id = input.id();
    let path = data.shard(&id);
    let known = path.is_file();
    let shard = if known {
        storage::read_json(&path)?
    } else {
        let shard = input.scan(observer)?;
        storage::write_json(&path, &shard)?;
        shard
    };
    let (files, edges, patterns) = (shard.files.len(), shard.edges.len(), shard.patterns.len());
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Discovery {
        codebase: codebase.name.clone(),
        shard: id,
        files,
        edges,
        patterns,
        known,
        seconds,
    })
}

/// Discovers `codebase` without a data directory.
///
/// # Errors
/// When files cannot be read.
pub fn scan(codebase: &Codebase) -> Result<Shard, LearningError> {
    Input::read(codebase, &Unobserved)?.scan(&mut Unobserved)
}

/// The text of a codebase.
struct Input<'c> {
    codebase: &'c Codebase,
    files: walk::Files,
    sources: Vec<String>,
    manifests: Vec<String>,
}

impl<'c> Input<'c> {
    fn read(codebase: &'c Codebase, observer: &dyn Observer) -> Result<Self, LearningError> {
        let files = walk::walk(&codebase.root);
        let text = |paths: &[String]| {
            let read = |path: &String| wanted(observer).and_then(|()| read_text(codebase, path));
            paths.iter().map(read).collect::<Result<_, _>>()
        };
        Ok(Self {
            codebase,
            sources: text(&files.sources)?,
            manifests: text(&files.manifests)?,
            files,
        })
    }

    fn id(&self) -> String {
        let names = self.files.sources.iter().zip(&self.sources);
        let names = names.chain(self.files.manifests.iter().zip(&self.manifests));
        let content = names.flat_map(|(path, text)| [path.as_str(), text.as_str()]);
        let others = self.files.others.iter().map(String::as_str);
        let about = [FORMAT, &self.codebase.name, &self.codebase.owner];
        storage::hash(about.into_iter().chain(content).chain(others))
    }

    fn scan(&self, observer: &mut dyn Observer) -> Result<Shard, LearningError> {
        let root = &self.codebase.root;
        let mut syntax =
            Syntax::new().ok_or_else(|| LearningError::damaged(root, "no grammar for Rust"))?;
        // bindings by the megabyte take most of the time and have no role
        let unread = |text: &&String| {
            let long = text.len() as u64;
            long > walk::SOURCE_BYTES_MAX
                || (long > walk::GENERATED_BYTES_MAX && is_generated(text))
        };
        let text = self.sources.iter().map(|text| if unread(&text) { "" } else { text.as_str() });
        let mut parsed = Vec::with_capacity(self.sources.len());
        for (done, text) in text.enumerate() {
            wanted(observer)?;
            observer.progress(done, self.sources.len(), &self.codebase.name);
            parsed.push(syntax.parse(text));
        }
        let packages = self.packages();
        let tree = tree::build(&packages, &self.files.sources, &parsed);
        let resolution = resolve::resolve(&tree, &parsed);
        let kinds = self.kinds(&tree, &parsed);
        let files = self.source_files(&packages, &parsed, &kinds, &resolution.dependencies);
        let binaries = tree.crates.iter().filter(|c| c.kind == TargetKind::Binary).count();
        let view = detect::View {
            packages: &packages,
            others: &self.files.others,
            files: &files,
            parsed: &parsed,
            edges: &resolution.edges,
            tree: &tree,
        };
        Ok(Shard {
            patterns: detect::detect(&view),
            codebase: self.codebase.clone(),
            files,
            edges: resolution.edges,
            unresolved: resolution.unresolved,
            application: binaries > 0,
        })
    }

    fn packages(&self) -> Vec<Package> {
        let manifests = self.files.manifests.iter().zip(&self.manifests);
        let package = |(path, text): (&String, &String)| {
            let directory = path.trim_end_matches("Cargo.toml").to_owned();
            Some(Package { directory, manifest: Manifest::parse(text)? })
        };
        let mut packages: Vec<_> = manifests.filter_map(package).collect();
        if packages.is_empty() {
            packages.push(self.bare_package());
        }
        packages
    }

    /// Sources without any manifest: whatever looks like a root is one.
    fn bare_package(&self) -> Package {
        let target = |path: &String| match path.rsplit('/').next() {
            Some("lib.rs") => Some((TargetKind::Library, path.clone())),
            Some("main.rs") => Some((TargetKind::Binary, path.clone())),
            _ => None,
        };
        let targets = self.files.sources.iter().filter_map(target).collect();
        let manifest = Manifest { targets, ..Manifest::default() };
        Package { directory: String::new(), manifest }
    }

    fn source_files(
        &self,
        packages: &[Package],
        parsed: &[Parsed],
        kinds: &[FileKind],
        dependencies: &[BTreeSet<String>],
    ) -> Vec<SourceFile> {
        let paths = self.files.sources.iter().zip(&self.sources);
        let file = |(i, (path, text)): (usize, (&String, &String))| {
            let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
            let home = packages.iter().filter(|p| path.starts_with(&p.directory));
            let home = home.max_by_key(|p| p.directory.len()).and_then(|p| p.manifest.name.clone());
            let tokens = parsed[i].tokens.clone();
            let words = tokens.iter().map(|(word, n)| format!("{word} {n}"));
            SourceFile {
                path: path.clone(),
                kind: kinds[i],
                package: home.unwrap_or_default(),
                lines,
                fingerprint: storage::hash(words),
                dependencies: dependencies[i].clone(),
                structure: parsed[i].counts.iter().copied().chain([lines]).collect(),
                tokens,
            }
        };
        paths.enumerate().map(file).collect()
    }

    /// Libraries and binaries claim their files first, then the other targets, then nobody.
    fn kinds(&self, tree: &ModuleTree, parsed: &[Parsed]) -> Vec<FileKind> {
        let mut kinds: Vec<Option<FileKind>> = vec![None; parsed.len()];
        for module in &tree.modules {
            let home = &tree.crates[module.home];
            let root = tree.modules[home.root].file == module.file;
            let kind = kind_of(home.kind, root, module.test);
            let known = &mut kinds[module.file];
            *known = Some(known.map_or(kind, |k| k.min(kind)));
        }
        for (i, includes) in parsed.iter().map(|p| &p.includes).enumerate() {
            let directory = self.files.sources[i].rsplit_once('/').map_or("", |(d, _)| d);
            for included in includes {
                let path = format!("{directory}/{included}");
                if let Ok(file) = self.files.sources.binary_search(&path) {
                    kinds[file] = kinds[file].or(kinds[i]);
                }
            }
        }
        // without a manifest nobody can tell which files are dead
        let orphan = if self.manifests.is_empty() { FileKind::Module } else { FileKind::Dead };
        let unreached = |i: usize| by_directory(&self.files.sources[i]).unwrap_or(orphan);
        let known = kinds.into_iter().enumerate().map(|(i, k)| k.unwrap_or_else(|| unreached(i)));
        known
            .zip(&self.sources)
            .map(|(k, text)| if is_generated(text) { FileKind::Generated } else { k })
            .collect()
    }
}

fn wanted(observer: &dyn Observer) -> Result<(), LearningError> {
    if observer.cancelled() { Err(LearningError::Cancelled) } else { Ok(()) }
}

fn kind_of(target: TargetKind, root: bool, test: bool) -> FileKind {
    match (target, root) {
        (TargetKind::Library | TargetKind::Binary, false) if test => FileKind::Test,
        (TargetKind::Library | TargetKind::Binary, false) => FileKind::Module,
        (TargetKind::Library, true) => FileKind::CrateRoot,
        (TargetKind::Binary, true) => FileKind::EntryPoint,
        (TargetKind::Test, _) => FileKind::Test,
        (TargetKind::Bench, _) => FileKind::Bench,
        (TargetKind::Example, _) => FileKind::Example,
        (TargetKind::BuildScript, _) => FileKind::BuildScript,
    }
}

fn by_directory(path: &str) -> Option<FileKind> {
    let mut parts = path.split('/').rev().skip(1);
    parts.find_map(|part| match part {
        "tests" | "test" | "testdata" | "fixtures" => Some(FileKind::Test),
        "benches" | "bench" => Some(FileKind::Bench),
        "examples" => Some(FileKind::Example),
        _ => None,
    })
}

/// A text that says so in its head, is too large, or has lines that nobody types.
fn is_generated(text: &str) -> bool {
    let head: String = text.chars().take(600).flat_map(char::to_lowercase).collect();
    let says = [
        "@generated",
        "automatically generated",
        "auto-generated",
        "autogenerated",
        "do not edit",
        "generated by",
    ];
    let lines = text.lines().count().max(1);
    says.iter().any(|mark| head.contains(mark))
        || u64::try_from(text.len()).unwrap_or(u64::MAX) > walk::SOURCE_BYTES_MAX
        || text.len() / lines > 160
}

fn read_text(codebase: &Codebase, path: &str) -> Result<String, LearningError> {
    let path = codebase.root.join(path);
    Ok(String::from_utf8_lossy(&storage::read(&path)?).into_owned())
}

/// Words that a file's own path is made of, without plurals; its package's name too.
pub(crate) fn path_words(file: &SourceFile) -> BTreeSet<String> {
    let path = file.path.trim_end_matches(".rs");
    let parts = path.split('/').chain([file.package.as_str()]);
    parts.flat_map(words::split).map(|word| words::singular(&word).to_owned()).collect()
}

#[cfg(test)]
mod tests;
