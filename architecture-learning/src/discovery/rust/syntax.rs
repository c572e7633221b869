//! One source file as the rest of discovery sees it: its scopes with their declarations, its identifiers outside tests,
//! its counts. A walk over the tree of tree-sitter with a stack of its own, as sources nest deeper than threads do.

mod documentation;
mod paths;
mod structure;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use tree_sitter::{Node, Parser, TreeCursor};

use crate::words;

use paths::plain;
pub(crate) use paths::{Use, segments};
pub(crate) use structure::{COUNTS, Impl, Outline};
use structure::{Class, Kinds, Token};

/// Macro bodies within macro bodies are read to this depth.
const MACRO_DEPTH_MAX: usize = 4;

/// A parsed source file.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parsed {
    /// Scope 0 is the file, the others are its inline modules.
    pub scopes: Vec<Scope>,
    /// Sub-tokens of identifiers outside tests, and how often each occurs.
    pub tokens: BTreeMap<String, u32>,
    /// Words of what is documented outside tests, and how often each occurs.
    pub documentation: BTreeMap<String, u32>,
    /// Counts of syntactic constructs, see [`COUNTS`].
    pub counts: Vec<u32>,
    pub outline: Outline,
    /// Files that `include!` pulls in.
    pub includes: Vec<String>,
    pub blind: Blind,
}

/// What a reader of text alone cannot see in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blind {
    /// Places that do not parse.
    pub errors: u32,
    /// Macro calls between items: what they define is unknown.
    pub macros: u32,
    /// Items under `#[cfg]`, read as if they were all compiled.
    pub cfgs: u32,
}

/// A module's own text: a file or the body of `mod name { … }`.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scope {
    pub modules: Vec<ModuleDeclaration>,
    pub uses: Vec<Use>,
    /// Paths written in the code, in the order of their first place.
    pub paths: Vec<WrittenPath>,
    /// Names of the items that this scope defines.
    pub items: BTreeSet<String>,
}

/// A path in the code.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WrittenPath {
    pub path: Vec<String>,
    /// The first line that has it.
    pub line: u32,
    /// How often it stands there.
    pub times: u32,
}

/// `mod name;` or `mod name { … }`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModuleDeclaration {
    pub name: String,
    /// From `#[path]` and `#[cfg_attr(…, path)]`.
    pub paths: Vec<String>,
    pub line: u32,
    pub test: bool,
    /// The scope of the body, where there is one.
    pub inline: Option<usize>,
}

/// Parses sources, one after the other.
pub(crate) struct Syntax {
    parser: Parser,
    kinds: Kinds,
}

impl Syntax {
    /// A parser for Rust; `None` if the grammar and the library do not fit, which the tests rule out.
    pub(crate) fn new() -> Option<Self> {
        let mut parser = Parser::new();
        let grammar = tree_sitter_rust::LANGUAGE.into();
        parser.set_language(&grammar).ok()?;
        Some(Self { parser, kinds: Kinds::of(&grammar) })
    }

    pub(crate) fn parse(&mut self, text: &str) -> Parsed {
        let mut parsed = Parsed {
            scopes: vec![Scope::default()],
            counts: vec![0; COUNTS.len()],
            ..Parsed::default()
        };
        let mut seen = Seen::default();
        let at = Place { scope: 0, item: true, test: false };
        self.read(text, at, 0, 0, &mut parsed, &mut seen);
        for (word, times) in seen.words {
            words::count(word, times, &mut parsed.tokens);
        }
        for (word, times) in seen.documentation {
            words::count_parts(word, times, &mut parsed.documentation);
        }
        parsed
    }

    /// What the parser alone does.
    pub(crate) fn tree_alone(&mut self, text: &str) {
        drop(self.parser.parse(text, None));
    }

