//! One self-contained page: nothing is fetched, nothing is sent.

mod sections;

use serde_json::json;

use super::{Subject, escape, svg};
use crate::architecture::{Basis, ROOT};
use crate::discovery::FileKind;
use crate::language::{Language, without_extension};
use crate::role::Role;

/// The page.
pub fn html(subject: Subject<'_>) -> String {
    let architecture = &subject.survey.architecture;
    let name = escape(subject.name());
    let colours: Vec<_> = colours().map(|(role, colour)| format!("--r-{role}:{colour};")).collect();
    let colours = colours.concat();
    let body = [
        sections::head(subject),
        format!("<h2>Layers</h2>\n{}{LEGEND}", svg::picture(architecture, "")),
        sections::violations(subject),
        sections::upward(architecture),
        sections::names(architecture),
        sections::cards(subject),
        sections::patterns(subject),
        FILES.to_owned(),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><title>{name}: architecture</title>\n<style>{}:root{{{colours}}}\n{}</style></head><body>\n{}<script type=\"application/json\" id=\"data\">{}</script>\n<script>{}</script></body></html>\n",
        svg::STYLE,
        include_str!("html.css"),
        body.concat(),
        data(subject),
        include_str!("html.js")
    )
}

const LEGEND: &str = "<div class=\"legend\"><span>A box is a part, its colour the role of at least a third of its files, paler where fewer have it.</span><span>A layer uses those below it; dashed red points up.</span><span>Click a box for its files.</span></div>\n";

const FILES: &str = "<h2 id=\"files\">Files</h2>\n<p><input id=\"search\" type=\"search\" placeholder=\"path or role\" aria-label=\"search\"> <span class=\"dim\" id=\"count\"></span> <button id=\"all\" hidden>all parts</button></p>\n<div class=\"scroll\"><table><thead><tr><th>file</th><th>role</th><th class=\"n\">sure</th><th class=\"n\">lines</th></tr></thead><tbody id=\"rows\"></tbody></table></div>\n<p><button id=\"more\" hidden>more</button></p><noscript>The table of files needs JavaScript; nothing else does.</noscript>\n";

/// The colour of each role, as the picture has it.
fn colours() -> impl Iterator<Item = (&'static str, &'static str)> {
    let colour = |role: Role| {
        let rest = svg::STYLE.split_once(&format!(".r-{}{{fill:", role.name()))?.1;
        Some((role.name(), rest.split_once('}')?.0))
    };
    Role::ALL.into_iter().filter_map(colour)
}

/// What the table of files is drawn from.
fn data(subject: Subject<'_>) -> String {
    let survey = subject.survey;
    let parts = &survey.architecture.parts;
    let answers: std::collections::BTreeMap<_, _> =
        survey.classification.files.iter().map(|f| (f.path.as_str(), f)).collect();
    let part_of = |path: &str| {
        let within = |start: &str| {
            let rest = path.strip_prefix(start);
            let ends = |r: &str| r.starts_with('/') || (without_extension(path) == start);
            !start.is_empty() && rest.is_some_and(ends)
        };
        let root = |name: &str| name == ROOT && !path.contains('/');
        let fits = parts.iter().enumerate().filter(|(_, p)| within(&p.path) || root(&p.name));
        fits.max_by_key(|(_, p)| p.path.len())
            .and_then(|(i, _)| i64::try_from(i).ok())
            .unwrap_or(-1)
    };
    let row = |(file, assigned): (&crate::discovery::SourceFile, &Option<_>)| {
        let assigned: &Option<crate::architecture::Assigned> = assigned;
        let answer = answers.get(file.path.as_str());
        let role = assigned.and_then(|a| i64::try_from(a.role.index()).ok()).unwrap_or(-1);
        let basis = assigned.map_or(0, |a| a.basis as usize);
        #[expect(clippy::cast_possible_truncation, reason = "0 to 100")]
        let sure = answer.map_or(0, |a| (a.confidence * 100.0).round() as i64);
        let likeliest = answer.map_or(0, |a| a.likeliest.index());
        // a number for the languages that the model has not learnt
        let unlearnt = if file.language.is_learnt() { 0 } else { file.language as usize };
        json!([
            file.path,
            part_of(&file.path),
            role,
            basis,
            sure,
            likeliest,
            file.kind as usize,
            file.lines,
            unlearnt
        ])
    };
    let files: Vec<_> = survey.shard.files.iter().zip(&survey.assigned).map(row).collect();
    let roles = Role::ALL.map(Role::name);
    let names: Vec<_> = parts.iter().map(|p| &p.name).collect();
    let bases = [Basis::Person, Basis::Model, Basis::Agreement, Basis::Code, Basis::Name];
    let bases = bases.map(Basis::words);
    let data = json!({
        "roles": roles,
        "bases": bases,
        "kinds": KINDS,
        "languages": Language::ALL.map(Language::title),
        "parts": names,
        "files": files,
    });
    // a path may hold the end of a script
    data.to_string().replace('<', "\\u003c")
}

/// In the order of their numbers.
const KINDS: [FileKind; 10] = [
    FileKind::Module,
    FileKind::CrateRoot,
    FileKind::EntryPoint,
    FileKind::Test,
    FileKind::Bench,
    FileKind::Example,
    FileKind::BuildScript,
    FileKind::Generated,
    FileKind::Dead,
    FileKind::Unread,
];
