//! Elixir: modules by their names, where `alias`, `import`, `use`, `require` or the code says them, aliases expanded.
//!
//! Signs: `use Module`, `use Module, :part`, `import Module`, `:gen_tcp`.

mod marks;
mod modules;

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::detect::place;
use super::dialect::{
    Dialect, Facts, Framework, Import, Modules, Need, SignRule, dotted, field, line_of, text_of,
};
use super::portion::Portion;
use super::{EdgeKind, Evidence, FileKind};
use crate::language::base_name;

pub(super) struct Elixir;

/// How the sign of a router's scope begins.
const SCOPE: &str = "scope ";

impl Dialect for Elixir {
    fn grammar(&self, _path: &str) -> tree_sitter::Language {
        tree_sitter_elixir::LANGUAGE.into()
    }

    fn node(&self, node: Node<'_>, text: &str, facts: &mut Facts) -> bool {
        match node.kind() {
            "source" => define(node, text, facts),
            "call" => match field(node, "target", text) {
                Some("alias") => {
                    alias(node, text, facts);
                    return false;
                }
                Some(word @ ("use" | "import" | "require")) => {
                    bring_in(node, word, text, facts);
                    return false;
                }
                Some("scope") => scope(node, text, facts),
                _ => {}
            },
            "alias" => add(facts, text_of(node, text), None, EdgeKind::Path, line_of(node)),
            "atom" => {
                let name = text_of(node, text);
                if matches!(name, ":gen_tcp" | ":gen_udp" | ":ssl" | ":ets" | ":mnesia") {
                    facts.sign(name, line_of(node));
                }
            }
            "comment" => return false,
            _ => {}
        }
        true
    }

    /// Expands the aliases, those of nested modules too.
    fn finish(&self, facts: &mut Facts) {
        let defines = &facts.defines;
        let inside = |name: &str| name.rsplit_once('.').is_some_and(|(o, _)| defines.contains(o));
        let nested = defines.iter().filter(|name| inside(name));
        let mut short: BTreeMap<String, String> = nested
            .map(|name| (name.rsplit('.').next().unwrap_or(name).to_owned(), name.clone()))
            .collect();
        for import in &facts.imports {
            short.extend(import.names.iter().map(|(full, local)| (local.clone(), full.clone())));
        }
        for import in &mut facts.imports {
            import.names.clear();
            let (first, rest) = import.module.split_once('.').unwrap_or((&import.module, ""));
            if let Some(full) = short.get(first).filter(|full| **full != import.module) {
                let dot = if rest.is_empty() { "" } else { "." };
                import.module = format!("{full}{dot}{rest}");
            }
        }
        facts.begins = facts.signs.get("use Application").copied();
    }

    fn modules<'a>(&self, _portion: &'a Portion<'_>, facts: &'a [Facts]) -> Box<dyn Modules + 'a> {
        Box::new(modules::Names::of(facts))
    }

    fn kind(&self, path: &str, facts: &Facts) -> FileKind {
        let name = base_name(path);
        match name {
            "mix.exs" => FileKind::BuildScript,
            _ if name.starts_with('.') => FileKind::BuildScript,
            _ if name.ends_with("_test.exs") => FileKind::Test,
            _ if facts.begins.is_some() => FileKind::EntryPoint,
            _ => FileKind::Module,
        }
    }

    fn needs(&self, portion: &Portion<'_>) -> Vec<Need> {
        portion.manifests.iter().flat_map(|(path, text)| required(path, text)).collect()
    }

    /// Packages that start something, or that build a script.
    fn programs(&self, portion: &Portion<'_>, _facts: &[Facts]) -> Vec<Evidence> {
        let program = |(path, text): &(&str, &str)| {
            let starts = |line: &str| line.contains("mod: {") || line.contains("escript:");
            let (line, _) = (1..).zip(text.lines()).find(|(_, line)| starts(line))?;
            Some(place(path, line, "builds a program"))
        };
        portion.manifests.iter().filter_map(program).collect()
    }

    fn frameworks(&self) -> &'static [Framework] {
        marks::FRAMEWORKS
    }

    fn rules(&self) -> &'static [SignRule] {
        marks::RULES
    }
}

