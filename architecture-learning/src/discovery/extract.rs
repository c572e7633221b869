//! What one file says on its own, without a look at any other: all that discovery needs of its text.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use tree_sitter::Parser;

use super::dialect::Facts;
use super::generated::{is_generated, is_no_source, worth_parsing};
use super::imports;
use super::reader::Reader;
use super::rust::{Parsed, Syntax};
use crate::language::Language;
use crate::storage;

/// All code that decides what a file says: a change of it makes what is kept of files worthless.
const CODE: [&str; 17] = [
    include_str!("extract.rs"),
    include_str!("dialect.rs"),
    include_str!("ecmascript.rs"),
    include_str!("elixir.rs"),
    include_str!("generated.rs"),
    include_str!("go.rs"),
    include_str!("imports.rs"),
    include_str!("python.rs"),
    include_str!("reader.rs"),
    include_str!("rust/syntax.rs"),
    include_str!("rust/syntax/documentation.rs"),
    include_str!("rust/syntax/paths.rs"),
    include_str!("rust/syntax/structure.rs"),
    include_str!("../discovery.rs"),
    include_str!("../language.rs"),
    include_str!("../storage.rs"),
    include_str!("../words.rs"),
];

/// The packages that parse, as `Cargo.lock` has them: none of them tells its version.
const PARSERS: [&str; 7] = [
    "tree-sitter 0.27.1",
    "tree-sitter-elixir 0.3.5",
    "tree-sitter-go 0.25.0",
    "tree-sitter-language 0.1.9",
    "tree-sitter-python 0.25.0",
    "tree-sitter-rust 0.24.2",
    "tree-sitter-typescript 0.23.2",
];

/// What one file says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extract {
    /// Lines of text.
    pub lines: u32,
    /// Whether it says that a program wrote it, or looks like it.
    pub generated: bool,
    /// Whether it is more than the ending of a source.
    pub source: bool,
    /// SHA-256 of its words, of its text where no words are read.
    pub fingerprint: String,
    pub said: Said,
}

impl Extract {
    /// As the cache keeps it.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(self).ok()
    }
}

/// What its language makes of it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Said {
    Rust(Parsed),
    Other(Facts),
}

/// Reads files of all languages, one after the other.
pub(super) struct Extractor {
    rust: Syntax,
    others: Parser,
}

impl Extractor {
    /// `None` if a grammar and the library do not fit, which the tests rule out.
    pub(super) fn new() -> Option<Self> {
        Some(Self { rust: Syntax::new()?, others: Parser::new() })
    }

    /// What the text of `path` says; of the path only its ending counts.
    pub(super) fn read(&mut self, path: &str, text: &str) -> Extract {
        let (said, fingerprint) = match dialect(path) {
            None => {
                let parsed = self.rust.parse(worth_parsing(text));
                let words = parsed.tokens.iter().map(|(word, n)| format!("{word} {n}"));
                let fingerprint = storage::hash(words);
                (Said::Rust(parsed), fingerprint)
            }
            Some(dialect) => {
                let facts = imports::facts(dialect, &mut self.others, path, text);
                (Said::Other(facts), storage::hash([text]))
            }
        };
        Extract {
            lines: u32::try_from(text.lines().count()).unwrap_or(u32::MAX),
            generated: is_generated(text),
            source: !is_no_source(text),
            fingerprint,
            said,
        }
    }

    /// Makes the tree and reads nothing from it.
    pub(super) fn tree_alone(&mut self, path: &str, text: &str) {
        match dialect(path) {
            None => self.rust.tree_alone(worth_parsing(text)),
            Some(dialect) => drop(imports::tree(dialect, &mut self.others, path, text)),
        }
    }
}

/// SHA-256 of all that an extract depends on besides the file: code, parsers and grammars, the order of the
/// languages.
pub(super) fn version() -> [u8; 32] {
    let grammars = Language::ALL.into_iter().flat_map(|language| {
        let path = format!("a.{}", language.extensions()[0]);
        let rust = tree_sitter::Language::from(tree_sitter_rust::LANGUAGE);
        let grammar = dialect(&path).map_or(rust, |dialect| dialect.grammar(&path));
        let metadata = grammar
            .metadata()
            .map_or((0, 0, 0), |m| (m.major_version, m.minor_version, m.patch_version));
        let sizes = (grammar.abi_version(), grammar.node_kind_count(), grammar.parse_state_count());
        [language.name().to_owned(), format!("{metadata:?} {sizes:?}")]
    });
    let code = PARSERS.into_iter().chain(CODE).map(str::to_owned);
    storage::digest(grammars.chain(code))
}

/// The text of a file; what is no UTF-8 in it is replaced.
pub(super) fn text<'b>(bytes: impl Into<Cow<'b, [u8]>>) -> String {
    match bytes.into() {
        Cow::Owned(bytes) => String::from_utf8(bytes)
            .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn dialect(path: &str) -> Option<&'static dyn super::dialect::Dialect> {
    Reader::of(Language::of(path)?)?.dialect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parsers_are_those_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        let value = |line: Option<&str>, key: &str| {
            Some(line?.strip_prefix(key)?.trim_matches('"').to_owned())
        };
        let package = |text: &str| {
            let mut lines = text.trim().lines();
            let name = value(lines.next(), "name = ")?;
            Some(format!("{name} {}", value(lines.next(), "version = ")?))
        };
        let locked = lock.split("[[package]]").filter_map(package);
        let parsers: Vec<_> = locked.filter(|p| p.starts_with("tree-sitter")).collect();
        assert_eq!(parsers, PARSERS, "after an update `PARSERS` is updated, too");
    }
}
