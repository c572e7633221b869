//! The parts of the page that need no script.

use std::fmt::Write as _;

use super::super::{Subject, by_rule, escape};
use crate::architecture::Architecture;
use crate::role::Role;

/// Rows of a table.
const ROWS_MAX: usize = 300;
/// Families of patterns that come last, in their order; those before them are about the code itself.
const FAMILIES: [&str; 3] = ["service_architecture", "framework", "technology"];
/// Evidence told per pattern.
const PLACES: usize = 3;

pub(super) fn head(subject: Subject<'_>) -> String {
    let survey = subject.survey;
    let architecture = &survey.architecture;
    let lines: u64 = survey.shard.files.iter().map(|f| u64::from(f.lines)).sum();
    let with_role = survey.assigned.iter().filter(|a| a.is_some()).count();
    let modules = survey.classification.modules();
    let violations = architecture.violations.len();
    let mut figures = vec![
        (modules.to_string(), "modules", false),
        (lines.to_string(), "lines", false),
        (architecture.layering.layers.len().to_string(), "layers", false),
        (format!("{:.0} %", (architecture.layering.down * 100.0).floor()), "point down", false),
        (violations.to_string(), "violations", violations > 0),
        (architecture.names.len().to_string(), "misleading names", false),
        (format!("{} %", with_role * 100 / modules.max(1)), "have a role", false),
    ];
    // names are compared with what the model says
    let compared = !survey.classification.files.is_empty() || modules == 0;
    figures.retain(|(_, what, _)| compared || *what != "misleading names");
    let figure = |(number, what, bad): &(String, &str, bool)| {
        let class = if *bad { "figure bad" } else { "figure" };
        format!("<div class=\"{class}\"><b>{number}</b><span>{what}</span></div>")
    };
    let reasons: Vec<_> = architecture.style.reasons.iter().map(|r| escape(r)).collect();
    format!(
        "<h1>{}</h1>\n<p class=\"lead\">{}: {}</p>\n<div class=\"figures\">{}</div>\n",
        escape(subject.name()),
        escape(&architecture.style.headline),
        reasons.join("; "),
        figures.iter().map(figure).collect::<String>()
    )
}

fn table(heads: &[&str], rows: &[String]) -> String {
    let head = |head: &&str| match head.strip_prefix('#') {
        Some(number) => format!("<th class=\"n\">{number}</th>"),
        None => format!("<th>{head}</th>"),
    };
    let heads: String = heads.iter().map(head).collect();
    let shown: String = rows.iter().take(ROWS_MAX).cloned().collect();
    let left = rows.len().saturating_sub(ROWS_MAX);
    let more =
        if left > 0 { format!("<p class=\"dim\">and {left} more</p>") } else { String::new() };
    format!(
        "<div class=\"scroll\"><table><thead><tr>{heads}</tr></thead><tbody>{shown}</tbody></table></div>{more}\n"
    )
}

/// Text with what stands in backticks as code.
fn marked(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    let piece = |(i, piece)| match i % 2 {
        0 => escape(piece),
        _ => format!("<code>{}</code>", escape(piece)),
    };
    pieces.map(piece).collect()
}

fn chip(role: Role) -> String {
    let name = role.name();
    format!("<span class=\"chip\" style=\"--c:var(--r-{name})\">{name}</span>")
}

pub(super) fn violations(subject: Subject<'_>) -> String {
    let reported = subject.reported();
    let known =
        subject.comparison.map_or_else(String::new, |c| format!(" <span class=\"dim\">{c}</span>"));
    let head = format!("<h2>Violations{known}</h2>\n");
    if reported.is_empty() {
        return head + "<p class=\"dim\">None of the three rules objects to anything.</p>\n";
    }
    let row = |v: &crate::architecture::Violation| {
        format!(
            "<tr><td class=\"{0}\">{0}</td><td>{1}</td><td class=\"where\"><code>{2}:{3}</code><br>{4} \u{2192} {5} <code>{6}</code></td><td>{7}</td></tr>\n",
            v.severity.name(),
            v.rule.name().replace('_', " "),
            escape(&v.from),
            v.line,
            chip(v.from_role),
            chip(v.to_role),
            escape(&v.to),
            escape(&v.evidence)
        )
    };
    let rows: Vec<_> = reported.iter().map(row).collect();
    head + &table(&["severity", "rule", "dependency", "what speaks against it"], &rows)
}

pub(super) fn upward(architecture: &Architecture) -> String {
    let upward = &architecture.layering.upward;
    if upward.is_empty() {
        return String::new();
    }
    let row = |u: &crate::architecture::Upward| {
        let link = &architecture.links[u.link];
        format!(
            "<tr><td>{} \u{2192} {}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td><code>{}:{}</code> uses <code>{}</code></td></tr>\n",
            escape(&architecture.parts[link.from].name),
            escape(&architecture.parts[link.to].name),
            link.edges,
            u.against,
            escape(&link.path),
            link.line,
            escape(&link.target)
        )
    };
    let rows: Vec<_> = upward.iter().map(row).collect();
    "<h2>Pointing up</h2>\n<p class=\"dim\">Against the order of layers, the most one-sided first. An observation about this code, not a violation.</p>\n".to_owned()
        + &table(&["parts", "#this way", "#other way", "such as"], &rows)
}

