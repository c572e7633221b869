//! Patterns of types, traits and impls.

use std::collections::BTreeSet;

use super::{View, by_count, pattern, place};
use crate::discovery::rust::syntax::{CodePattern, Impl, Outline, Parsed, Shape};
use crate::discovery::{Evidence, Pattern};

/// Methods that visit, on one trait, from which on it is a visitor.
const VISITS_MIN: usize = 3;
/// Links of a chain from which on a type with `build` is a builder whatever its name.
const CHAIN_MIN: usize = 3;
/// Re-exports from which on a module without items of its own is a facade.
const FACADE_MIN: usize = 5;

const PATTERNS: [(&str, CodePattern); 6] = [
    ("builder", CodePattern::Builder),
    ("visitor", CodePattern::Visitor),
    ("type_state", CodePattern::TypeState),
    ("facade", CodePattern::Facade),
    ("actor", CodePattern::Actor),
    ("plugin_registry", CodePattern::PluginRegistry),
];

pub(super) fn detect(view: &View<'_>) -> Vec<Pattern> {
    let found = |(name, of): (&str, CodePattern)| {
        let evidence = gather(view, of);
        pattern(name, "code", by_count(evidence.len()), evidence)
    };
    PATTERNS.into_iter().filter_map(found).collect()
}

fn gather(view: &View<'_>, of: CodePattern) -> Vec<Evidence> {
    let files = view.own().flat_map(|(_, file, parsed)| {
        parsed.shapes.iter().filter(move |s| s.pattern == of).map(move |shape| (file, shape))
    });
    files.map(|(file, shape)| place(&file.path, shape.line, shape.note)).collect()
}

/// What a file shows on its own.
pub(in crate::discovery::rust) fn shapes(parsed: &Parsed, outline: &Outline) -> Vec<Shape> {
    let found = [
        (CodePattern::Builder, builders(outline)),
        (CodePattern::Visitor, visitors(outline)),
        (CodePattern::TypeState, type_states(outline)),
        (CodePattern::Facade, facades(parsed)),
        (CodePattern::Actor, actors(parsed, outline)),
        (CodePattern::PluginRegistry, registries(outline)),
    ];
    let shape = |pattern| move |(line, note)| Shape { pattern, line, note };
    found.into_iter().flat_map(|(pattern, places)| places.into_iter().map(shape(pattern))).collect()
}

/// Lines and notes of one file.
type Places = Vec<(u32, String)>;

/// An impl with `build` or `finish`, and a chain or the name to go with it.
fn builders(outline: &Outline) -> Places {
    let chain = |of: &Impl| of.methods.iter().filter(|m| m.chains).count();
    let ends = |of: &&Impl| {
        of.methods.iter().any(|m| matches!(m.name.as_str(), "build" | "finish" | "try_build"))
    };
    let is_builder =
        |of: &&Impl| chain(of) >= CHAIN_MIN || (of.of.ends_with("Builder") && chain(of) > 0);
    let impls = outline.impls.iter().filter(|i| i.of_trait.is_none());
    impls
        .filter(ends)
        .filter(is_builder)
        .map(|i| (i.line, format!("`{}`: {} chained setters and an end", i.of, chain(i))))
        .collect()
}

fn visitors(outline: &Outline) -> Places {
    let visits = |methods: &[String]| {
        methods.iter().filter(|m| m.starts_with("visit_") || m.starts_with("fold_")).count()
    };
    let traits = outline.traits.iter().filter(|t| visits(&t.methods) >= VISITS_MIN);
    traits
        .map(|t| (t.line, format!("trait `{}`: {} methods that visit", t.name, visits(&t.methods))))
        .collect()
}

/// A type with a phantom parameter that has impls for two or more concrete states.
fn type_states(outline: &Outline) -> Places {
    let states = |name: &str| {
        let own = outline.impls.iter().filter(|i| i.of == name && i.of_trait.is_none());
        let concrete = own.flat_map(|i| i.arguments.split(',').map(str::trim)).filter(|argument| {
            argument.len() > 2 && argument.starts_with(|c: char| c.is_uppercase())
        });
        concrete.collect::<BTreeSet<_>>().len()
    };
    let phantom = outline.types.iter().filter(|t| t.phantom && states(&t.name) >= 2);
    phantom
        .map(|t| {
            (t.line, format!("`{}` has methods of its own in {} states", t.name, states(&t.name)))
        })
        .collect()
}

/// A file that defines nothing and re-exports much.
fn facades(parsed: &Parsed) -> Places {
    let exports: Vec<_> = parsed.scopes[0].uses.iter().filter(|u| u.public).collect();
    let items = parsed.scopes[0].items.len();
    let first =
        exports.first().filter(|_| exports.len() >= FACADE_MIN && items * 2 < exports.len());
    first
        .map(|u| (u.line, format!("{} re-exports, {items} items", exports.len())))
        .into_iter()
        .collect()
}

/// An enum of messages or commands beside a loop that receives.
fn actors(parsed: &Parsed, outline: &Outline) -> Places {
    let has = |word: &str| parsed.tokens.contains(word);
    let receives =
        (has("recv") || has("receiver")) && (has("sender") || has("mpsc") || has("handle"));
    let messages = outline.types.iter().filter(|t| {
        ["Message", "Msg", "Command", "Request"].iter().any(|end| t.name.ends_with(end))
    });
    messages
        .filter(|_| receives)
        .map(|t| (t.line, format!("`{}` is received in a loop", t.name)))
        .collect()
}

/// Boxed trait objects kept by name.
fn registries(outline: &Outline) -> Places {
    let registers = |of: &&Impl| {
        of.methods.iter().any(|m| m.name == "register" || m.name.starts_with("register_"))
    };
    let holds = |name: &str| {
        name.ends_with("Registry") || name.ends_with("Plugins") || name.ends_with("PluginManager")
    };
    let impls = outline.impls.iter().filter(registers).filter(|i| holds(&i.of));
    impls.map(|i| (i.line, format!("`{}` registers", i.of))).collect()
}
