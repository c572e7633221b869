//! Languages that tell by their imports: parse, find what is imported, and let rules say what they can of frameworks and
//! roles. There are no words and no counts here, as no model reads them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::{Parser, Tree};

use super::detect::{pattern, place};
use super::dialect::{Dialect, Facts, Found, Framework, Import, Modules, directory};
use super::extract::{Extract, Said};
use super::generated::{beside_the_product, worth_parsing};
use super::portion::{Findings, Portion};
use super::{Blind, Edge, EdgeKind, Evidence, FileKind, Pattern, SourceFile, signs};
use crate::language::Language;

/// Places asked for the definition of one name: more are no chain of re-exports that a person wrote.
const HOPS_MAX: usize = 500;

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
    let resolution = Resolver { facts: &facts, modules: &*modules }.resolve();
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
        structure: Vec::new(),
        blind: Blind { errors: facts[i].errors, ..Blind::default() },
        sign: dialect
            .rules()
            .iter()
            .find_map(|rule| signs::told(rule, &facts[i], &resolution.outside[i])),
        dependencies,
    }
}

/// What the imports of a portion lead to.
#[derive(Default)]
struct Resolution {
    edges: Vec<Edge>,
    /// Per file the packages outside, each with the first line that names it.
    outside: Vec<BTreeMap<String, u32>>,
    unresolved: usize,
}

struct Resolver<'a> {
    facts: &'a [Facts],
    modules: &'a dyn Modules,
}

impl Resolver<'_> {
    fn resolve(&self) -> Resolution {
        let mut result = Resolution {
            outside: vec![BTreeMap::new(); self.facts.len()],
            ..Resolution::default()
        };
        let mut edges: BTreeMap<(usize, usize, EdgeKind), u32> = BTreeMap::new();
        for (from, facts) in self.facts.iter().enumerate() {
            for import in &facts.imports {
                match self.modules.find(from, &import.module) {
                    Found::Files(files) => {
                        for to in self.targets(&files, import) {
                            if to != from {
                                edges.entry((from, to, import.kind)).or_insert(import.line);
                            }
                        }
                    }
                    Found::Outside(name) => {
                        result.outside[from].entry(name).or_insert(import.line);
                    }
                    Found::Missing => {
                        let parts = self.parts(from, import);
                        result.unresolved += usize::from(parts.is_empty());
                        for to in parts.into_iter().filter(|to| *to != from) {
                            edges.entry((from, to, import.kind)).or_insert(import.line);
                        }
                    }
                    Found::Nothing => {}
                }
            }
        }
        let id = |file: usize| u32::try_from(file).unwrap_or(u32::MAX);
        let edge = |((from, to, kind), line)| Edge { from: id(from), to: id(to), kind, line };
        result.edges = edges.into_iter().map(edge).collect();
        result
    }

    /// The files that are parts of a module which has no file of its own.
    fn parts(&self, from: usize, import: &Import) -> BTreeSet<usize> {
        let part = |(name, _): &(String, String)| match self
            .modules
            .find(from, &self.modules.part(&import.module, name)?)
        {
            Found::Files(files) => files.first().copied(),
            _ => None,
        };
        import.names.iter().filter_map(part).collect()
    }

    /// The files that an import leads to: those that define its names, else the module itself.
    fn targets(&self, files: &[usize], import: &Import) -> BTreeSet<usize> {
        let chief = files.first().copied();
        if import.names.is_empty() || import.all {
            return chief.into_iter().collect();
        }
        let definer = |(name, _): &(String, String)| {
            let seen = RefCell::default();
            files.iter().find_map(|file| self.definer(*file, name, &seen)).or(chief)
        };
        import.names.iter().filter_map(definer).collect()
    }

    /// The file that defines what `file` calls `name`, along re-exports.
    fn definer(
        &self,
        file: usize,
        name: &str,
        seen: &RefCell<BTreeSet<(usize, String)>>,
    ) -> Option<usize> {
        if seen.borrow().len() > HOPS_MAX || !seen.borrow_mut().insert((file, name.to_owned())) {
            return None;
        }
        let facts = &self.facts[file];
        if facts.defines.contains(name) {
            return Some(file);
        }
        let follow = |import: &Import, original: &str| match self.modules.find(file, &import.module)
        {
            Found::Files(files) => {
                let defined = files.iter().find_map(|f| self.definer(*f, original, seen));
                defined.map(|f| (f, true)).or(files.first().map(|f| (*f, false)))
            }
            _ => None,
        };
        let named = facts.imports.iter().find_map(|import| {
            let (original, _) = import.names.iter().find(|(_, local)| local == name)?;
            follow(import, original)
        });
        let all = || {
            let mut whole = facts.imports.iter().filter(|import| import.all);
            whole.find_map(|import| follow(import, name).filter(|(_, defined)| *defined))
        };
        let found = named.or_else(all).map(|(file, _)| file);
        found.or_else(|| self.modules.child(file, name))
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
