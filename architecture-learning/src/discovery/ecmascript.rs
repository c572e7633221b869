//! TypeScript and JavaScript: imports of modules and `require`, followed through files that export again to the file
//! that defines what they name. The grammar of TSX reads JavaScript too; that of TypeScript reads casts that look like JSX.
//!
//! Signs: `@Decorator`, `(Base)`, `call()`, `new Class`, `<jsx>`, `import module`.

mod manifests;
mod marks;
mod modules;

use tree_sitter::Node;

use super::dialect::{
    Dialect, Facts, Framework, Import, Modules, Need, SignRule, dotted, field, line_of, text_of,
};
use super::portion::Portion;
use super::{EdgeKind, Evidence, FileKind};
use crate::language::{base_name, without_extension};

pub(super) struct EcmaScript;

impl Dialect for EcmaScript {
    fn grammar(&self, path: &str) -> tree_sitter::Language {
        if path.ends_with("ts") {
            tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into()
        } else {
            tree_sitter_typescript::LANGUAGE_TSX.into()
        }
    }

    fn node(&self, node: Node<'_>, text: &str, facts: &mut Facts) -> bool {
        let line = line_of(node);
        match node.kind() {
            "program" => top(node, text, facts),
            "import_statement" => import(node, text, facts),
            "export_statement" => export(node, text, facts),
            "decorator" => {
                let written = text_of(node, text).trim_start_matches('@');
                if let Some(name) = written.split('(').next().and_then(dotted) {
                    facts.sign(format!("@{name}"), line);
                }
            }
            "extends_clause" => {
                if let Some(base) = field(node, "value", text).and_then(dotted) {
                    facts.sign(format!("({base})"), line);
                }
            }
            "new_expression" => {
                if let Some(class) = field(node, "constructor", text).and_then(dotted) {
                    facts.sign(format!("new {class}"), line);
                }
            }
            "call_expression" => call(node, text, facts),
            "jsx_element" | "jsx_self_closing_element" => facts.sign("<jsx>", line),
            "string" | "comment" | "regex" => return false,
            _ => {}
        }
        true
    }

    fn modules<'a>(&self, portion: &'a Portion<'_>, _facts: &'a [Facts]) -> Box<dyn Modules + 'a> {
        Box::new(modules::Tree::of(portion))
    }

    fn kind(&self, path: &str, facts: &Facts) -> FileKind {
        let name = without_extension(base_name(path));
        let folder = path.rsplit('/').nth(1).unwrap_or_default();
        let last = name.rsplit('.').next().unwrap_or(name);
        // `test.ts` may be any module, `a.test.ts` is a test
        let dotted = name.contains('.');
        // at the root of a package or in its `src`
        let outer = matches!(folder, "" | "src") || path.matches('/').count() < 2;
        match (name, last) {
            ("setupTests", _) => FileKind::Test,
            (_, "test" | "spec" | "e2e" | "cy") if dotted => FileKind::Test,
            (_, "stories" | "story") if dotted => FileKind::Example,
            (_, "config" | "conf") if dotted => FileKind::BuildScript,
            (_, "min" | "bundle") if dotted => FileKind::Generated,
            ("gulpfile" | "Gruntfile" | "webpack.config" | "jest.setup", _) => {
                FileKind::BuildScript
            }
            _ if name.starts_with('.') => FileKind::BuildScript,
            ("main" | "server" | "bootstrap", _) if outer && facts.defines.len() < 3 => {
                FileKind::EntryPoint
            }
            ("index", _) if outer => FileKind::CrateRoot,
            _ => FileKind::Module,
        }
    }

    fn needs(&self, portion: &Portion<'_>) -> Vec<Need> {
        manifests::needs(portion)
    }

    fn programs(&self, portion: &Portion<'_>, _facts: &[Facts]) -> Vec<Evidence> {
        manifests::programs(portion)
    }

    fn frameworks(&self) -> &'static [Framework] {
        marks::FRAMEWORKS
    }

    fn rules(&self) -> &'static [SignRule] {
        marks::RULES
    }
}

