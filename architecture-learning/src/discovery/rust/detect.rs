//! Detectors for Rust: what its manifests and its code show.

mod code;
mod markers;

use super::syntax::Parsed;
use super::tree::{ModuleTree, Package};
use crate::discovery::detect::{by_count, pattern, place};
use crate::discovery::{FileKind, Pattern, SourceFile};

pub(super) use code::shapes;
pub(super) use markers::programs;

/// What the detectors look at.
pub(super) struct View<'a> {
    pub packages: &'a [Package],
    pub files: &'a [SourceFile],
    pub parsed: &'a [Parsed<&'a str>],
    pub tree: &'a ModuleTree<'a>,
}

impl View<'_> {
    /// Files that people wrote and that are part of the product, with their parse.
    fn own(&self) -> impl Iterator<Item = (usize, &SourceFile, &Parsed<&str>)> {
        let both = self
            .files
            .iter()
            .zip(self.parsed)
            .enumerate()
            .map(|(i, (file, parsed))| (i, file, parsed));
        both.filter(|(_, file, _)| {
            matches!(file.kind, FileKind::Module | FileKind::CrateRoot | FileKind::EntryPoint)
        })
    }
}

/// The patterns that only Rust can tell.
pub(super) fn detect(view: &View<'_>) -> Vec<Pattern> {
    let mut found = markers::detect(view);
    found.extend(code::detect(view));
    found
}
