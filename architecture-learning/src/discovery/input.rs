//! The text of a codebase, from a directory or from a git revision, and how it becomes a shard. What cannot be read is
//! reported and left out, never fatal.

use std::collections::BTreeSet;
use std::path::Path;

use super::generated::is_no_source;
use super::portion::{Findings, Portion};
use super::reader::Reader;
use super::walk::{self, Files};
use super::{FORMAT, Shard, Unread, detect};
use crate::LearningError;
use crate::codebase::{Codebase, CodebaseKind};
use crate::git::Revision;
use crate::language::Language;
use crate::observer::Observer;
use crate::storage;

/// The text of a codebase.
pub(super) struct Input {
    pub codebase: Codebase,
    pub files: Files,
    /// Of [`Files::sources`]; empty for those that were not read.
    pub texts: Vec<String>,
    /// Of [`Files::manifests`], then of [`Files::declarations`].
    pub manifests: Vec<String>,
    pub unread: Vec<Unread>,
}

impl Input {
    /// The files in the codebase's directory.
    pub(super) fn of_directory(
        codebase: &Codebase,
        languages: &'static [Language],
        observer: &dyn Observer,
    ) -> Result<Self, LearningError> {
        let root = codebase.root.clone();
        let files = walk::walk(&root, languages);
        Self::read(codebase, files, observer, |path| read_file(&root.join(path)))
    }

    /// The files of a revision.
    pub(super) fn of_revision(
        codebase: &Codebase,
        languages: &'static [Language],
        revision: &Revision,
    ) -> Result<Self, LearningError> {
        let files = walk::sort(revision.paths(), languages);
        let Files { sources, manifests, declarations, .. } = &files;
        let wanted = sources.iter().chain(manifests).chain(declarations);
        let wanted = wanted.map(String::as_str).collect::<BTreeSet<_>>().into_iter();
        let blobs = revision.read(wanted)?;
        Self::read(codebase, files, &crate::observer::Unobserved, |path| {
            blobs.get(path).cloned().ok_or_else(|| "not among the objects".to_owned())
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
        let texts: Vec<String> = files.sources.iter().map(&mut text).collect::<Result<_, _>>()?;
        let mut manifest = |path: &String| match files.sources.binary_search(path) {
            Ok(source) => Ok(texts[source].clone()),
            Err(_) => text(path),
        };
        let manifests = files.manifests.iter().chain(&files.declarations);
        let manifests = manifests.map(&mut manifest).collect::<Result<_, _>>()?;
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
        let mut parts = Vec::new();
        for reader in Reader::ALL {
            if let Some(portion) = self.portion(reader) {
                parts.push(reader.read(&portion, threads, observer)?);
            }
        }
        let findings = Findings::all(parts);
        Ok(Shard {
            patterns: detect::detect(&findings, &self.files.others),
            codebase: self.codebase.clone(),
            files: findings.files,
            edges: findings.edges,
            unresolved: findings.unresolved,
            application: findings.application,
            unread: self.unread.clone(),
            skipped: self.files.skipped.iter().cloned().collect(),
        })
    }

    /// Parses and reads nothing from the trees.
    pub(super) fn trees_alone(&self, threads: usize) -> Result<(), LearningError> {
        let mut portions = Reader::ALL.into_iter().filter_map(|r| Some((r, self.portion(r)?)));
        portions.try_for_each(|(reader, portion)| reader.trees_alone(&portion, threads))
    }

    /// The sources of a reader; none where there is nothing for it.
    fn portion(&self, reader: Reader) -> Option<Portion<'_>> {
        let of = |path: &str| Language::of(path).is_some_and(|l| reader.languages().contains(&l));
        let learnt = reader.languages().iter().any(|l| l.is_learnt());
        let own = self.files.sources.iter().zip(&self.texts);
        let own = own.filter(|(path, text)| of(path) && (learnt || !is_no_source(text)));
        let (sources, texts): (Vec<_>, Vec<_>) =
            own.map(|(path, text)| (path.clone(), text.as_str())).unzip();
        let manifests = self.files.manifests.iter().chain(&self.files.declarations);
        let texts_of = self.manifests.iter().map(String::as_str);
        let manifests = manifests.map(String::as_str).zip(texts_of).filter(|(path, _)| {
            let name = path.rsplit('/').next().unwrap_or(path);
            reader.languages().iter().any(|l| l.manifests().contains(&name))
        });
        (!sources.is_empty()).then(|| Portion {
            codebase: &self.codebase,
            sources,
            texts,
            manifests: manifests.collect(),
            unread: &self.unread,
        })
    }
}

/// The bytes of a file, or why not; one that nobody typed is not read at all.
fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if length > walk::READ_BYTES_MAX {
        return Err(format!("{} MB", length / 1_000_000));
    }
    std::fs::read(path).map_err(|e| e.to_string())
}
