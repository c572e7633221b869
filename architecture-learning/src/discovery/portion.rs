//! The door that every language goes through: a portion of a codebase in, findings out.

use std::collections::BTreeSet;

use super::{Edge, Evidence, Pattern, SourceFile, Unread};
use crate::codebase::Codebase;

/// The files of one language, or of two that import each other.
pub(super) struct Portion<'a> {
    pub codebase: &'a Codebase,
    /// Paths relative to the codebase, with `/`, sorted.
    pub sources: Vec<String>,
    /// Manifests of this language with their texts.
    pub manifests: Vec<(&'a str, &'a str)>,
    pub unread: &'a [Unread],
}

impl Portion<'_> {
    /// Whether a file could not be read.
    pub(super) fn unread(&self) -> BTreeSet<&str> {
        self.unread.iter().map(|u| u.path.as_str()).collect()
    }
}

/// What a language makes of its portion.
#[derive(Default)]
pub(super) struct Findings {
    /// In the order of [`Portion::sources`].
    pub files: Vec<SourceFile>,
    /// Between [`Findings::files`].
    pub edges: Vec<Edge>,
    /// Imports of the codebase's own that lead nowhere.
    pub unresolved: usize,
    /// Patterns that only this language can tell.
    pub patterns: Vec<Pattern>,
    /// Packages, and those among them that build programs.
    pub packages: usize,
    pub programs: Vec<Evidence>,
    /// Whether people run it rather than build on it.
    pub application: bool,
}

impl Findings {
    /// The findings of all languages in one; whether people run it goes by the language with the most lines.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        let lines = |f: &Self| f.files.iter().map(|f| u64::from(f.lines)).sum::<u64>();
        let main = parts.iter().enumerate().max_by_key(|(i, f)| (lines(f), usize::MAX - i));
        let application = main.is_some_and(|(_, f)| f.application);
        let mut all = Self { application, ..Self::default() };
        for part in parts {
            all.append(part);
        }
        all.sort();
        all
    }

    /// Adds the findings of another language.
    fn append(&mut self, mut other: Self) {
        let first = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        let moved = |e: &Edge| Edge { from: e.from + first, to: e.to + first, ..*e };
        self.edges.extend(other.edges.iter().map(moved));
        self.files.append(&mut other.files);
        self.unresolved += other.unresolved;
        self.patterns.append(&mut other.patterns);
        self.packages += other.packages;
        self.programs.append(&mut other.programs);
    }

    /// Puts the files in the order of their paths.
    fn sort(&mut self) {
        let mut order: Vec<_> = (0..self.files.len()).collect();
        order.sort_by(|a, b| self.files[*a].path.cmp(&self.files[*b].path));
        let mut place = vec![0; order.len()];
        (0_u32..).zip(&order).for_each(|(new, old)| place[*old] = new);
        for edge in &mut self.edges {
            (edge.from, edge.to) = (place[edge.from as usize], place[edge.to as usize]);
        }
        self.edges.sort_by_key(|e| (e.from, e.to, e.kind));
        let mut files: Vec<_> = (0_u32..).zip(std::mem::take(&mut self.files)).collect();
        files.sort_by_key(|(old, _)| place[*old as usize]);
        self.files = files.into_iter().map(|(_, file)| file).collect();
    }
}
