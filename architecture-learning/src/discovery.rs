//! Step 1: reads a codebase into a shard: its files with their words and counts, typed dependency edges between them,
//! and the patterns it shows, each with evidence. Reads text only; nothing of the codebase is built or run.

mod detect;
mod input;
mod kinds;
mod parse;
mod resolve;
mod syntax;
mod tree;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::codebase::{Codebase, CodebaseKind};
use crate::git::Revision;
use crate::observer::{Observer, Unobserved};
use crate::storage::{self, DataDir};
use crate::{LearningError, words};
use input::Input;
pub use syntax::Blind;
use syntax::COUNTS;

/// Part of every shard's key: a change of what discovery finds gives new shards.
const FORMAT: &str = "shard 3";

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
    /// What could not be read, and is left out.
    pub unread: Vec<Unread>,
}

impl Shard {
    /// Whether people run it rather than build on it, by the corpus manifest where that names it.
    pub fn is_application(&self) -> bool {
        self.codebase.kind.map_or(self.application, |kind| kind == CodebaseKind::Application)
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
    /// What discovery could not see in it.
    pub blind: Blind,
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
    let input = Input::of_directory(codebase, observer)?;
    let id = input.id();
    let path = data.shard(&id);
    let known = path.is_file();
    let shard = if known {
        storage::read_json(&path)?
    } else {
        let shard = input.scan(1, observer)?;
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

/// Discovers `codebase` without a data directory, on all cores.
///
/// # Errors
/// None that a codebase can cause: what cannot be read is listed in [`Shard::unread`].
pub fn scan(codebase: &Codebase) -> Result<Shard, LearningError> {
    Input::of_directory(codebase, &Unobserved)?.scan(threads(), &mut Unobserved)
}

/// Discovers `codebase` as it was at a git revision, from git's objects.
///
/// # Errors
/// When git cannot read the objects.
pub fn scan_revision(codebase: &Codebase, revision: &Revision) -> Result<Shard, LearningError> {
    Input::of_revision(codebase, revision)?.scan(threads(), &mut Unobserved)
}

/// How long reading and parsing alone take, of so many files: what everything else is measured by.
///
/// # Errors
/// When the grammar cannot be used.
pub fn parsing_alone(codebase: &Codebase) -> Result<(usize, std::time::Duration), LearningError> {
    let begun = Instant::now();
    let input = Input::of_directory(codebase, &Unobserved)?;
    parse::trees_alone(&input.worth_parsing(), threads(), codebase)?;
    Ok((input.texts.len(), begun.elapsed()))
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Whether `edge` is one that the author could have drawn otherwise: between modules, neither `mod` nor parent and child.
pub(crate) fn is_dependency(files: &[SourceFile], edge: &Edge) -> bool {
    let (from, to) = (&files[edge.from as usize], &files[edge.to as usize]);
    let plain = from.kind == FileKind::Module && to.kind == FileKind::Module;
    let inside = |outer: &str, inner: &str| {
        let folder = outer.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        inner.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    plain
        && edge.kind != EdgeKind::Child
        && !inside(&from.path, &to.path)
        && !inside(&to.path, &from.path)
}

/// Words that a file's own path is made of, without plurals; its package's name too.
pub(crate) fn path_words(file: &SourceFile) -> BTreeSet<String> {
    let path = file.path.trim_end_matches(".rs");
    let parts = path.split('/').chain([file.package.as_str()]);
    parts.flat_map(words::split).map(|word| words::singular(&word).to_owned()).collect()
}

#[cfg(test)]
mod tests;
