//! Step 1: reads a codebase into a shard: its files with their words and counts, typed dependency edges between them,
//! and the patterns it shows, each with evidence. Reads text only; nothing of the codebase is built or run.

mod cache;
mod detect;
mod dialect;
mod ecmascript;
mod elixir;
mod extract;
mod generated;
mod go;
mod imports;
mod input;
mod parse;
mod portion;
mod python;
mod reader;
mod rust;
mod signs;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::codebase::{Codebase, CodebaseKind};
use crate::git::Revision;
use crate::language::{Language, module_path, without_extension};
use crate::observer::{Observer, Unobserved};
use crate::role::Role;
use crate::storage::{self, DataDir};
use crate::{LearningError, words};
use cache::Cache;
pub use cache::CacheDir;
use input::Input;
pub use input::Reading;
pub use rust::Blind;
use rust::COUNTS;

/// Part of every shard's key: a change of what discovery finds gives new shards.
const FORMAT: &str = "shard 4";

/// How many counts describe the structure of a file.
pub(crate) const STRUCTURE: usize = COUNTS.len() + 1;

/// What step 1 hands on: the shard by id, and figures for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discovery {
    /// Name of the codebase.
    pub codebase: String,
    /// Its version; empty where there is none.
    #[serde(default)]
    pub version: String,
    /// Id of its shard: the hash of its content.
    pub shard: String,
    /// Source files found.
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
    /// Its files, sorted by path.
    pub files: Vec<SourceFile>,
    /// Edges between [`Shard::files`], by index.
    pub edges: Vec<Edge>,
    /// What it is built like and with.
    pub patterns: Vec<Pattern>,
    /// Paths into the codebase that could not be followed to their end.
    pub unresolved: usize,
    /// Whether it has a binary target: an application rather than a library.
    pub application: bool,
    /// What could not be read, and is left out.
    pub unread: Vec<Unread>,
    /// Directories of builds and of other people's code, left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

impl Shard {
    /// Whether people run it rather than build on it, by the corpus manifest where that names it.
    pub fn is_application(&self) -> bool {
        self.codebase.kind.map_or(self.application, |kind| kind == CodebaseKind::Application)
    }

    /// Its languages with the number of files of each, those with the most lines first.
    pub fn languages(&self) -> Vec<(Language, usize, u64)> {
        let count = |language: Language| {
            let files = self.files.iter().filter(|f| f.language == language);
            files.fold((language, 0, 0), |(l, n, lines), f| (l, n + 1, lines + u64::from(f.lines)))
        };
        let mut found: Vec<_> =
            Language::ALL.into_iter().map(count).filter(|(_, files, _)| *files > 0).collect();
        found.sort_by_key(|(language, _, lines)| (u64::MAX - lines, *language));
        found
    }
}

/// A file or directory that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// Path relative to the codebase, with `/`.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// One source file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourceFile {
    /// Path relative to the codebase, with `/`.
    pub path: String,
    /// Its language.
    #[serde(default, skip_serializing_if = "is_default")]
    pub language: Language,
    /// What its manifest, the module tree and its place make of it.
    pub kind: FileKind,
    /// Its package's name.
    pub package: String,
    /// Lines of text.
    pub lines: u32,
    /// SHA-256 of its words, the same for copies that differ in comments alone; of its text where no words are read.
    pub fingerprint: String,
    /// Words of identifiers outside tests, and how often each occurs. The file's own path's words are among them. Of Rust
    /// alone, as the model reads nothing else.
    pub tokens: BTreeMap<String, u32>,
    /// Words of its documentation outside tests, examples left out, and how often each occurs; of Rust alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documentation: BTreeMap<String, u32>,
    /// Packages outside the codebase that it names; of Rust's `std` also the module.
    pub dependencies: BTreeSet<String>,
    /// Counts of syntactic constructs, then lines; of Rust alone.
    pub structure: Vec<u32>,
    /// What discovery could not see in it.
    pub blind: Blind,
    /// What in its code tells its role without a model; of Rust none is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<Sign>,
}

/// A role that code tells by a rule, such as the decorator of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    /// The role.
    pub role: Role,
    /// What stands there.
    pub reason: String,
    /// Where, from 1.
    pub line: u32,
}

