//! Rust: the module tree from cargo's roots, paths followed through imports and re-exports, words and counts for the
//! model.

mod detect;
mod kinds;
mod resolve;
mod syntax;
mod tree;

use std::collections::BTreeSet;

use super::generated::worth_parsing;
use super::portion::{Findings, Portion};
use super::{FileKind, SourceFile, parse};
use crate::LearningError;
use crate::language::Language;
use crate::manifest::{Manifest, TargetKind};
use crate::observer::Observer;
use crate::storage;
pub use syntax::Blind;
pub(super) use syntax::COUNTS;
use syntax::{Parsed, Syntax};
use tree::Package;

/// What the sources and manifests of a portion come to.
pub(super) fn read(
    portion: &Portion<'_>,
    threads: usize,
    observer: &mut dyn Observer,
) -> Result<Findings, LearningError> {
    let parser = || parser(portion);
    let parsed = parse::each(portion, threads, observer, parser, |syntax, file| {
        syntax.parse(worth_parsing(portion.texts[file]))
    })?;
    let packages = packages(portion);
    let tree = tree::build(&packages, &portion.sources, &parsed);
    let resolution = resolve::resolve(&tree, &parsed);
    let kinds = kinds::kinds(portion, &tree, &parsed);
    let mut files = source_files(portion, &packages, &parsed, &resolution.dependencies);
    files.iter_mut().zip(kinds).for_each(|(file, kind)| file.kind = kind);
    let view = detect::View { packages: &packages, files: &files, parsed: &parsed, tree: &tree };
    let programs = detect::programs(&view);
    Ok(Findings {
        patterns: detect::detect(&view),
        application: !programs.is_empty(),
        packages: packages.len(),
        programs,
        edges: resolution.edges,
        unresolved: resolution.unresolved,
        files,
    })
}

/// Makes the trees and reads nothing from them.
pub(super) fn trees_alone(portion: &Portion<'_>, threads: usize) -> Result<(), LearningError> {
    let observer = &mut crate::observer::Unobserved;
    let parser = || parser(portion);
    let tree =
        |syntax: &mut Syntax, file: usize| syntax.tree_alone(worth_parsing(portion.texts[file]));
    parse::each(portion, threads, observer, parser, tree).map(drop)
}

fn parser(portion: &Portion<'_>) -> Result<Syntax, LearningError> {
    let none = || LearningError::damaged(&portion.codebase.root, "no grammar for Rust");
    Syntax::new().ok_or_else(none)
}

fn packages(portion: &Portion<'_>) -> Vec<Package> {
    let package = |(path, text): &(&str, &str)| {
        let directory = path.trim_end_matches("Cargo.toml").to_owned();
        Some(Package { directory, manifest: Manifest::parse(text)? })
    };
    let mut packages: Vec<_> = portion.manifests.iter().filter_map(package).collect();
    if packages.is_empty() {
        packages.push(bare_package(portion));
    }
    packages
}

/// Sources without any manifest: whatever looks like a root is one.
fn bare_package(portion: &Portion<'_>) -> Package {
    let target = |path: &String| match path.rsplit('/').next() {
        Some("lib.rs") => Some((TargetKind::Library, path.clone())),
        Some("main.rs") => Some((TargetKind::Binary, path.clone())),
        _ => None,
    };
    let targets = portion.sources.iter().filter_map(target).collect();
    let manifest = Manifest { targets, ..Manifest::default() };
    Package { directory: String::new(), manifest }
}

fn source_files(
    portion: &Portion<'_>,
    packages: &[Package],
    parsed: &[Parsed],
    dependencies: &[BTreeSet<String>],
) -> Vec<SourceFile> {
    let paths = portion.sources.iter().zip(&portion.texts);
    let file = |(i, (path, text)): (usize, (&String, &&str))| {
        let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        let home = packages.iter().filter(|p| path.starts_with(&p.directory));
        let home = home.max_by_key(|p| p.directory.len()).and_then(|p| p.manifest.name.clone());
        let tokens = parsed[i].tokens.clone();
        let words = tokens.iter().map(|(word, n)| format!("{word} {n}"));
        SourceFile {
            path: path.clone(),
            language: Language::Rust,
            kind: FileKind::Module,
            package: home.unwrap_or_default(),
            lines,
            fingerprint: storage::hash(words),
            dependencies: dependencies[i].clone(),
            structure: parsed[i].counts.iter().copied().chain([lines]).collect(),
            blind: parsed[i].blind,
            tokens,
            sign: None,
        }
    };
    paths.enumerate().map(file).collect()
}
