//! Languages, technologies and service architecture from the files that there are, with the confidences of the original
//! pipeline where it had the marker.

use super::{View, pattern, place};
use crate::discovery::portion::Findings;
use crate::discovery::{Evidence, Pattern};
use crate::language::{Language, base_name};

/// Pattern, confidence, and how the file's path ends or begins.
const FILES: [(&str, f64, &[&str]); 7] = [
    ("github_actions", 0.95, &[".github/workflows/"]),
    ("gitlab_ci", 0.98, &[".gitlab-ci.yml"]),
    ("docker", 0.99, &["Dockerfile", "Containerfile"]),
    ("compose", 0.99, &["docker-compose.yml", "docker-compose.yaml", "compose.yaml"]),
    ("kubernetes", 0.90, &["Chart.yaml", "kustomization.yaml"]),
    ("service_mesh", 0.80, &MESHES),
    ("nix", 0.95, &["flake.nix", "default.nix"]),
];

const MESHES: [&str; 3] = ["istio.yaml", "linkerd.yaml", "envoy.yaml"];

pub(super) fn detect(view: &View<'_>, findings: &Findings) -> Vec<Pattern> {
    let files = FILES.iter().filter_map(|(name, confidence, marks)| {
        pattern(name, "technology", *confidence, present(view, marks))
    });
    let languages = Language::ALL
        .into_iter()
        .filter_map(|l| pattern(l.name(), "technology", 0.95, language(view, l)));
    files.chain(languages).chain(services(view, findings)).collect()
}

fn present(view: &View<'_>, marks: &[&str]) -> Vec<Evidence> {
    let fits = |path: &&String| {
        marks.iter().any(|mark| {
            let name = base_name(path);
            if mark.ends_with('/') { path.starts_with(mark) } else { name == *mark }
        })
    };
    view.others.iter().filter(fits).map(|path| place(path, 1, "file")).collect()
}

/// A language, shown by how much of it there is.
fn language(view: &View<'_>, language: Language) -> Vec<Evidence> {
    let files: Vec<_> = view.files.iter().filter(|f| f.language == language).collect();
    let lines: u64 = files.iter().map(|f| u64::from(f.lines)).sum();
    let largest = files.iter().max_by_key(|f| f.lines);
    let note = format!("{} files, {lines} lines", files.len());
    largest.map(|f| place(&f.path, 1, note)).into_iter().collect()
}

/// By the number of packages that build programs of their own.
fn services(view: &View<'_>, findings: &Findings) -> Option<Pattern> {
    let mesh = !present(view, &MESHES).is_empty();
    let (name, confidence) = match findings.programs.len() {
        2.. if mesh => ("service_mesh_architecture", 0.95),
        4.. => ("microservices", 0.90),
        3 => ("distributed", 0.85),
        2 => ("distributed", 0.75),
        1 if findings.packages > 1 => ("modular", 0.80),
        1 => ("monolith", 0.70),
        _ => return None,
    };
    pattern(name, "service_architecture", confidence, findings.programs.clone())
}
