//! The text of a codebase, from a directory or from a git revision, and how it becomes a shard. What cannot be read is
//! reported and left out, never fatal.

use std::collections::BTreeSet;
use std::path::Path;

use super::kinds::{is_generated, kinds};
use super::syntax::Parsed;
use super::tree::{self, Package};
use super::walk::{self, Files};
use super::{FORMAT, Shard, SourceFile, Unread, detect, parse, resolve};
use crate::LearningError;
use crate::codebase::{Codebase, CodebaseKind};
use crate::git::Revision;
use crate::manifest::{Manifest, TargetKind};
use crate::observer::Observer;
use crate::storage;

/// The text of a codebase.
pub(super) struct Input {
    pub codebase: Codebase,
    pub files: Files,
    /// Of [`Files::sources`]; empty for those that were not read.
    pub texts: Vec<String>,
    /// Of [`Files::manifests`].
    pub manifests: Vec<String>,
    pub unread: Vec<Unread>,
}

impl Input {
    /// The files in the codebase's directory.
    pub(super) fn of_directory(
        codebase: &Codebase,
        observer: &dyn Observer,
    ) -> Result<Self, LearningError> {
        let root = codebase.root.clone();
        let files = walk::walk(&root);
        Self::read(codebase, files, observer, |path| read_file(&root.join(path)))
    }

    /// The files of a revision.
    pub(super) fn of_revision(
        codebase: &Codebase,
        revision: &Revision,
    ) -> Result<Self, LearningError> {
        let files = walk::sort(revision.paths());
        let wanted = files.sources.iter().chain(&files.manifests).map(String::as_str);
        let mut blobs = revision.read(wanted)?;
        Self::read(codebase, files, &crate::observer::Unobserved, |path| {
            blobs.remove(path).ok_or_else(|| "not among the objects".to_owned())
        })
    }

    fn read(
        codebase: &Codebase,
        mut files: Files,
        observer: &dyn Observer,
        mut read: impl FnMut(&str) -> Result<Vec<u8>, String>,
    ) -> Result<Self, LearningError> {
        let mut unread = std::mem::take(&mut files.unread);
        let mut text = |path: &String| {
            if observer.cancelled() {
                return Err(LearningError::Cancelled);
            }
            Ok(read(path).map_or_else(
                |reason| {
                    unread.push(Unread { path: path.clone(), reason });
                    String::new()
                },
                |bytes| String::from_utf8_lossy(&bytes).into_owned(),
            ))
        };
        let texts = files.sources.iter().map(&mut text).collect::<Result<_, _>>()?;
        let manifests = files.manifests.iter().map(&mut text).collect::<Result<_, _>>()?;
        Ok(Self { codebase: codebase.clone(), files, texts, manifests, unread })
    }

    /// The hash of all that a shard is made of.
    pub(super) fn id(&self) -> String {
        let names = self.files.sources.iter().zip(&self.texts);
        let names = names.chain(self.files.manifests.iter().zip(&self.manifests));
        let content = names.flat_map(|(path, text)| [path.as_str(), text.as_str()]);
        let others = self.files.others.iter().map(String::as_str);
        let unread = self.unread.iter().flat_map(|u| [u.path.as_str(), u.reason.as_str()]);
        let about = [FORMAT, &self.codebase.name, &self.codebase.owner];
        let kind = self.codebase.kind.map(CodebaseKind::name);
        storage::hash(about.into_iter().chain(kind).chain(content).chain(others).chain(unread))
    }

    /// Makes the shard, with `threads` parsers.
    pub(super) fn scan(
        &self,
        threads: usize,
        observer: &mut dyn Observer,
    ) -> Result<Shard, LearningError> {
        let parsed = parse::parse(&self.worth_parsing(), threads, &self.codebase, observer)?;
        let packages = self.packages();
        let tree = tree::build(&packages, &self.files.sources, &parsed);
        let resolution = resolve::resolve(&tree, &parsed);
        let kinds = kinds(self, &tree, &parsed);
        let mut files = self.source_files(&packages, &parsed, &resolution.dependencies);
        files.iter_mut().zip(kinds).for_each(|(file, kind)| file.kind = kind);
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
            unread: self.unread.clone(),
        })
    }

    /// The texts, empty where parsing would only take time.
    pub(super) fn worth_parsing(&self) -> Vec<&str> {
        self.texts.iter().map(|text| worth_parsing(text)).collect()
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
        dependencies: &[BTreeSet<String>],
    ) -> Vec<SourceFile> {
        let paths = self.files.sources.iter().zip(&self.texts);
        let file = |(i, (path, text)): (usize, (&String, &String))| {
            let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
            let home = packages.iter().filter(|p| path.starts_with(&p.directory));
            let home = home.max_by_key(|p| p.directory.len()).and_then(|p| p.manifest.name.clone());
            let tokens = parsed[i].tokens.clone();
            let words = tokens.iter().map(|(word, n)| format!("{word} {n}"));
            SourceFile {
                path: path.clone(),
                kind: super::FileKind::Module,
                package: home.unwrap_or_default(),
                lines,
                fingerprint: storage::hash(words),
                dependencies: dependencies[i].clone(),
                structure: parsed[i].counts.iter().copied().chain([lines]).collect(),
                blind: parsed[i].blind,
                tokens,
            }
        };
        paths.enumerate().map(file).collect()
    }
}

/// Bindings by the megabyte take most of the time and have no role.
fn worth_parsing(text: &str) -> &str {
    let long = text.len() as u64;
    let unread =
        long > walk::SOURCE_BYTES_MAX || (long > walk::GENERATED_BYTES_MAX && is_generated(text));
    if unread { "" } else { text }
}

/// The bytes of a file, or why not; one that nobody typed is not read at all.
fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if length > walk::READ_BYTES_MAX {
        return Err(format!("{} MB", length / 1_000_000));
    }
    std::fs::read(path).map_err(|e| e.to_string())
}
