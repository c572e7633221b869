//! Frameworks, technologies and service architecture from manifests and marker files, with the confidences of the
//! original pipeline where it had the marker.

use super::{View, pattern, place};
use crate::discovery::{Evidence, Pattern};
use crate::manifest::TargetKind;

/// Pattern, category, confidence, and the dependencies any of which shows it.
const DEPENDENCIES: [(&str, &str, f64, &[&str]); 24] = [
    ("axum", "framework", 0.95, &["axum"]),
    ("actix", "framework", 0.95, &["actix_web", "actix"]),
    ("rocket", "framework", 0.95, &["rocket"]),
    ("warp", "framework", 0.88, &["warp"]),
    ("tonic", "framework", 0.95, &["tonic"]),
    ("tower", "framework", 0.85, &["tower", "tower_service"]),
    ("tokio", "framework", 0.95, &["tokio"]),
    ("async_std", "framework", 0.95, &["async_std", "smol"]),
    ("bevy", "framework", 0.98, &["bevy", "bevy_ecs", "bevy_app"]),
    ("egui", "framework", 0.95, &["egui", "eframe"]),
    ("iced", "framework", 0.95, &["iced"]),
    ("ratatui", "framework", 0.95, &["ratatui", "tui", "cursive"]),
    ("clap", "framework", 0.95, &["clap", "structopt", "argh", "lexopt", "pico_args"]),
    ("leptos", "framework", 0.95, &["leptos", "yew", "dioxus"]),
    ("postgresql", "technology", 0.75, &["tokio_postgres", "postgres", "sqlx", "diesel"]),
    ("mysql", "technology", 0.75, &["mysql", "mysql_async"]),
    ("sqlite", "technology", 0.75, &["rusqlite", "libsqlite3_sys"]),
    ("mongodb", "technology", 0.80, &["mongodb"]),
    ("redis", "technology", 0.85, &["redis", "fred"]),
    ("rabbitmq", "technology", 0.75, &["lapin", "amqprs"]),
    ("kafka", "technology", 0.80, &["rdkafka", "kafka"]),
    ("pgmq", "technology", 0.90, &["pgmq"]),
    ("embedded_store", "technology", 0.80, &["sled", "redb", "rocksdb", "heed"]),
    ("protobuf", "technology", 0.90, &["prost", "protobuf"]),
];

/// Pattern, confidence, and how the file's path ends or begins.
const FILES: [(&str, f64, &[&str]); 7] = [
    ("github_actions", 0.95, &[".github/workflows/"]),
    ("gitlab_ci", 0.98, &[".gitlab-ci.yml"]),
    ("docker", 0.99, &["Dockerfile", "Containerfile"]),
    ("compose", 0.99, &["docker-compose.yml", "docker-compose.yaml", "compose.yaml"]),
    ("kubernetes", 0.90, &["Chart.yaml", "kustomization.yaml"]),
    ("service_mesh", 0.80, &["istio.yaml", "linkerd.yaml", "envoy.yaml"]),
    ("nix", 0.95, &["flake.nix", "default.nix"]),
];

pub(super) fn detect(view: &View<'_>) -> Vec<Pattern> {
    let dependencies = DEPENDENCIES.iter().filter_map(|(name, category, confidence, any)| {
        pattern(name, category, *confidence, declared(view, any))
    });
    let files = FILES.iter().filter_map(|(name, confidence, marks)| {
        pattern(name, "technology", *confidence, present(view, marks))
    });
    let manifests: Vec<_> =
        view.packages.iter().map(|p| place(&manifest_path(&p.directory), 1, "manifest")).collect();
    let cargo = pattern("cargo", "framework", 0.99, manifests);
    let language = pattern("rust", "technology", 0.95, language(view));
    dependencies.chain(files).chain(cargo).chain(language).chain(services(view)).collect()
}

fn manifest_path(directory: &str) -> String {
    format!("{directory}Cargo.toml")
}

fn declared(view: &View<'_>, any: &[&str]) -> Vec<Evidence> {
    let in_package = |package: &crate::discovery::tree::Package| {
        let name = any.iter().find(|name| package.manifest.dependencies.contains(**name))?;
        let line =
            package.manifest.lines.iter().find(|(key, _)| key == name).map_or(1, |(_, n)| *n);
        Some(place(&manifest_path(&package.directory), line, format!("depends on {name}")))
    };
    view.packages.iter().filter_map(in_package).collect()
}

fn present(view: &View<'_>, marks: &[&str]) -> Vec<Evidence> {
    let fits = |path: &&String| {
        marks.iter().any(|mark| {
            let name = path.rsplit('/').next().unwrap_or_default();
            if mark.ends_with('/') { path.starts_with(mark) } else { name == *mark }
        })
    };
    view.others.iter().filter(fits).map(|path| place(path, 1, "file")).collect()
}

/// The main language: always Rust here, shown by how much of it there is.
fn language(view: &View<'_>) -> Vec<Evidence> {
    let lines: u64 = view.files.iter().map(|f| u64::from(f.lines)).sum();
    let largest = view.files.iter().max_by_key(|f| f.lines);
    let note = format!("{} files, {lines} lines", view.files.len());
    largest.map(|f| place(&f.path, 1, note)).into_iter().collect()
}

/// By the number of packages that build programs of their own.
fn services(view: &View<'_>) -> Option<Pattern> {
    let mut programs: Vec<_> = view
        .tree
        .crates
        .iter()
        .filter(|c| c.kind == TargetKind::Binary)
        .map(|c| c.package)
        .collect();
    programs.sort_unstable();
    programs.dedup();
    let mesh = !present(view, FILES[5].2).is_empty();
    let (name, confidence) = match programs.len() {
        2.. if mesh => ("service_mesh_architecture", 0.95),
        4.. => ("microservices", 0.90),
        3 => ("distributed", 0.85),
        2 => ("distributed", 0.75),
        1 if view.packages.len() > 1 => ("modular", 0.80),
        1 => ("monolith", 0.70),
        _ => return None,
    };
    let evidence = programs
        .iter()
        .map(|p| place(&manifest_path(&view.packages[*p].directory), 1, "builds a program"));
    pattern(name, "service_architecture", confidence, evidence.collect())
}
