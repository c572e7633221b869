//! Languages that tell by their imports: parse, find what is imported, and let rules say what they can of frameworks and
//! roles. There are no words and no counts here, as no model reads them.

mod resolve;

use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::{Parser, Tree};

use super::detect::{pattern, place};
use super::dialect::{Dialect, Facts, Framework};
use super::extract::{Extract, Said};
use super::generated::{beside_the_product, worth_parsing};
use super::portion::{Findings, Portion};
use super::{Blind, Evidence, FileKind, Pattern, SourceFile, signs};
use crate::language::{Language, directory};
use resolve::{Resolution, resolve};

/// What the sources and manifests of a portion come to.
pub(super) fn read(
    dialect: &dyn Dialect,
    portion: &Portion<'_>,
    extracts: Vec<Extract>,
) -> Findings {
    let generated: Vec<_> = extracts.iter().map(|e| e.generated).collect();
    let (mut facts, mut texts) = (Vec::new(), Vec::new());
    for extract in extracts {
        let Said::Other(of) = extract.said else { continue };
        facts.push(of);
        texts.push((extract.lines, extract.fingerprint));
    }
    let modules = dialect.modules(portion, &facts);
    let resolution = resolve(&facts, &*modules);
    let kinds = kinds(dialect, portion, &facts, &generated);
    let file = |(i, text)| source_file(dialect, portion, &facts, &resolution, (kinds[i], text), i);
    let files = texts.into_iter().enumerate().map(file).collect::<Vec<_>>();
    let programs = dialect.programs(portion, &facts);
    let packages: BTreeSet<_> = portion.manifests.iter().map(|(path, _)| directory(path)).collect();
    Findings {
        patterns: frameworks(dialect, portion, &facts, &files, &resolution),
        application: !programs.is_empty() || kinds.contains(&FileKind::EntryPoint),
        packages: packages.len(),
        programs,
        edges: resolution.edges,
        unresolved: resolution.unresolved,
        files,
    }
}

/// The tree of a file; none where the grammar and the library do not fit.
pub(super) fn tree(
    dialect: &dyn Dialect,
    parser: &mut Parser,
    path: &str,
    text: &str,
) -> Option<Tree> {
    parser.set_language(&dialect.grammar(path)).ok()?;
    parser.parse(worth_parsing(text), None)
}

/// What a file says.
pub(super) fn facts(dialect: &dyn Dialect, parser: &mut Parser, path: &str, text: &str) -> Facts {
    let mut facts = Facts::default();
    let Some(tree) = tree(dialect, parser, path, text) else { return facts };
    // a stack of its own, as sources nest deeper than threads do
    let mut open = vec![tree.root_node()];
    let mut cursor = tree.walk();
    while let Some(node) = open.pop() {
        facts.errors += u32::from(node.is_error() || node.is_missing());
        if dialect.node(node, text, &mut facts) {
            let first = open.len();
            open.extend(node.named_children(&mut cursor));
            open[first..].reverse();
        }
    }
    dialect.finish(&mut facts);
    facts
}

fn kinds(
    dialect: &dyn Dialect,
    portion: &Portion<'_>,
    facts: &[Facts],
    generated: &[bool],
) -> Vec<FileKind> {
    let unread = portion.unread();
    let kind = |i: usize| {
        let path = portion.sources[i].as_str();
        if unread.contains(path) {
            FileKind::Unread
        } else if generated[i] {
            FileKind::Generated
        } else {
            beside_the_product(path).unwrap_or_else(|| dialect.kind(path, &facts[i]))
        }
    };
    (0..facts.len()).map(kind).collect()
}

fn source_file(
    dialect: &dyn Dialect,
    portion: &Portion<'_>,
    facts: &[Facts],
    resolution: &Resolution,
    (kind, (lines, fingerprint)): (FileKind, (u32, String)),
    i: usize,
) -> SourceFile {
    let path = &portion.sources[i];
    let dependencies: BTreeSet<String> = resolution.outside[i].keys().cloned().collect();
    SourceFile {
        path: path.clone(),
        language: Language::of(path).unwrap_or_default(),
        kind,
        package: String::new(),
        lines,
        fingerprint,
        tokens: BTreeMap::new(),
        documentation: BTreeMap::new(),
        structure: Vec::new(),
        blind: Blind { errors: facts[i].errors, ..Blind::default() },
        sign: dialect
            .rules()
            .iter()
            .find_map(|rule| signs::told(rule, &facts[i], &resolution.outside[i])),
        dependencies,
    }
}

/// Frameworks that a manifest declares, else those that the product imports.
fn frameworks(
    dialect: &dyn Dialect,
    portion: &Portion<'_>,
    facts: &[Facts],
    files: &[SourceFile],
    resolution: &Resolution,
) -> Vec<Pattern> {
    let needs = dialect.needs(portion);
    let product =
        |kind| matches!(kind, FileKind::Module | FileKind::CrateRoot | FileKind::EntryPoint);
    let own: Vec<_> = (0..files.len()).filter(|i| product(files[*i].kind)).collect();
    let used = |any: &[&str]| -> Vec<Evidence> {
        let place_in = |i: &usize| {
            let outside = any.iter().find_map(|name| resolution.outside[*i].get_key_value(*name));
            let sign = || any.iter().find_map(|name| facts[*i].signs.get_key_value(*name));
            let (note, line) = match (outside, outside.is_none().then(sign).flatten()) {
                (Some((name, line)), _) => (format!("imports {name}"), *line),
                (None, Some((sign, line))) => (format!("has `{sign}`"), *line),
                (None, None) => return None,
            };
            Some(place(&files[*i].path, line, note))
        };
        own.iter().filter_map(place_in).collect()
    };
    let shown = |(name, category, confidence, any): &Framework| {
        let fitting = needs.iter().filter(|need| any.contains(&need.name.as_str()));
        let declared: Vec<_> = fitting
            .map(|need| place(&need.path, need.line, format!("depends on {}", need.name)))
            .collect();
        let evidence = if declared.is_empty() { used(any) } else { declared };
        pattern(name, category, *confidence, evidence)
    };
    dialect.frameworks().iter().filter_map(shown).collect()
}
