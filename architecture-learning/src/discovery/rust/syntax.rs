//! One source file as the rest of discovery sees it: its scopes with their declarations, its identifiers outside tests,
//! its counts. A walk over the tree of tree-sitter with a stack of its own, as sources nest deeper than threads do.

mod paths;
mod structure;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tree_sitter::{Node, Parser};

use crate::words;

pub(crate) use paths::{Use, segments};
pub(crate) use structure::{COUNTS, Impl, Outline};

/// Macro bodies within macro bodies are read to this depth.
const MACRO_DEPTH_MAX: usize = 4;

/// A parsed source file.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// Scope 0 is the file, the others are its inline modules.
    pub scopes: Vec<Scope>,
    /// Sub-tokens of identifiers outside tests, and how often each occurs.
    pub tokens: BTreeMap<String, u32>,
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
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub modules: Vec<ModuleDeclaration>,
    pub uses: Vec<Use>,
    /// Paths written in the code, with their lines.
    pub paths: Vec<(Vec<String>, u32)>,
    /// Names of the items that this scope defines.
    pub items: BTreeSet<String>,
}

/// `mod name;` or `mod name { … }`.
#[derive(Debug)]
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
}

impl Syntax {
    /// A parser for Rust; `None` if the grammar and the library do not fit, which the tests rule out.
    pub(crate) fn new() -> Option<Self> {
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_rust::LANGUAGE.into()).ok()?;
        Some(Self { parser })
    }

    pub(crate) fn parse(&mut self, text: &str) -> Parsed {
        let mut parsed = Parsed {
            scopes: vec![Scope::default()],
            counts: vec![0; COUNTS.len()],
            ..Parsed::default()
        };
        self.read(text, Place { scope: 0, item: true, test: false }, 0, 0, &mut parsed);
        parsed
    }

    /// What the parser alone does.
    pub(crate) fn tree_alone(&mut self, text: &str) {
        drop(self.parser.parse(text, None));
    }

    fn read(&mut self, text: &str, at: Place, line: u32, depth: usize, into: &mut Parsed) {
        let Some(tree) = self.parser.parse(text, None) else { return };
        let mut reader = Reader { text, line, into, stack: Vec::new(), macros: Vec::new() };
        reader.read(tree.root_node(), at);
        if depth < MACRO_DEPTH_MAX {
            for (body, place, line) in std::mem::take(&mut reader.macros) {
                self.read(body, place, line, depth + 1, into);
            }
        }
    }
}

/// Where in a file the walk is.
#[derive(Clone, Copy)]
struct Place {
    scope: usize,
    /// Directly in a module, not in a function or type.
    item: bool,
    test: bool,
}

struct Reader<'t, 'p> {
    text: &'t str,
    /// Lines before `text` in the file.
    line: u32,
    into: &'p mut Parsed,
    stack: Vec<(Node<'t>, Place)>,
    /// Bodies of macros between items, to be read as items: `cfg_if!` and its kind hide half of some crates.
    macros: Vec<(&'t str, Place, u32)>,
}

impl<'t> Reader<'t, '_> {
    fn read(&mut self, root: Node<'t>, at: Place) {
        self.push_children(root, at);
        while let Some((node, at)) = self.stack.pop() {
            self.node(node, at);
        }
    }

    /// Puts the children of `node` on the stack, each with the attributes before it taken into account.
    fn push_children(&mut self, node: Node<'t>, at: Place) {
        let first = self.stack.len();
        let mut attributes: Vec<Node<'t>> = Vec::new();
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            match child.kind() {
                "attribute_item" => attributes.push(child),
                "line_comment" | "block_comment" | "inner_attribute_item" => {}
                "mod_item" => {
                    self.into.blind.cfgs += self.cfgs(&attributes);
                    self.module(child, &attributes, at);
                    attributes.clear();
                }
                _ => {
                    let test = at.test || attributes.iter().any(|a| is_test(self.of(*a)));
                    if !test {
                        self.into.blind.cfgs += self.cfgs(&attributes);
                        for attribute in &attributes {
                            self.attribute(*attribute);
                        }
                    }
                    attributes.clear();
                    self.stack.push((child, Place { test, ..at }));
                }
            }
        }
        self.stack[first..].reverse();
    }

