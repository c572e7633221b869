//! Python: absolute and relative imports, followed through `__init__.py` to the file that defines what they name.
//!
//! Signs: `@decorator`, `(Base)`, `call()`, `import module`.

mod manifests;
mod marks;
mod modules;

use tree_sitter::Node;

use super::dialect::{
    Dialect, Facts, Framework, Import, Modules, Need, SignRule, dotted, field, line_of, text_of,
};
use super::portion::Portion;
use super::{EdgeKind, Evidence, FileKind};
use crate::language::{base_name, directory};

pub(super) struct Python;

impl Dialect for Python {
    fn grammar(&self, _path: &str) -> tree_sitter::Language {
        tree_sitter_python::LANGUAGE.into()
    }

    fn node(&self, node: Node<'_>, text: &str, facts: &mut Facts) -> bool {
        match node.kind() {
            "module" => top(node, text, facts),
            "import_statement" => import(node, text, facts),
            "import_from_statement" => import_from(node, text, facts),
            "class_definition" => bases(node, text, facts),
            "decorator" => {
                let written = text_of(node, text).trim_start_matches('@').trim();
                let name = written.split('(').next().and_then(dotted);
                sign(facts, "@", name, "", line_of(node));
            }
            "call" => {
                let name = field(node, "function", text).and_then(dotted);
                sign(facts, "", name, "()", line_of(node));
            }
            "string" | "comment" | "import_prefix" => return false,
            _ => {}
        }
        true
    }

    fn modules<'a>(&self, portion: &'a Portion<'_>, facts: &'a [Facts]) -> Box<dyn Modules + 'a> {
        Box::new(modules::Tree::of(&portion.sources, facts, portion.codebase))
    }

    fn kind(&self, path: &str, facts: &Facts) -> FileKind {
        let inside = path.strip_prefix("src/").unwrap_or(path);
        let name = base_name(path);
        let name = name.trim_end_matches(".pyi").trim_end_matches(".py");
        match name {
            "__main__" | "manage" | "wsgi" | "asgi" => FileKind::EntryPoint,
            "main" if inside.matches('/').count() < 2 => FileKind::EntryPoint,
            "setup" | "noxfile" | "fabfile" => FileKind::BuildScript,
            "conftest" | "tests" => FileKind::Test,
            "__init__" if inside.matches('/').count() < 2 => FileKind::CrateRoot,
            // says that there is a package, and nothing else
            "__init__" if facts.defines.is_empty() && facts.imports.is_empty() => {
                FileKind::CrateRoot
            }
            _ if name.starts_with("test_") || name.ends_with("_test") => FileKind::Test,
            _ if name.ends_with("_pb2") || name.ends_with("_pb2_grpc") => FileKind::Generated,
            _ => FileKind::Module,
        }
    }

    fn needs(&self, portion: &Portion<'_>) -> Vec<Need> {
        manifests::needs(portion)
    }

    fn programs(&self, portion: &Portion<'_>, facts: &[Facts]) -> Vec<Evidence> {
        manifests::programs(portion, facts)
    }

    fn frameworks(&self) -> &'static [Framework] {
        marks::FRAMEWORKS
    }

    fn rules(&self) -> &'static [SignRule] {
        marks::RULES
    }
}

fn sign(facts: &mut Facts, before: &str, name: Option<&str>, after: &str, line: u32) {
    if let Some(name) = name {
        facts.sign(format!("{before}{name}{after}"), line);
    }
}

/// What a module defines at its top, also under `if` and `try`.
fn top(module: Node<'_>, text: &str, facts: &mut Facts) {
    let mut open = vec![module];
    while let Some(node) = open.pop() {
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            match child.kind() {
                "class_definition" | "function_definition" => {
                    facts.defines.extend(field(child, "name", text).map(str::to_owned));
                }
                "if_statement" => {
                    let asked = field(child, "condition", text).unwrap_or_default();
                    if asked.contains("__name__") && asked.contains("__main__") {
                        facts.begins = facts.begins.or(Some(line_of(child)));
                    }
                    open.push(child);
                }
                "assignment" => {
                    let left = field(child, "left", text).unwrap_or_default();
                    let names = left.split(',').map(str::trim).filter_map(dotted);
                    facts.defines.extend(names.map(str::to_owned));
                }
                "decorated_definition"
                | "block"
                | "else_clause"
                | "elif_clause"
                | "try_statement"
                | "except_clause"
                | "finally_clause"
                | "with_statement"
                | "expression_statement" => open.push(child),
                _ => {}
            }
        }
    }
}

/// `import a.b, c as d`.
fn import(node: Node<'_>, text: &str, facts: &mut Facts) {
    let mut cursor = node.walk();
    for child in node.children_by_field_name("name", &mut cursor) {
        let module = field(child, "name", text).unwrap_or(text_of(child, text));
        add(facts, module, Vec::new(), false, line_of(node));
    }
}

/// `from a.b import c as d, e` and `from . import *`.
fn import_from(node: Node<'_>, text: &str, facts: &mut Facts) {
    let Some(module) = field(node, "module_name", text) else { return };
    let mut cursor = node.walk();
    let name = |child: Node<'_>| {
        let name = field(child, "name", text).unwrap_or(text_of(child, text));
        let local = field(child, "alias", text).unwrap_or(name);
        (name.to_owned(), local.to_owned())
    };
    let names: Vec<_> = node.children_by_field_name("name", &mut cursor).map(name).collect();
    let all = names.is_empty();
    add(facts, module, names, all, line_of(node));
}

fn add(facts: &mut Facts, module: &str, names: Vec<(String, String)>, all: bool, line: u32) {
    let module: String = module.chars().filter(|c| !c.is_whitespace()).collect();
    facts.sign(format!("import {module}"), line);
    facts.imports.push(Import { module, names, all, kind: EdgeKind::Use, line });
}

fn bases(node: Node<'_>, text: &str, facts: &mut Facts) {
    let Some(list) = node.child_by_field_name("superclasses") else { return };
    let mut cursor = list.walk();
    for base in list.named_children(&mut cursor) {
        let written = text_of(base, text);
        let name = written.split('[').next().and_then(dotted);
        sign(facts, "(", name, ")", line_of(base));
    }
}

/// Whether a file stands for its directory.
fn is_package(path: &str) -> bool {
    base_name(path).starts_with("__init__.py")
}

/// The directories that hold the packages of a portion, the outermost first.
fn roots(sources: &[String]) -> Vec<String> {
    let packages: std::collections::BTreeSet<&str> =
        sources.iter().filter(|path| is_package(path)).map(|path| directory(path)).collect();
    let outer = packages.iter().filter(|package| !packages.contains(directory(package)));
    let mut roots: Vec<_> =
        outer.filter(|package| !package.is_empty()).map(|p| directory(p).to_owned()).collect();
    roots.extend([String::new(), "src".to_owned()]);
    roots.sort_by_key(|root| {
        (root.matches('/').count() + usize::from(!root.is_empty()), root.clone())
    });
    roots.dedup();
    roots
}
