//! Who reads which language.

use super::dialect::Dialect;
use super::portion::{Findings, Portion};
use super::{ecmascript, elixir, go, imports, python, rust};
use crate::LearningError;
use crate::language::Language;
use crate::observer::Observer;

/// A reader of one language, or of two that import each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Rust,
    Python,
    EcmaScript,
    Go,
    Elixir,
}

impl Reader {
    pub(super) const ALL: [Self; 5] =
        [Self::Rust, Self::Python, Self::EcmaScript, Self::Go, Self::Elixir];

    pub(super) fn languages(self) -> &'static [Language] {
        match self {
            Self::Rust => &[Language::Rust],
            Self::Python => &[Language::Python],
            Self::EcmaScript => &[Language::TypeScript, Language::JavaScript],
            Self::Go => &[Language::Go],
            Self::Elixir => &[Language::Elixir],
        }
    }

    pub(super) fn read(
        self,
        portion: &Portion<'_>,
        threads: usize,
        observer: &mut dyn Observer,
    ) -> Result<Findings, LearningError> {
        match self.dialect() {
            None => rust::read(portion, threads, observer),
            Some(dialect) => imports::read(dialect, portion, threads, observer),
        }
    }

    /// Parses and reads nothing from the trees.
    pub(super) fn trees_alone(
        self,
        portion: &Portion<'_>,
        threads: usize,
    ) -> Result<(), LearningError> {
        match self.dialect() {
            None => rust::trees_alone(portion, threads),
            Some(dialect) => imports::trees_alone(dialect, portion, threads),
        }
    }

    /// What is particular about a language that the model has not learnt.
    fn dialect(self) -> Option<&'static dyn Dialect> {
        match self {
            Self::Rust => None,
            Self::Python => Some(&python::Python),
            Self::EcmaScript => Some(&ecmascript::EcmaScript),
            Self::Go => Some(&go::Go),
            Self::Elixir => Some(&elixir::Elixir),
        }
    }
}
