//! Detectors: what a codebase is built with and how it is built, each finding with the places that show it. Here those
//! that need no language.

mod files;
mod shape;

use super::portion::Findings;
use super::{Edge, Evidence, Pattern, SourceFile};

/// Places kept per pattern.
const EVIDENCE_MAX: usize = 8;

/// What the detectors look at.
struct View<'a> {
    others: &'a [String],
    files: &'a [SourceFile],
    edges: &'a [Edge],
}

/// All patterns of a codebase, sorted by category and name.
pub(super) fn detect(findings: &Findings, others: &[String]) -> Vec<Pattern> {
    let view = View { others, files: &findings.files, edges: &findings.edges };
    let mut found = findings.patterns.clone();
    found.extend(files::detect(&view, findings));
    found.extend(shape::detect(&view));
    found.sort_by(|a, b| (&a.category, &a.name).cmp(&(&b.category, &b.name)));
    found
}

/// A pattern, unless nothing shows it.
pub(super) fn pattern(
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
pub(super) fn by_count(places: usize) -> f64 {
    let doubt = 0.8 * 0.5_f64.powi(i32::try_from(places).unwrap_or(i32::MAX));
    (1.0 - doubt).min(0.99)
}

pub(super) fn place(path: &str, line: u32, note: impl Into<String>) -> Evidence {
    Evidence { path: path.to_owned(), line, note: note.into() }
}