/// What a module defines at its top, exported or not.
fn top(program: Node<'_>, text: &str, facts: &mut Facts) {
    let mut open = vec![program];
    while let Some(node) = open.pop() {
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            match child.kind() {
                "export_statement"
                | "lexical_declaration"
                | "variable_declaration"
                | "ambient_declaration" => open.push(child),
                "class_declaration"
                | "abstract_class_declaration"
                | "function_declaration"
                | "generator_function_declaration"
                | "function_signature"
                | "interface_declaration"
                | "type_alias_declaration"
                | "enum_declaration"
                | "variable_declarator" => {
                    let name = field(child, "name", text).and_then(dotted);
                    facts.defines.extend(name.map(str::to_owned));
                }
                _ => {}
            }
        }
    }
}

/// `import a, { b as c } from "d"`, `import * as e from "f"`, `import "g"`, `import h = require("i")`.
fn import(node: Node<'_>, text: &str, facts: &mut Facts) {
    let mut names = Vec::new();
    let mut source = node.child_by_field_name("source");
    let mut cursor = node.walk();
    for child in node.named_children(&mut cursor) {
        match child.kind() {
            "import_require_clause" => source = child.child_by_field_name("source"),
            "import_clause" => clause(child, text, &mut names),
            _ => {}
        }
    }
    let source = source.map(|s| text_of(s, text));
    add(facts, source, names, false, EdgeKind::Use, line_of(node));
}

fn clause(node: Node<'_>, text: &str, names: &mut Vec<(String, String)>) {
    let mut cursor = node.walk();
    for child in node.named_children(&mut cursor) {
        match child.kind() {
            "identifier" => names.push(("default".to_owned(), text_of(child, text).to_owned())),
            "namespace_import" => {
                let local = child.named_child(0).map_or("", |n| text_of(n, text));
                names.push(("*".to_owned(), local.to_owned()));
            }
            "named_imports" => specifiers(child, text, names),
            _ => {}
        }
    }
}

/// `{ a, b as c }`.
fn specifiers(node: Node<'_>, text: &str, names: &mut Vec<(String, String)>) {
    let mut cursor = node.walk();
    for child in node.named_children(&mut cursor) {
        if let Some(name) = field(child, "name", text) {
            let local = field(child, "alias", text).unwrap_or(name);
            names.push((name.to_owned(), local.to_owned()));
        }
    }
}

/// `export { a as b } from "c"`, `export * from "d"`, `export default e`.
fn export(node: Node<'_>, text: &str, facts: &mut Facts) {
    let mut cursor = node.walk();
    if node.children(&mut cursor).any(|child| child.kind() == "default") {
        facts.defines.insert("default".to_owned());
    }
    let Some(source) = node.child_by_field_name("source") else { return };
    let mut names = Vec::new();
    let mut all = true;
    for child in node.named_children(&mut cursor) {
        match child.kind() {
            "export_clause" => {
                all = false;
                specifiers(child, text, &mut names);
            }
            "namespace_export" => {
                all = false;
                let name = child.named_child(0).map_or("", |n| text_of(n, text));
                names.push(("*".to_owned(), name.to_owned()));
            }
            _ => {}
        }
    }
    add(facts, Some(text_of(source, text)), names, all, EdgeKind::ReExport, line_of(node));
}

/// `require("a")`, `import("b")`, and the sign of any other call.
fn call(node: Node<'_>, text: &str, facts: &mut Facts) {
    let Some(function) = field(node, "function", text) else { return };
    if matches!(function, "require" | "import") {
        let first = node.child_by_field_name("arguments").and_then(|a| a.named_child(0));
        let source = first.filter(|n| n.kind() == "string").map(|n| text_of(n, text));
        add(facts, source, Vec::new(), false, EdgeKind::Use, line_of(node));
    } else if let Some(name) = dotted(function) {
        facts.sign(format!("{name}()"), line_of(node));
    }
}

fn add(
    facts: &mut Facts,
    source: Option<&str>,
    names: Vec<(String, String)>,
    all: bool,
    kind: EdgeKind,
    line: u32,
) {
    let Some(module) = source.map(|s| s.trim_matches(['"', '\'', '`'])) else { return };
    if !module.is_empty() {
        facts.sign(format!("import {module}"), line);
        facts.imports.push(Import { module: module.to_owned(), names, all, kind, line });
    }
}
