//! Who reads which language.

use super::dialect::Dialect;
use super::extract::Extract;
use super::portion::{Findings, Portion};
use super::{ecmascript, elixir, go, imports, python, rust};
use crate::language::Language;

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

    /// The reader of a language.
    pub(super) fn of(language: Language) -> Option<Self> {
        Self::ALL.into_iter().find(|reader| reader.languages().contains(&language))
    }

    pub(super) fn languages(self) -> &'static [Language] {
        match self {
            Self::Rust => &[Language::Rust],
            Self::Python => &[Language::Python],
            Self::EcmaScript => &[Language::TypeScript, Language::JavaScript],
            Self::Go => &[Language::Go],
            Self::Elixir => &[Language::Elixir],
        }
    }

    /// Puts what the files say together; `extracts` are those of the portion's sources.
    pub(super) fn read(self, portion: &Portion<'_>, extracts: Vec<Extract<&str>>) -> Findings {
        match self.dialect() {
            None => rust::read(portion, extracts),
            Some(dialect) => imports::read(dialect, portion, extracts),
        }
    }

    /// What is particular about a language that the model has not learnt.
    pub(super) fn dialect(self) -> Option<&'static dyn Dialect> {
        match self {
            Self::Rust => None,
            Self::Python => Some(&python::Python),
            Self::EcmaScript => Some(&ecmascript::EcmaScript),
            Self::Go => Some(&go::Go),
            Self::Elixir => Some(&elixir::Elixir),
        }
    }
}
