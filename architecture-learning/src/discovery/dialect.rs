//! What differs from one language to the next among those that the model has not learnt. [`imports`](super::imports) does
//! what they have in common.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tree_sitter::Node;

use super::portion::Portion;
use super::{EdgeKind, Evidence, FileKind};
use crate::role::Role;

/// A language, or two that import each other.
pub(super) trait Dialect: Sync {
    /// The grammar of a file.
    fn grammar(&self, path: &str) -> tree_sitter::Language;

    /// Adds what a node says to the facts of its file; false where nothing below it is of interest.
    fn node(&self, node: Node<'_>, text: &str, facts: &mut Facts) -> bool;

    /// Puts the facts of a whole file together.
    fn finish(&self, _facts: &mut Facts) {}

    /// What is to be known before modules can be found.
    fn modules<'a>(&self, portion: &'a Portion<'_>, facts: &'a [Facts]) -> Box<dyn Modules + 'a>;

    /// What the path and the facts say of a file that a person wrote and that is no test by its directory.
    fn kind(&self, path: &str, facts: &Facts) -> FileKind;

    /// Packages outside that the manifests declare.
    fn needs(&self, portion: &Portion<'_>) -> Vec<Need>;

    /// Programs that the portion builds, one place per package.
    fn programs(&self, portion: &Portion<'_>, facts: &[Facts]) -> Vec<Evidence>;

    /// Marks of frameworks and technologies.
    fn frameworks(&self) -> &'static [Framework];

    /// Rules from code to role, the most telling first.
    fn rules(&self) -> &'static [SignRule];
}

/// Where the modules of a language are.
pub(super) trait Modules {
    /// What `module` means where the file `from` imports it.
    fn find(&self, from: usize, module: &str) -> Found;

    /// The file that is the part `name` of the module of `file`.
    fn child(&self, _file: usize, _name: &str) -> Option<usize> {
        None
    }

    /// The name of the part `name` of `module`.
    fn part(&self, _module: &str, _name: &str) -> Option<String> {
        None
    }
}

/// What a module name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A file of the portion, or all files of a package, its chief one first.
    Files(Vec<usize>),
    /// A package outside the codebase.
    Outside(String),
    /// It should be in the codebase, and is not.
    Missing,
    /// Nothing that could be an edge.
    Nothing,
}

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub imports: Vec<Import>,
    /// Names that it defines at its top.
    pub defines: BTreeSet<String>,
    /// Decorators, bases, calls and the like, each with its first line; see the dialect for how they are written.
    pub signs: BTreeMap<String, u32>,
    /// Where it begins as a program.
    pub begins: Option<u32>,
    /// Places that do not parse.
    pub errors: u32,
}

impl Facts {
    /// Notes a sign.
    pub(super) fn sign(&mut self, sign: impl Into<String>, line: u32) {
        self.signs.entry(sign.into()).or_insert(line);
    }
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Import {
    /// The module as written.
    pub module: String,
    /// Names taken out of it: as it has them, as they are called here.
    pub names: Vec<(String, String)>,
    /// Whether all its names are names of this file.
    pub all: bool,
    pub kind: EdgeKind,
    /// From 1.
    pub line: u32,
}

/// A package that a manifest declares.
pub(super) struct Need {
    /// As [`Found::Outside`] names it.
    pub name: String,
    /// The manifest.
    pub path: String,
    pub line: u32,
}

/// Pattern, category, confidence, and the packages or signs any of which shows it.
pub(super) type Framework = (&'static str, &'static str, f64, &'static [&'static str]);

/// Code that tells a role: a file that uses any of `packages`, and has any of `signs`; an empty list asks for nothing.
pub(super) struct SignRule {
    pub role: Role,
    pub packages: &'static [&'static str],
    /// With one `*` for any text.
    pub signs: &'static [&'static str],
}

/// The line of a node, from 1.
pub(super) fn line_of(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row).unwrap_or(0) + 1
}

/// The text of a node.
pub(super) fn text_of<'t>(node: Node<'_>, text: &'t str) -> &'t str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// The text of a field of a node.
pub(super) fn field<'t>(node: Node<'_>, name: &str, text: &'t str) -> Option<&'t str> {
    node.child_by_field_name(name).map(|n| text_of(n, text))
}

/// A name as it stands in code: without spaces, and nothing that is not a path of identifiers.
pub(super) fn dotted(text: &str) -> Option<&str> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
    (!text.is_empty() && text.len() < 100 && text.chars().all(plain)).then_some(text)
}

/// `directory` and a path relative to it in one, without `.` and `..`; none where it leads out of the codebase.
pub(super) fn joined(directory: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