/// The full names of the modules that a file defines, nested ones too.
fn define(source: Node<'_>, text: &str, facts: &mut Facts) {
    let mut open = vec![(source, String::new())];
    while let Some((node, outer)) = open.pop() {
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            match (child.kind(), field(child, "target", text)) {
                ("call", Some("defmodule" | "defprotocol")) => {
                    let mut arguments = child.walk();
                    let name = child
                        .named_children(&mut arguments)
                        .find(|c| c.kind() == "arguments")
                        .and_then(|a| a.named_child(0))
                        .and_then(|name| dotted(text_of(name, text)));
                    let Some(name) = name else { continue };
                    let dot = if outer.is_empty() { "" } else { "." };
                    let full = format!("{outer}{dot}{name}");
                    facts.defines.insert(full.clone());
                    open.push((child, full));
                }
                ("do_block", _) => open.push((child, outer.clone())),
                _ => {}
            }
        }
    }
}

/// `alias A.B`, `alias A.B, as: C`, `alias A.{B, C}`.
fn alias(node: Node<'_>, text: &str, facts: &mut Facts) {
    let line = line_of(node);
    let own = facts.defines.iter().min_by_key(|name| name.len()).cloned().unwrap_or_default();
    let whole = |name: &str| name.replacen("__MODULE__", &own, 1);
    let mut cursor = node.walk();
    let Some(arguments) = node.named_children(&mut cursor).find(|c| c.kind() == "arguments") else {
        return;
    };
    let Some(first) = arguments.named_child(0) else { return };
    if let (Some(start), Some(list)) = (
        field(first, "left", text),
        first.child_by_field_name("right").filter(|r| r.kind() == "tuple"),
    ) {
        let mut cursor = list.walk();
        for part in list.named_children(&mut cursor) {
            let part = text_of(part, text);
            add(facts, &format!("{}.{part}", whole(start)), Some(last(part)), EdgeKind::Use, line);
        }
        return;
    }
    let full = whole(text_of(first, text));
    let given = arguments.named_child(1).map(|keywords| text_of(keywords, text));
    let given = given.and_then(|keywords| keywords.strip_prefix("as:")).map(str::trim);
    add(facts, &full, Some(given.unwrap_or(last(&full))), EdgeKind::Use, line);
}

/// `use A, :part`, `import A`, `require A`: the first module is used, those in the options are named.
fn bring_in(node: Node<'_>, word: &str, text: &str, facts: &mut Facts) {
    let mut part = "";
    let mut module = None;
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        match node.kind() {
            "alias" => {
                let name = text_of(node, text);
                let kind = if module.is_some() { EdgeKind::Path } else { EdgeKind::Use };
                add(facts, name, None, kind, line_of(node));
                module = module.or(Some(name));
            }
            "atom" if part.is_empty() => part = text_of(node, text),
            "keywords" if part.is_empty() => part = "-",
            _ => {}
        }
        let first = open.len();
        let mut cursor = node.walk();
        open.extend(node.named_children(&mut cursor));
        open[first..].reverse();
    }
    if let Some(module) = module {
        let part = if part.starts_with(':') { format!(", {part}") } else { String::new() };
        facts.sign(format!("{word} {module}{part}"), line_of(node));
    }
}

/// `scope "/", A do` of a router: modules within are named without the `A`.
fn scope(node: Node<'_>, text: &str, facts: &mut Facts) {
    let mut cursor = node.walk();
    let arguments = node.named_children(&mut cursor).find(|c| c.kind() == "arguments");
    let alias = arguments.and_then(|a| a.named_child(1)).filter(|n| n.kind() == "alias");
    if let Some(alias) = alias {
        facts.sign(format!("{SCOPE}{}", text_of(alias, text)), line_of(node));
    }
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Notes a module, and for an alias its name here.
fn add(facts: &mut Facts, module: &str, local: Option<&str>, kind: EdgeKind, line: u32) {
    let Some(module) = dotted(module).map(str::to_owned) else { return };
    let names = local.map(|local| (module.clone(), local.to_owned())).into_iter().collect();
    facts.imports.push(Import { module, names, all: false, kind, line });
}

/// What a `mix.exs` depends on, without what is there only to develop.
fn required(path: &str, text: &str) -> Vec<Need> {
    let need = |(line, written): (u32, &str)| {
        let written = written.trim().strip_prefix("{:")?;
        let (name, rest) = written.split_once(',')?;
        let product = !rest.contains("only:") || rest.contains(":prod");
        let name = name.trim().to_owned();
        product.then(|| Need { name, path: path.to_owned(), line })
    };
    (1..).zip(text.lines()).filter_map(need).collect()
}
