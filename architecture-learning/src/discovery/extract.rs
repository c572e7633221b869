//! What one file says on its own, without a look at any other: all that discovery needs of its text.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tree_sitter::Parser;

use super::dialect::Facts;
use super::generated::{is_generated, is_no_source, worth_parsing};
use super::imports;
use super::reader::Reader;
use super::rust::{Parsed, Syntax};
use crate::language::Language;
use crate::storage;

/// All code that decides what a file says: a change of it makes what is kept of files worthless.
const CODE: [&str; 13] = [
    include_str!("extract.rs"),
    include_str!("dialect.rs"),
    include_str!("ecmascript.rs"),
    include_str!("elixir.rs"),
    include_str!("generated.rs"),
    include_str!("go.rs"),
    include_str!("imports.rs"),
    include_str!("python.rs"),
    include_str!("rust/syntax.rs"),
    include_str!("rust/syntax/paths.rs"),
    include_str!("rust/syntax/structure.rs"),
    include_str!("../language.rs"),
    include_str!("../words.rs"),
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

/// SHA-256 of all that an extract depends on besides the file: code, grammars, the order of the languages.
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
    let code = CODE.into_iter().map(str::to_owned);
    let mut sha = Sha256::new();
    for part in grammars.chain(code) {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    sha.finalize().into()
}

fn dialect(path: &str) -> Option<&'static dyn super::dialect::Dialect> {
    Reader::of(Language::of(path)?)?.dialect()
}
