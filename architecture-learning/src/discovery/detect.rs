//! Detectors: what a codebase is built with and how it is built, each finding with the places that show it.

mod code;
mod markers;
mod shape;

use super::syntax::Parsed;
use super::tree::{ModuleTree, Package};
use super::{Edge, Evidence, FileKind, Pattern, SourceFile};

/// Places kept per pattern.
const EVIDENCE_MAX: usize = 8;

/// What the detectors look at.
pub(super) struct View<'a> {
    pub packages: &'a [Package],
    pub others: &'a [String],
    pub files: &'a [SourceFile],
    pub parsed: &'a [Parsed],
    pub edges: &'a [Edge],
    pub tree: &'a ModuleTree,
}

impl View<'_> {
    /// Files that people wrote and that are part of the product, with their parse.
    fn own(&self) -> impl Iterator<Item = (usize, &SourceFile, &Parsed)> {
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

/// All patterns of a codebase, sorted by category and name.
pub(super) fn detect(view: &View<'_>) -> Vec<Pattern> {
    let mut found = markers::detect(view);
    found.extend(code::detect(view));
    found.extend(shape::detect(view));
    found.sort_by(|a, b| (&a.category, &a.name).cmp(&(&b.category, &b.name)));
    found
}

/// A pattern, unless nothing shows it.
fn pattern(
    name: &str,
    category: &str,
    confidence: f64,
    mut evidence: Vec<Evidence>,
) -> Option<Pattern> {
    evidence.truncate(EVIDENCE_MAX);
    let (name, category) = (name.to_owned(), category.to_owned());
    (!evidence.is_empty()).then_some(Pattern { name, category, confidence, evidence })
}

/// Each further place halves what is left to doubt: 0.6, 0.8, 0.9, … up to 0.99.
fn by_count(places: usize) -> f64 {
    let doubt = 0.8 * 0.5_f64.powi(i32::try_from(places).unwrap_or(i32::MAX));
    (1.0 - doubt).min(0.99)
}

fn place(path: &str, line: u32, note: impl Into<String>) -> Evidence {
    Evidence { path: path.to_owned(), line, note: note.into() }
}
