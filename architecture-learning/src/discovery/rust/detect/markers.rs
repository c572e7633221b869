//! Frameworks and technologies from manifests, with the confidences of the original pipeline where it had the marker.

use std::collections::BTreeSet;

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

pub(super) fn detect(view: &View<'_>) -> Vec<Pattern> {
    let dependencies = DEPENDENCIES.iter().filter_map(|(name, category, confidence, any)| {
        pattern(name, category, *confidence, declared(view, any))
    });
    let manifests: Vec<_> =
        view.packages.iter().map(|p| place(&manifest_path(&p.directory), 1, "manifest")).collect();
    let cargo = pattern("cargo", "framework", 0.99, manifests);
    dependencies.chain(cargo).collect()
}

fn manifest_path(directory: &str) -> String {
    format!("{directory}Cargo.toml")
}

fn declared(view: &View<'_>, any: &[&str]) -> Vec<Evidence> {
    let in_package = |package: &crate::discovery::rust::tree::Package| {
        let name = any.iter().find(|name| package.manifest.dependencies.contains(**name))?;
        let line =
            package.manifest.lines.iter().find(|(key, _)| key == name).map_or(1, |(_, n)| *n);
        Some(place(&manifest_path(&package.directory), line, format!("depends on {name}")))
    };
    view.packages.iter().filter_map(in_package).collect()
}

/// One place per package that builds a program.
pub(in crate::discovery::rust) fn programs(view: &View<'_>) -> Vec<Evidence> {
    let crates = view.tree.crates.iter().filter(|c| c.kind == TargetKind::Binary);
    let packages: BTreeSet<_> = crates.map(|c| c.package).collect();
    let manifest = |p: &usize| manifest_path(&view.packages[*p].directory);
    packages.iter().map(|p| place(&manifest(p), 1, "builds a program")).collect()
}