    fn node(&mut self, node: Node<'t>, at: Place) {
        let kind = node.kind();
        if !at.test {
            structure::count(node, self.text, &mut self.into.counts);
            self.outline(node, kind);
        }
        self.into.blind.errors += u32::from(node.is_error() || node.is_missing());
        match kind {
            "use_declaration" | "extern_crate_declaration" => self.uses(node, at),
            "scoped_identifier" | "scoped_type_identifier" => self.path(node, at),
            "macro_invocation" => self.macro_call(node, at),
            "token_tree" => self.token_tree(node, at),
            "identifier"
            | "type_identifier"
            | "field_identifier"
            | "shorthand_field_identifier" => {
                self.token(node, at);
            }
            "string_literal" | "raw_string_literal" | "char_literal" | "lifetime" | "label" => {}
            _ => {
                if at.item
                    && let Some(name) = node.child_by_field_name("name")
                {
                    let name = segments(self.of(name)).pop();
                    self.into.scopes[at.scope].items.extend(name);
                }
                let item = at.item
                    && matches!(
                        kind,
                        "foreign_mod_item" | "declaration_list" | "expression_statement"
                    );
                self.push_children(node, Place { item, ..at });
            }
        }
    }

    fn of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn line_of(&self, node: Node<'_>) -> u32 {
        self.line + u32::try_from(node.start_position().row).unwrap_or(0) + 1
    }

    fn module(&mut self, node: Node<'t>, attributes: &[Node<'t>], at: Place) {
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

    fn uses(&mut self, node: Node<'t>, at: Place) {
        let line = self.line_of(node);
        let mut found = paths::uses(node, self.text, line);
        for found in &mut found {
            found.test = at.test;
        }
        self.into.scopes[at.scope].uses.append(&mut found);
    }

    fn path(&mut self, node: Node<'t>, at: Place) {
        let path = segments(self.of(node));
        if at.test {
            return;
        }
        // leading modules name files, of this crate or another: they are edges and dependencies, never words
        let words = path.iter().enumerate().filter(|(i, segment)| {
            i + 1 == path.len() || segment.starts_with(|c: char| c.is_uppercase())
        });
        for (_, segment) in words {
            words::count(segment, &mut self.into.tokens);
        }
        let line = self.line_of(node);
        self.into.scopes[at.scope].paths.push((path, line));
        let mut cursor = node.walk();
        let generics = node.children(&mut cursor).filter(|c| c.kind() == "bracketed_type");
        self.stack.extend(generics.map(|c| (c, Place { item: false, ..at })));
    }

    fn macro_call(&mut self, node: Node<'t>, at: Place) {
        let name = node.child_by_field_name("macro").map(|m| segments(self.of(m)));
        let name = name.and_then(|mut path| path.pop()).unwrap_or_default();
        let mut cursor = node.walk();
        let Some(body) = node.children(&mut cursor).find(|c| c.kind() == "token_tree") else {
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
    fn bodies(&mut self, body: Node<'t>, at: Place) {
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
    fn token_tree(&mut self, node: Node<'t>, at: Place) {
        let mut run: Vec<String> = Vec::new();
        let mut joined = false;
        let mut cursor = node.walk();
        let children: Vec<_> = node.children(&mut cursor).collect();
        for child in children {
            match child.kind() {
                "::" => joined = true,
                "identifier" | "crate" | "self" | "super" => {
                    if !std::mem::take(&mut joined) {
                        self.end_of_run(&mut run, child, at);
                    }
                    run.push(self.of(child).to_owned());
                }
                kind => {
                    joined = false;
                    self.end_of_run(&mut run, child, at);
                    if kind == "token_tree" {
                        self.stack.push((child, at));
                    }
                }
            }
        }
        self.end_of_run(&mut run, node, at);
    }

    fn end_of_run(&mut self, run: &mut Vec<String>, near: Node<'_>, at: Place) {
        let path = std::mem::take(run);
        if at.test {
            return;
        }
        if let Some(last) = path.last() {
            words::count(last, &mut self.into.tokens);
        }
        if path.len() > 1 {
            let line = self.line_of(near);
            self.into.scopes[at.scope].paths.push((path, line));
        }
    }

    fn token(&mut self, node: Node<'t>, at: Place) {
        if !at.test {
            words::count(self.of(node), &mut self.into.tokens);
        }
    }

    fn attribute(&mut self, node: Node<'t>) {
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

    fn outline(&mut self, node: Node<'t>, kind: &str) {
        let line = self.line_of(node);
        self.into.outline.add(node, kind, self.text, line);
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