    fn read<'t>(
        &mut self,
        text: &'t str,
        at: Place,
        line: u32,
        depth: usize,
        into: &mut Parsed,
        seen: &mut Seen<'t>,
    ) {
        let Some(tree) = self.parser.parse(text, None) else { return };
        let kinds = &self.kinds;
        let (stack, macros) = (Vec::new(), Vec::new());
        let mut reader = Reader { text, line, into, seen, kinds, stack, macros };
        reader.read(tree.root_node(), at);
        if depth < MACRO_DEPTH_MAX {
            for (body, place, line) in std::mem::take(&mut reader.macros) {
                self.read(body, place, line, depth + 1, into, seen);
            }
        }
    }
}

/// What stands in a text more than once, so that it is taken apart only once.
#[derive(Default)]
struct Seen<'t> {
    /// Identifiers whose words count, and how often each occurs.
    words: HashMap<&'t str, u32>,
    /// The same of documentation.
    documentation: HashMap<&'t str, u32>,
    /// Places in [`Scope::paths`] by scope and text.
    paths: HashMap<(usize, &'t str), usize>,
}

/// Where in a file the walk is.
#[derive(Clone, Copy)]
struct Place {
    scope: usize,
    /// Directly in a module, not in a function or type.
    item: bool,
    test: bool,
}

