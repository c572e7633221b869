//! The style of a codebase in a few words, each derived from something that can be looked at.

use serde::{Deserialize, Serialize};

use super::layers::Layering;
use super::parts::Part;
use crate::discovery::{FileKind, Pattern, Shard, SourceFile};
use crate::language::Language;

/// Share of dependencies that point down from which on a codebase is layered, and mostly so.
const LAYERED: f64 = 0.95;
const MOSTLY_LAYERED: f64 = 0.85;
/// Dependencies between parts below which an order means nothing.
const EDGES_MIN: usize = 8;

/// A style.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Style {
    /// Such as `layered web service`.
    pub headline: String,
    /// What the headline is derived from.
    pub reasons: Vec<String>,
}

pub(super) fn style(shard: &Shard, layering: &Layering, parts: &[Part]) -> Style {
    let (shape, shape_reason) = shape(layering, parts.len());
    let (kind, kind_reason) = kind(shard);
    let mut reasons = vec![shape_reason, kind_reason];
    reasons.extend(services(shard));
    Style { headline: format!("{shape} {kind}"), reasons }
}

fn shape(layering: &Layering, parts: usize) -> (&'static str, String) {
    let Layering { edges, down, layers, .. } = layering;
    let reason = format!(
        "{:.0} % of {edges} dependencies between {parts} parts point down {} layers",
        (down * 100.0).floor(),
        layers.len()
    );
    if *edges < EDGES_MIN {
        return (
            "small",
            format!("{edges} dependencies between {parts} parts: too few for a shape"),
        );
    }
    let shape = if *down >= LAYERED {
        "layered"
    } else if *down >= MOSTLY_LAYERED {
        "mostly layered"
    } else {
        "tangled"
    };
    (shape, reason)
}

/// Frameworks by what they make of a program, the most telling first.
const KINDS: [(&str, &[&str]); 6] = [
    (
        "web service",
        &[
            "axum",
            "actix",
            "rocket",
            "warp",
            "phoenix",
            "django",
            "fastapi",
            "flask",
            "starlette",
            "nestjs",
            "nextjs",
            "express",
            "fastify",
            "gin",
            "echo",
            "chi",
            "fiber",
            "aiohttp",
            "plug",
            "net_http",
        ],
    ),
    ("RPC service", &["tonic", "grpc"]),
    ("game", &["bevy"]),
    ("web front end", &["react", "vue", "angular", "svelte"]),
    ("graphical application", &["egui", "iced", "leptos", "qt", "tkinter", "streamlit"]),
    ("terminal application", &["ratatui", "textual", "bubbletea", "ink"]),
];

/// Frameworks that read a command line.
const COMMAND_LINES: [&str; 6] = ["clap", "click", "cobra", "commander", "argparse", "flag"];

fn kind(shard: &Shard) -> (&'static str, String) {
    let found = |name: &str| shard.patterns.iter().find(|p| p.name == name);
    let shown = |pattern: &Pattern| {
        let place = pattern.evidence.first();
        place.map_or_else(String::new, |e| format!("{} ({}:{})", e.note, e.path, e.line))
    };
    if !shard.application {
        let all_rust = shard.files.iter().all(|f| f.language == Language::Rust);
        let reason = if all_rust {
            "no binary target"
        } else if services(shard).is_some() {
            "what most of its lines are in builds no program"
        } else {
            "nothing begins as a program"
        };
        return ("library", reason.to_owned());
    }
    let framework =
        KINDS.iter().find_map(|(kind, names)| Some((*kind, names.iter().find_map(|n| found(n))?)));
    if let Some((kind, pattern)) = framework {
        return (kind, shown(pattern));
    }
    match COMMAND_LINES.iter().find_map(|name| found(name)) {
        Some(reader) => ("command-line tool", shown(reader)),
        None => ("program", program(shard)),
    }
}

/// What makes a program of a codebase without a known framework.
fn program(shard: &Shard) -> String {
    let entries = || shard.files.iter().filter(|f| f.kind == FileKind::EntryPoint);
    let is_rust = |f: &SourceFile| f.language == Language::Rust;
    if shard.files.iter().all(is_rust) || entries().any(is_rust) {
        return "a binary target, no known framework".to_owned();
    }
    match entries().next() {
        Some(file) => format!("begins in {}, no known framework", file.path),
        None => "builds a program, no known framework".to_owned(),
    }
}

fn services(shard: &Shard) -> Option<String> {
    let pattern = shard.patterns.iter().find(|p| p.category == "service_architecture")?;
    let programs = pattern.evidence.len();
    let noun = if programs == 1 { "package builds" } else { "packages build" };
    Some(format!("{}: {programs} {noun} programs", pattern.name))
}