/// What is known of a file without learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// A module of a library or program: these have roles.
    Module,
    /// Root of a library.
    CrateRoot,
    /// Root of a program.
    EntryPoint,
    /// Belongs to tests.
    Test,
    /// Belongs to benchmarks.
    Bench,
    /// Belongs to examples.
    Example,
    /// Runs before the build, or says how to build.
    BuildScript,
    /// Written by a program, or too large to have been written by a person.
    Generated,
    /// No `mod` declares it.
    Dead,
    /// It could not be read.
    Unread,
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
    /// `use`, or the import of another language.
    Use,
    /// `pub use`, or an import that is exported again.
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

/// What is learnt from: the languages of the model.
const LEARNT: &[Language] = &[Language::Rust];

/// Discovers the Rust of `codebase` into a shard of `data`; does nothing when its content has been discovered before.
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
    let input = Input::held(codebase, LEARNT, observer)?;
    let id = input.id();
    let path = data.shard(&id);
    let known = path.is_file();
    let shard = if known {
        storage::read_json(&path)?
    } else {
        let (shard, _) = input.scan(1, &Cache::none(), observer)?;
        storage::write_json(&path, &shard)?;
        shard
    };
    let (files, edges, patterns) = (shard.files.len(), shard.edges.len(), shard.patterns.len());
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Discovery {
        codebase: codebase.name.clone(),
        version: codebase.version.clone(),
        shard: id,
        files,
        edges,
        patterns,
        known,
        seconds,
    })
}

/// Discovers `codebase` in all languages, without a data directory or a cache, on all cores.
///
/// # Errors
/// None that a codebase can cause: what cannot be read is listed in [`Shard::unread`].
pub fn scan(codebase: &Codebase) -> Result<Shard, LearningError> {
    Ok(scan_cached(codebase, &CacheDir::off())?.0)
}

/// [`scan`] with what is known of files that did not change: the same shard, sooner.
///
/// # Errors
/// None that a codebase or a cache can cause.
pub fn scan_cached(
    codebase: &Codebase,
    cache: &CacheDir,
) -> Result<(Shard, Reading), LearningError> {
    let begun = Instant::now();
    let cache = Cache::open(cache, &codebase.root);
    let input = Input::of_directory(codebase, &Language::ALL);
    let walk = begun.elapsed();
    let (shard, reading) = input.scan(threads(), &cache, &mut Unobserved)?;
    Ok((shard, Reading { walk, ..reading }))
}

/// Discovers `codebase` as it was at a git revision, from git's objects.
///
/// # Errors
/// When git cannot read the objects.
pub fn scan_revision(
    codebase: &Codebase,
    revision: &Revision,
    cache: &CacheDir,
) -> Result<Shard, LearningError> {
    let input = Input::of_revision(codebase, &Language::ALL, revision)?;
    let cache = Cache::open(cache, &codebase.root);
    Ok(input.scan(threads(), &cache, &mut Unobserved)?.0)
}

/// How long reading and parsing alone take, of so many files: what everything else is measured by.
///
/// # Errors
/// When a grammar cannot be used.
pub fn parsing_alone(codebase: &Codebase) -> Result<(usize, std::time::Duration), LearningError> {
    let begun = Instant::now();
    let input = Input::of_directory(codebase, &Language::ALL);
    input.trees_alone(threads())?;
    Ok((input.files.sources.len(), begun.elapsed()))
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_default(language: &Language) -> bool {
    *language == Language::default()
}

/// Whether `edge` is one that the author could have drawn otherwise: between modules, neither `mod` nor parent and child.
pub(crate) fn is_dependency(files: &[SourceFile], edge: &Edge) -> bool {
    let (from, to) = (&files[edge.from as usize], &files[edge.to as usize]);
    let plain = from.kind == FileKind::Module && to.kind == FileKind::Module;
    let inside = |outer: &str, inner: &str| {
        inner.strip_prefix(module_path(outer)).is_some_and(|rest| rest.starts_with('/'))
    };
    plain
        && edge.kind != EdgeKind::Child
        && !inside(&from.path, &to.path)
        && !inside(&to.path, &from.path)
}

/// Words that a file's own path is made of, without plurals; its package's name too.
pub(crate) fn path_words(file: &SourceFile) -> BTreeSet<String> {
    let parts = without_extension(&file.path).split('/').chain([file.package.as_str()]);
    parts.flat_map(words::split).map(|word| words::singular(&word).to_owned()).collect()
}

#[cfg(test)]
mod tests;