struct Reader<'t, 'n, 'p> {
    text: &'t str,
    /// Lines before `text` in the file.
    line: u32,
    into: &'p mut Parsed,
    seen: &'p mut Seen<'t>,
    kinds: &'p Kinds,
    stack: Vec<(Node<'n>, Place)>,
    /// Bodies of macros between items, to be read as items: `cfg_if!` and its kind hide half of some crates.
    macros: Vec<(&'t str, Place, u32)>,
}

impl<'t, 'n> Reader<'t, 'n, '_> {
    fn read(&mut self, root: Node<'n>, at: Place) {
        let mut cursor = root.walk();
        self.push_children(root, at, &mut cursor);
        while let Some((node, at)) = self.stack.pop() {
            self.node(node, at, &mut cursor);
        }
    }

    /// Puts the children of `node` on the stack, each with the attributes before it taken into account.
    fn push_children(&mut self, node: Node<'n>, at: Place, cursor: &mut TreeCursor<'n>) {
        let first = self.stack.len();
        let mut attributes: Vec<Node<'n>> = Vec::new();
        let mut documents = documentation::Prose::default();
        for child in node.children(cursor) {
            match self.kinds.of_node(child).class {
                Class::Attribute => attributes.push(child),
                Class::Comment => documents.add(self.of(child)),
                Class::Passed => {}
                Class::Module => {
                    self.into.blind.cfgs += self.cfgs(&attributes);
                    let test = at.test || attributes.iter().any(|a| is_test(self.of(*a)));
                    documents.count(test, &mut self.seen.documentation);
                    self.module(child, &attributes, at);
                    attributes.clear();
                }
                class => {
                    let test = at.test || attributes.iter().any(|a| is_test(self.of(*a)));
                    if !test {
                        self.into.blind.cfgs += self.cfgs(&attributes);
                        for attribute in &attributes {
                            self.attribute(*attribute);
                        }
                    }
                    attributes.clear();
                    if child.is_named() {
                        documents.count(test, &mut self.seen.documentation);
                    }
                    if class == Class::Sign {
                        self.into.blind.errors += u32::from(child.is_missing());
                    } else {
                        self.stack.push((child, Place { test, ..at }));
                    }
                }
            }
        }
        documents.count(at.test, &mut self.seen.documentation);
        self.stack[first..].reverse();
    }

    fn node(&mut self, node: Node<'n>, at: Place, cursor: &mut TreeCursor<'n>) {
        let kind = self.kinds.of_node(node);
        if !at.test {
            structure::count(node, kind, self.text, &mut self.into.counts);
            if kind.outlined {
                let line = self.line_of(node);
                self.into.outline.add(node, self.text, line);
            }
        }
        self.into.blind.errors += u32::from(node.is_error() || node.is_missing());
        match kind.class {
            Class::Use => self.uses(node, at),
            Class::Path => self.path(node, at, cursor),
            Class::MacroCall => self.macro_call(node, at, cursor),
            Class::TokenTree => self.token_tree(node, at, cursor),
            Class::Identifier => self.token(node, at),
            Class::Closed => {}
            _ => {
                if at.item
                    && let Some(name) = node.child_by_field_name("name")
                {
                    let name = segments(self.of(name)).pop();
                    self.into.scopes[at.scope].items.extend(name);
                }
                let item = at.item && kind.class == Class::Items;
                self.push_children(node, Place { item, ..at }, cursor);
            }
        }
    }

    fn of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn line_of(&self, node: Node<'_>) -> u32 {
        self.line + u32::try_from(node.start_position().row).unwrap_or(0) + 1
    }

    fn module(&mut self, node: Node<'n>, attributes: &[Node<'n>], at: Place) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let name = self.of(name).trim_start_matches("r#").to_owned();
        let test = at.test || attributes.iter().any(|a| is_test(self.of(*a)));
        let paths = attributes.iter().filter_map(|a| path_attribute(self.of(*a))).collect();
        let inline = node.child_by_field_name("body").map(|body| {
            let scope = self.into.scopes.len();
            self.into.scopes.push(Scope::default());
            self.stack.push((body, Place { scope, item: true, test }));
            scope
        });
        let line = self.line_of(node);
        let declaration = ModuleDeclaration { name, paths, line, test, inline };
        self.into.scopes[at.scope].modules.push(declaration);
    }

    fn uses(&mut self, node: Node<'n>, at: Place) {
        let line = self.line_of(node);
        let mut found = paths::uses(node, self.text, line);
        for found in &mut found {
            found.test = at.test;
        }
        self.into.scopes[at.scope].uses.append(&mut found);
    }

    fn path(&mut self, node: Node<'n>, at: Place, cursor: &mut TreeCursor<'n>) {
        if at.test {
            return;
        }
        let text = self.of(node);
        let line = self.line_of(node);
        match self.seen.paths.entry((at.scope, text)) {
            Entry::Occupied(known) => {
                self.into.scopes[at.scope].paths[*known.get()].times += 1;
            }
            Entry::Vacant(place) => {
                let paths = &mut self.into.scopes[at.scope].paths;
                place.insert(paths.len());
                paths.push(WrittenPath { path: segments(text), line, times: 1 });
            }
        }
        self.path_words(text);
        let generics = node.children(cursor).filter(|c| c.kind() == "bracketed_type");
        self.stack.extend(generics.map(|c| (c, Place { item: false, ..at })));
    }

    /// Leading modules name files, of this crate or another: they are edges and dependencies, never words.
    fn path_words(&mut self, text: &'t str) {
        let told =
            |last: bool, segment: &str| last || segment.starts_with(|c: char| c.is_uppercase());
        if text.contains(|c: char| c == '<' || c == '>' || c.is_whitespace()) {
            let path = segments(text);
            for (i, segment) in path.iter().enumerate() {
                if told(i + 1 == path.len(), segment) {
                    words::count(segment, 1, &mut self.into.tokens);
                }
            }
            return;
        }
        let mut last = true;
        for segment in text.rsplit("::").filter_map(plain) {
            if told(std::mem::take(&mut last), segment) {
                self.word(segment);
            }
        }
    }

    fn word(&mut self, identifier: &'t str) {
        *self.seen.words.entry(identifier).or_default() += 1;
    }

    fn macro_call(&mut self, node: Node<'n>, at: Place, cursor: &mut TreeCursor<'n>) {
        let name = node.child_by_field_name("macro").map(|m| segments(self.of(m)));
        let name = name.and_then(|mut path| path.pop()).unwrap_or_default();
        let Some(body) = node.children(cursor).find(|c| c.kind() == "token_tree") else {
            return;
        };
        if name == "include" {
            let literal = self.of(body).split('"').nth(1).map(str::to_owned);
            self.into.includes.extend(literal);
        }
        if !at.test {
            *self.into.tokens.entry(format!("macro:{name}")).or_default() += 1;
        }
        self.into.blind.macros += u32::from(at.item && !at.test);
        if at.item && self.of(body).starts_with('{') {
            self.bodies(body, at);
        } else {
            self.stack.push((body, Place { item: false, ..at }));
        }
    }

    /// The parts of a macro's braces that read as items: all of it, or the arms of an `if`.
    fn bodies(&mut self, body: Node<'n>, at: Place) {
        let mut open = vec![body];
        while let Some(body) = open.pop() {
            let text = self.of(body);
            let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
            if !inner.trim_start().starts_with("if ") {
                let line = self.line + u32::try_from(body.start_position().row).unwrap_or(0);
                self.macros.push((inner, at, line));
                continue;
            }
            let mut cursor = body.walk();
            let first = open.len();
            let arms = body.children(&mut cursor).filter(|c| c.kind() == "token_tree");
            open.extend(arms.filter(|arm| self.of(*arm).starts_with('{')));
            open[first..].reverse();
        }
    }

    /// Tokens of a macro: words, and paths from `crate`, `self` or `super`.
    fn token_tree(&mut self, node: Node<'n>, at: Place, cursor: &mut TreeCursor<'n>) {
        let mut run: Vec<&'t str> = Vec::new();
        let mut joined = false;
        for child in node.children(cursor) {
            match self.kinds.of_node(child).token {
                Token::Joint => joined = true,
                Token::Part => {
                    if !std::mem::take(&mut joined) {
                        self.end_of_run(&mut run, child, at);
                    }
                    run.push(self.of(child));
                }
                token => {
                    joined = false;
                    self.end_of_run(&mut run, child, at);
                    if token == Token::Tree {
                        self.stack.push((child, at));
                    }
                }
            }
        }
        self.end_of_run(&mut run, node, at);
    }

    fn end_of_run(&mut self, run: &mut Vec<&'t str>, near: Node<'_>, at: Place) {
        if !at.test {
            if let Some(last) = run.last() {
                self.word(last);
            }
            if run.len() > 1 {
                let line = self.line_of(near);
                let path = run.iter().map(|part| (*part).to_owned()).collect();
                self.into.scopes[at.scope].paths.push(WrittenPath { path, line, times: 1 });
            }
        }
        run.clear();
    }

    fn token(&mut self, node: Node<'n>, at: Place) {
        if !at.test {
            self.word(self.of(node));
        }
    }

    fn attribute(&mut self, node: Node<'n>) {
        let text = self.of(node).trim_start_matches("#[").trim_end_matches(']');
        let (name, rest) = text.split_once(['(', '=', ' ']).unwrap_or((text, ""));
        if name == "derive" {
            let names = rest.trim_end_matches(')').split(',').filter_map(|n| segments(n).pop());
            names.for_each(|n| *self.into.tokens.entry(format!("derive:{n}")).or_default() += 1);
        } else if !matches!(name, "doc" | "path" | "cfg" | "cfg_attr" | "allow" | "deny" | "expect")
        {
            *self.into.tokens.entry(format!("attr:{name}")).or_default() += 1;
        }
    }

    /// Whether `attributes` may switch their item off.
    fn cfgs(&self, attributes: &[Node<'_>]) -> u32 {
        let switches = |a: &Node<'_>| self.of(*a).trim_start_matches("#[").starts_with("cfg(");
        u32::from(attributes.iter().any(switches))
    }
}

fn is_test(attribute: &str) -> bool {
    let inner = attribute.trim_start_matches("#[").trim_end_matches(']').replace(' ', "");
    let name = inner.split(['(', '=']).next().unwrap_or_default();
    name == "test"
        || name.ends_with("::test")
        || name == "bench"
        || (name == "cfg" && inner.contains("test") && !inner.contains("not(test"))
}

fn path_attribute(attribute: &str) -> Option<String> {
    let at = attribute.find("path")?;
    let rest = attribute[at + 4..].trim_start().strip_prefix('=')?;
    rest.split('"').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests;
