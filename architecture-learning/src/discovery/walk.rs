//! Which files a codebase has: Rust sources, manifests, and the marker files that tell technologies.

use std::path::Path;

use ignore::WalkBuilder;

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
}

/// Walks `root`, honouring its ignore files and leaving out `target` and other people's code.
pub(crate) fn walk(root: &Path) -> Files {
    let mut files = Files::default();
    let walker = WalkBuilder::new(root)
        .hidden(false)
        .parents(false)
        .filter_entry(|entry| {
            let name = entry.file_name().to_string_lossy();
            !matches!(name.as_ref(), ".git" | "target" | "node_modules" | "vendor" | "third_party")
        })
        .build();
    for entry in walker.filter_map(Result::ok) {
        if !entry.file_type().is_some_and(|t| t.is_file()) {
            continue;
        }
        let Ok(path) = entry.path().strip_prefix(root) else { continue };
        let path = path.to_string_lossy().replace('\\', "/");
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
