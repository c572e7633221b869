//! Rust: the module tree from cargo's roots, paths followed through imports and re-exports, words and counts for the
//! model.

mod detect;
mod kinds;
mod resolve;
mod syntax;
mod tree;

use std::collections::BTreeSet;

use super::extract::{Extract, Said};
use super::portion::{Findings, Portion};
use super::{FileKind, SourceFile};
use crate::language::{Language, base_name};
use crate::manifest::{Manifest, TargetKind};
pub use syntax::Blind;
pub(super) use syntax::{COUNTS, Parsed, Syntax};
use tree::Package;

/// What the sources and manifests of a portion come to.
pub(super) fn read(portion: &Portion<'_>, extracts: Vec<Extract>) -> Findings {
    let generated: Vec<_> = extracts.iter().map(|e| e.generated).collect();
    let (mut parsed, mut texts) = (Vec::new(), Vec::new());
    for extract in extracts {
        let Said::Rust(of) = extract.said else { continue };
        parsed.push(of);
        texts.push((extract.lines, extract.fingerprint));
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
    let target = |path: &String| match base_name(path) {
        "lib.rs" => Some((TargetKind::Library, path.clone())),
        "main.rs" => Some((TargetKind::Binary, path.clone())),
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
    texts: Vec<(u32, String)>,
    dependencies: Vec<BTreeSet<String>>,
) -> Vec<SourceFile> {
    let file = |(i, ((lines, fingerprint), dependencies))| {
        let path: &String = &portion.sources[i];
        let home = packages.iter().filter(|p| path.starts_with(&p.directory));
        let home = home.max_by_key(|p| p.directory.len()).and_then(|p| p.manifest.name.clone());
        let parsed: &Parsed = &parsed[i];
        SourceFile {
            path: path.clone(),
            language: Language::Rust,
            kind: FileKind::Module,
            package: home.unwrap_or_default(),
            lines,
            fingerprint,
            dependencies,
            structure: parsed.counts.iter().copied().chain([lines]).collect(),
            blind: parsed.blind,
            tokens: parsed.tokens.clone(),
            documentation: parsed.documentation.clone(),
            sign: None,
        }
    };
    texts.into_iter().zip(dependencies).enumerate().map(file).collect()
}
