//! Which files a codebase has: sources, manifests, and the marker files that tell technologies.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{WalkBuilder, WalkState};

use super::Unread;
use crate::language::{Language, base_name, directory};
use crate::parallel;

/// Larger files are not even read.
pub(crate) const READ_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The files of a codebase by kind, paths relative to its root with `/`, sorted.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Sources in the languages that were asked for.
    pub sources: Vec<String>,
    /// Each `Cargo.toml`.
    pub manifests: Vec<String>,
    /// Manifests of the other languages; these are among [`Files::others`] too, or sources themselves.
    pub declarations: Vec<String>,
    /// Everything else that is small in number: file names that markers may look at.
    pub others: Vec<String>,
    /// Directories of builds and of other people's code.
    pub skipped: BTreeSet<String>,
    /// Directories and files that the walk could not enter.
    pub unread: Vec<Unread>,
}

/// Walks `root`, honouring its ignore files and leaving out `target` and other people's code. Links are not followed.
pub(crate) fn walk(root: &Path, languages: &'static [Language]) -> Files {
    let skipped = Arc::new(Mutex::new(BTreeSet::new()));
    let (seen, base) = (Arc::clone(&skipped), root.to_owned());
    let walker = WalkBuilder::new(root)
        .hidden(false)
        .parents(false)
        .filter_entry(move |entry| {
            let name = entry.file_name().to_string_lossy();
            let leave = is_foreign(&name) || is_pruned(&name, languages);
            if leave && is_worth_a_word(&name) && entry.file_type().is_some_and(|t| t.is_dir()) {
                let path = relative(entry.path(), &base);
                seen.lock().unwrap_or_else(PoisonError::into_inner).extend(path);
            }
            !leave
        })
        .threads(parallel::cores())
        .build_parallel();
    let found = Mutex::new((Vec::new(), Vec::new()));
    let inside = |path: &Path| relative(path, root);
    walker.run(|| {
        Box::new(|entry| {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|t| t.is_file()) => {
                    found.0.extend(inside(entry.path()));
                }
                Ok(_) => {}
                Err(error) => found.1.push(Unread {
                    path: place(&error).and_then(inside).unwrap_or_default(),
                    reason: error.io_error().map_or_else(|| error.to_string(), ToString::to_string),
                }),
            }
            WalkState::Continue
        })
    });
    let (paths, mut unread) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    unread.sort_by(|a, b| (&a.path, &a.reason).cmp(&(&b.path, &b.reason)));
    let mut files = Files { unread, ..sort(paths, languages) };
    files.skipped.append(&mut skipped.lock().unwrap_or_else(PoisonError::into_inner));
    files
}

/// Files by kind, without those in directories that are left out.
pub(crate) fn sort(paths: impl IntoIterator<Item = String>, languages: &[Language]) -> Files {
    let mut files = Files::default();
    let (foreign, paths): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| path.split('/').any(is_foreign));
    files.skipped.extend(foreign.iter().filter_map(|path| {
        outermost(path, &|_, name| is_foreign(name)).filter(|d| is_worth_a_word(base_name(d)))
    }));
    let packages: Vec<BTreeSet<String>> =
        languages.iter().map(|language| packages(&paths, *language)).collect();
    for path in paths {
        let name = base_name(&path);
        let manifest = languages.iter().any(|l| l.manifests().contains(&name));
        let source = Language::of(&path).and_then(|l| languages.iter().position(|o| *o == l));
        if let Some(place) = source {
            let language = languages[place];
            let left = outermost(&path, &|parent, name| {
                let built = language.built().contains(&name) && packages[place].contains(parent);
                language.foreign().contains(&name) || built
            });
            if let Some(directory) = left {
                files.skipped.insert(directory);
                continue;
            }
        }
        if name == "Cargo.toml" {
            files.manifests.push(path);
        } else {
            files.declarations.extend(manifest.then(|| path.clone()));
            if source.is_some() { &mut files.sources } else { &mut files.others }.push(path);
        }
    }
    files.sources.sort();
    files.manifests.sort();
    files.declarations.sort();
    files.others.sort();
    files
}

/// Directories that hold a manifest of `language`.
fn packages(paths: &[String], language: Language) -> BTreeSet<String> {
    let manifests = paths.iter().filter(|path| language.manifests().contains(&base_name(path)));
    manifests.map(|path| directory(path).to_owned()).collect()
}

/// The outermost directory of `path` for which `leave` holds, asked with its parent and its name.
fn outermost(path: &str, leave: &dyn Fn(&str, &str) -> bool) -> Option<String> {
    let mut ends = path.match_indices('/').map(|(at, _)| &path[..at]);
    let found = ends.find(|path| leave(directory(path), base_name(path)));
    found.map(str::to_owned)
}

/// Directories of git, of builds and of other people's code.
fn is_foreign(name: &str) -> bool {
    matches!(name, ".git" | "target" | "node_modules" | "vendor" | "third_party")
}

/// Directories of tools that may hold as much as everything else.
fn is_pruned(name: &str, languages: &[Language]) -> bool {
    let tool = name.starts_with('.') || matches!(name, "__pycache__" | "site-packages");
    tool && languages.iter().any(|l| l.foreign().contains(&name))
}

/// Whether somebody may wonder why it was not seen.
fn is_worth_a_word(name: &str) -> bool {
    !matches!(name, ".git" | "target" | "__pycache__")
}

fn relative(path: &Path, root: &Path) -> Option<String> {
    Some(path.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/"))
}

fn place(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            place(err)
        }
        _ => None,
    }
}