pub(super) fn names(architecture: &Architecture) -> String {
    if architecture.names.is_empty() {
        return String::new();
    }
    let row = |n: &crate::architecture::Misnomer| {
        format!(
            "<tr><td><code>{}</code></td><td>{} (\u{201c}{}\u{201d})</td><td>{} {:.0} %</td></tr>\n",
            escape(&n.path),
            chip(n.named),
            escape(&n.word),
            chip(n.code),
            n.confidence * 100.0
        )
    };
    let rows: Vec<_> = architecture.names.iter().map(row).collect();
    "<h2>Names that disagree with their code</h2>\n".to_owned()
        + &table(&["file", "its name says", "its code says"], &rows)
}

pub(super) fn cards(subject: Subject<'_>) -> String {
    let blind = &subject.survey.architecture.blind;
    let items = [
        (blind.abstained, "modules on which the model abstains"),
        (blind.macros, "macro calls between items: what they define is unknown"),
        (blind.cfgs, "items under <code>#[cfg]</code>, read as if all were compiled"),
        (blind.unresolved, "paths that could not be followed to their end"),
        (blind.broken.len(), "files with places that do not parse"),
        (blind.dead.len(), "files that no <code>mod</code> declares"),
        (blind.generated, "files that a program wrote, left out"),
        (blind.unread.len(), "files or directories that could not be read"),
        (
            blind.unlearnt,
            "modules without a role by rule, in languages that the model has not learnt",
        ),
        (blind.skipped.len(), "directories of builds or of other people\u{2019}s code, left out"),
    ];
    let items = items.iter().filter(|(n, _)| *n > 0);
    let items: Vec<_> = items.map(|(n, what)| format!("<li>{n} {what}</li>")).collect();
    let items = items.concat();
    format!(
        "<h2></h2><div class=\"cards\"><div class=\"card\"><h2>How sure is this?</h2>{}</div><div class=\"card\"><h2>Not seen</h2><ul>{items}</ul></div></div>\n",
        trust(subject)
    )
}

/// What the model scored, where it was asked; and what rules could tell, where it was not.
fn trust(subject: Subject<'_>) -> String {
    let classification = &subject.survey.classification;
    let lines = by_rule(classification);
    let by_rule: Vec<_> = lines.iter().map(|line| format!("<p>{}.</p>", escape(line))).collect();
    let by_rule = by_rule.concat();
    if classification.files.is_empty() && !by_rule.is_empty() {
        return by_rule;
    }
    format!(
        "<p>{}.</p><p>Macro-F1 {}, calibration error {:.3}. Labels come from file names, which readers found right about two times in three; so this is as much about how well code and names agree.</p>{}{by_rule}",
        escape(&subject.trust()),
        subject.report.ours().map_or_else(String::new, |s| format!(
            "{:.3} (95 % from {:.3} to {:.3}; always the commonest role: {:.3})",
            s.macro_f1.value,
            s.macro_f1.low,
            s.macro_f1.high,
            subject.report.scores.get("majority").map_or(0.0, |m| m.macro_f1.value)
        )),
        subject.report.ours().map_or(0.0, |s| s.calibration_error),
        curve(subject)
    )
}

/// Accuracy over coverage, of files of owners that the model never saw.
fn curve(subject: Subject<'_>) -> String {
    let (width, height) = (300.0, 90.0);
    let mut points = String::new();
    for point in &subject.report.coverage {
        let (x, y) = (30.0 + point.coverage * width, 10.0 + (1.0 - point.accuracy) * height);
        let _ = write!(points, "{x:.0},{y:.0} ");
    }
    format!(
        "<svg viewBox=\"0 0 350 130\" width=\"350\" role=\"img\" aria-label=\"accuracy over coverage\"><path d=\"M30 10V100H330\" fill=\"none\" stroke=\"var(--line)\"/><polyline points=\"{}\" fill=\"none\" stroke=\"var(--ink)\" stroke-width=\"2\"/><g font-size=\"11\" fill=\"var(--dim)\"><text x=\"0\" y=\"14\">100 %</text><text x=\"8\" y=\"100\">0 %</text><text x=\"30\" y=\"118\">right, of the surest tenth of files to all of them</text></g></svg>",
        points.trim()
    )
}

pub(super) fn patterns(subject: Subject<'_>) -> String {
    let common = |name: &str| {
        let known = subject.patterns.iter().find(|p| p.name == name);
        known.map_or_else(String::new, |p| format!("{:.0} %", p.frequency * 100.0))
    };
    let row = |p: &crate::discovery::Pattern| {
        let places: Vec<_> = p
            .evidence
            .iter()
            .take(PLACES)
            .map(|e| format!("<code>{}:{}</code> {}", escape(&e.path), e.line, marked(&e.note)))
            .collect();
        format!(
            "<tr><td>{}</td><td class=\"dim\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
            escape(&p.name.replace('_', " ")),
            escape(&p.category.replace('_', " ")),
            common(&p.name),
            places.join("<br>")
        )
    };
    let mut patterns: Vec<_> = subject.survey.architecture.patterns.iter().collect();
    // what the code is like before what it is built with
    patterns.sort_by_key(|p| FAMILIES.iter().position(|family| *family == p.category));
    let rows: Vec<_> = patterns.into_iter().map(row).collect();
    "<h2>Patterns</h2>\n".to_owned()
        + &table(&["pattern", "family", "#of codebases", "where"], &rows)
}
