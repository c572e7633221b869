//! Rust: the module tree from cargo's roots, paths followed through imports and re-exports, words and counts for the
//! model.

mod detect;
mod kinds;
mod resolve;
mod syntax;
mod tree;

use std::collections::{BTreeSet, HashMap};

use super::extract::{Extract, Said};
use super::portion::{Findings, Portion};
use super::{FileKind, SourceFile};
use crate::language::{Language, base_name};
use crate::manifest::{Manifest, TargetKind};
use crate::parallel;
use crate::words::Words;
pub use syntax::Blind;
pub(super) use syntax::{COUNTS, Parsed, Syntax};
use tree::Package;

/// What a source says.
pub(super) fn said(syntax: &mut Syntax, text: &str) -> Parsed {
    let (parsed, outline) = syntax.parse(text);
    Parsed { shapes: detect::shapes(&parsed, &outline), ..parsed }
}

/// What the sources and manifests of a portion come to.
pub(super) fn read(portion: &Portion<'_>, extracts: Vec<Extract<&str>>) -> Findings {
    let generated: Vec<_> = extracts.iter().map(|e| e.generated).collect();
    let (mut parsed, mut texts) = (Vec::new(), Vec::new());
    for extract in extracts {
        let Said::Rust(mut of) = extract.said else { continue };
        let tokens = std::mem::take(&mut of.tokens);
        parsed.push(of);
        texts.push(Text { lines: extract.lines, fingerprint: extract.fingerprint, tokens });
    }
    let packages = packages(portion);
    let tree = tree::build(&packages, &portion.sources, &parsed);
    let resolution = resolve::resolve(&tree, &parsed);
    let kinds = kinds::kinds(portion, &tree, &parsed, &generated);
    let mut files = source_files(portion, &packages, &parsed, texts, resolution.dependencies);
    files.iter_mut().zip(kinds).for_each(|(file, kind)| file.kind = kind);
    let view = detect::View { packages: &packages, files: &files, parsed: &parsed, tree: &tree };
    let programs = detect::programs(&view);
    Findings {
        patterns: detect::detect(&view),
        application: !programs.is_empty(),
        packages: packages.len(),
        programs,
        edges: resolution.edges,
        unresolved: resolution.unresolved,
        files,
    }
}

fn packages(portion: &Portion<'_>) -> Vec<Package> {
    let package = |i: usize| {
        let (path, text) = portion.manifests[i];
        let directory = path.trim_end_matches("Cargo.toml").to_owned();
        Some(Package { directory, manifest: Manifest::parse(text)? })
    };
    let packages = parallel::map(portion.manifests.len(), package);
    let mut packages: Vec<_> = packages.into_iter().flatten().collect();
    if packages.is_empty() {
        packages.push(bare_package(portion));
    }
    packages
}

/// Sources without any manifest: whatever looks like a root is one.
fn bare_package(portion: &Portion<'_>) -> Package {
    let target = |path: &String| match base_name(path) {
        "lib.rs" => Some((TargetKind::Library, path.clone())),
        "main.rs" => Some((TargetKind::Binary, path.clone())),
        _ => None,
    };
    let targets = portion.sources.iter().filter_map(target).collect();
    let manifest = Manifest { targets, ..Manifest::default() };
    Package { directory: String::new(), manifest }
}

/// What is known of a text, and goes on as it is.
struct Text<'a> {
    lines: u32,
    fingerprint: &'a str,
    tokens: Words,
}

fn source_files(
    portion: &Portion<'_>,
    packages: &[Package],
    parsed: &[Parsed<&str>],
    texts: Vec<Text<'_>>,
    dependencies: Vec<BTreeSet<String>>,
) -> Vec<SourceFile> {
    let homes: HashMap<_, _> =
        packages.iter().map(|p| (p.directory.as_str(), &p.manifest.name)).collect();
    let file = |(i, (text, dependencies))| {
        let path: &String = &portion.sources[i];
        let mut above = path.rmatch_indices('/').map(|(at, _)| &path[..=at]).chain([""]);
        let home = above.find_map(|directory| homes.get(directory));
        let Text { lines, fingerprint, tokens } = text;
        let parsed: &Parsed<&str> = &parsed[i];
        SourceFile {
            path: path.clone(),
            language: Language::Rust,
            kind: FileKind::Module,
            package: home.copied().cloned().flatten().unwrap_or_default(),
            lines,
            fingerprint: fingerprint.to_owned(),
            dependencies,
            structure: parsed.counts.iter().copied().chain([lines]).collect(),
            blind: parsed.blind,
            tokens,
            sign: None,
        }
    };
    texts.into_iter().zip(dependencies).enumerate().map(file).collect()
}
