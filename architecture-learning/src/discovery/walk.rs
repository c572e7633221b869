//! Which files a codebase has: Rust sources, manifests, and the marker files that tell technologies.

use std::path::Path;

use ignore::WalkBuilder;

use super::Unread;

/// Larger files are not even read.
pub(crate) const READ_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Larger sources are generated or data; they are listed and not parsed.
pub(crate) const SOURCE_BYTES_MAX: u64 = 1024 * 1024;

/// Larger sources that say that they are generated are listed and not parsed.
pub(crate) const GENERATED_BYTES_MAX: u64 = 64 * 1024;

/// The files of a codebase by kind, paths relative to its root with `/`, sorted.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub sources: Vec<String>,
    pub manifests: Vec<String>,
    /// Everything else that is small in number: file names that markers may look at.
    pub others: Vec<String>,
    /// Directories and files that the walk could not enter.
    pub unread: Vec<Unread>,
}

/// Walks `root`, honouring its ignore files and leaving out `target` and other people's code. Links are not followed.
pub(crate) fn walk(root: &Path) -> Files {
    let walker = WalkBuilder::new(root)
        .hidden(false)
        .parents(false)
        .filter_entry(|entry| !is_foreign(&entry.file_name().to_string_lossy()))
        .build();
    let (mut paths, mut unread) = (Vec::new(), Vec::new());
    let inside =
        |path: &Path| Some(path.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/"));
    for entry in walker {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|t| t.is_file()) => {
                paths.extend(inside(entry.path()));
            }
            Ok(_) => {}
            Err(error) => unread.push(Unread {
                path: place(&error).and_then(inside).unwrap_or_default(),
                reason: error.io_error().map_or_else(|| error.to_string(), ToString::to_string),
            }),
        }
    }
    Files { unread, ..sort(paths) }
}

/// Files by kind, without those in directories that are left out.
pub(crate) fn sort(paths: impl IntoIterator<Item = String>) -> Files {
    let mut files = Files::default();
    for path in paths.into_iter().filter(|path| !path.split('/').any(is_foreign)) {
        match path.rsplit('/').next() {
            Some("Cargo.toml") => files.manifests.push(path),
            _ if path.to_lowercase().ends_with(".rs") => files.sources.push(path),
            _ => files.others.push(path),
        }
    }
    files.sources.sort();
    files.manifests.sort();
    files.others.sort();
    files
}

/// Directories of git, of builds and of other people's code.
fn is_foreign(name: &str) -> bool {
    matches!(name, ".git" | "target" | "node_modules" | "vendor" | "third_party")
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
