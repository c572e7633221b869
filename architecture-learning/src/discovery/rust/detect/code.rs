//! Patterns of types, traits and impls.

use std::collections::BTreeSet;

use super::{View, by_count, pattern, place};
use crate::discovery::rust::syntax::{Impl, Parsed};
use crate::discovery::{Evidence, Pattern};

/// Methods that visit, on one trait, from which on it is a visitor.
const VISITS_MIN: usize = 3;
/// Links of a chain from which on a type with `build` is a builder whatever its name.
const CHAIN_MIN: usize = 3;
/// Re-exports from which on a module without items of its own is a facade.
const FACADE_MIN: usize = 5;

pub(super) fn detect(view: &View<'_>) -> Vec<Pattern> {
    let found = [
        ("builder", gather(view, builders)),
        ("visitor", gather(view, visitors)),
        ("type_state", gather(view, type_states)),
        ("facade", gather(view, facades)),
        ("actor", gather(view, actors)),
        ("plugin_registry", gather(view, registries)),
    ];
    let pattern = |(name, evidence): (&str, Vec<Evidence>)| {
        pattern(name, "code", by_count(evidence.len()), evidence)
    };
    found.into_iter().filter_map(pattern).collect()
}

/// Lines and notes of one file.
type Places = Vec<(u32, String)>;

fn gather(view: &View<'_>, find: fn(&Parsed) -> Places) -> Vec<Evidence> {
    let places = |(_, file, parsed): (usize, &crate::discovery::SourceFile, &Parsed)| {
        find(parsed)
            .into_iter()
            .map(|(line, note)| place(&file.path, line, note))
            .collect::<Vec<_>>()
    };
    view.own().flat_map(places).collect()
}

/// An impl with `build` or `finish`, and a chain or the name to go with it.
fn builders(parsed: &Parsed) -> Places {
    let chain = |of: &Impl| of.methods.iter().filter(|m| m.chains).count();
    let ends = |of: &&Impl| {
        of.methods.iter().any(|m| matches!(m.name.as_str(), "build" | "finish" | "try_build"))
    };
    let is_builder =
        |of: &&Impl| chain(of) >= CHAIN_MIN || (of.of.ends_with("Builder") && chain(of) > 0);
    let impls = parsed.outline.impls.iter().filter(|i| i.of_trait.is_none());
    impls
        .filter(ends)
        .filter(is_builder)
        .map(|i| (i.line, format!("`{}`: {} chained setters and an end", i.of, chain(i))))
        .collect()
}

fn visitors(parsed: &Parsed) -> Places {
    let visits = |methods: &[String]| {
        methods.iter().filter(|m| m.starts_with("visit_") || m.starts_with("fold_")).count()
    };
    let traits = parsed.outline.traits.iter().filter(|t| visits(&t.methods) >= VISITS_MIN);
    traits
        .map(|t| (t.line, format!("trait `{}`: {} methods that visit", t.name, visits(&t.methods))))
        .collect()
}

/// A type with a phantom parameter that has impls for two or more concrete states.
fn type_states(parsed: &Parsed) -> Places {
    let states = |name: &str| {
        let own = parsed.outline.impls.iter().filter(|i| i.of == name && i.of_trait.is_none());
        let concrete = own.flat_map(|i| i.arguments.split(',').map(str::trim)).filter(|argument| {
            argument.len() > 2 && argument.starts_with(|c: char| c.is_uppercase())
        });
        concrete.collect::<BTreeSet<_>>().len()
    };
    let phantom = parsed.outline.types.iter().filter(|t| t.phantom && states(&t.name) >= 2);
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
fn actors(parsed: &Parsed) -> Places {
    let has = |word: &str| parsed.tokens.contains_key(word);
    let receives =
        (has("recv") || has("receiver")) && (has("sender") || has("mpsc") || has("handle"));
    let messages = parsed.outline.types.iter().filter(|t| {
        ["Message", "Msg", "Command", "Request"].iter().any(|end| t.name.ends_with(end))
    });
    messages
        .filter(|_| receives)
        .map(|t| (t.line, format!("`{}` is received in a loop", t.name)))
        .collect()
}

/// Boxed trait objects kept by name.
fn registries(parsed: &Parsed) -> Places {
    let registers = |of: &&Impl| {
        of.methods.iter().any(|m| m.name == "register" || m.name.starts_with("register_"))
    };
    let holds = |name: &str| {
        name.ends_with("Registry") || name.ends_with("Plugins") || name.ends_with("PluginManager")
    };
    let impls = parsed.outline.impls.iter().filter(registers).filter(|i| holds(&i.of));
    impls.map(|i| (i.line, format!("`{}` registers", i.of))).collect()
}
