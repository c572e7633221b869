//! Markdown for a step summary or a comment.

use std::fmt::Write as _;

use super::{Subject, by_rule, mermaid, message};

/// Violations and names listed.
const ROWS_MAX: usize = 20;

/// Style, picture, violations, names, what was not seen.
pub fn markdown(subject: Subject<'_>) -> String {
    let architecture = &subject.survey.architecture;
    let mut text = format!(
        "## {}: {}\n\n{}\n\n```mermaid\n{}```\n",
        subject.name(),
        architecture.style.headline,
        architecture.style.reasons.join("; "),
        mermaid(&subject.survey.architecture)
    );
    let reported = subject.reported();
    let what = subject
        .comparison
        .map_or_else(|| format!("{} violations", reported.len()), ToString::to_string);
    let _ = writeln!(text, "\n### {what}\n");
    if !reported.is_empty() {
        text += "| severity | rule | where | what |\n|---|---|---|---|\n";
    }
    for v in reported.iter().take(ROWS_MAX) {
        let _ = writeln!(
            text,
            "| {} | {} | `{}:{}` | {} |",
            v.severity.name(),
            v.rule.name(),
            v.from,
            v.line,
            message(v).replace('|', "\\|")
        );
    }
    more(&mut text, reported.len());
    let names = &architecture.names;
    if !names.is_empty() {
        text += "\n### Names that disagree with their code\n\n| file | name says | code says |\n|---|---|---|\n";
    }
    for n in names.iter().take(ROWS_MAX) {
        let (named, code, sure) = (n.named.name(), n.code.name(), n.confidence * 100.0);
        let _ = writeln!(text, "| `{}` | {named} | {code} ({sure:.0} %) |", n.path);
    }
    more(&mut text, names.len());
    let (sure, agreed) = subject.survey.covered();
    if !subject.survey.classification.files.is_empty() {
        let _ = writeln!(
            text,
            "\n{sure} modules have a role by the model, {agreed} more by name and model together, {} none. Model: {}.",
            subject.survey.classification.files.len().saturating_sub(sure + agreed),
            subject.trust()
        );
    }
    let by_rule = by_rule(&subject.survey.classification);
    if !by_rule.is_empty() {
        let _ = writeln!(text, "\n{}.", by_rule.join("; "));
    }
    text + &not_seen(subject)
}

fn not_seen(subject: Subject<'_>) -> String {
    let blind = &subject.survey.architecture.blind;
    let mut rust = format!(
        "{} macro calls between items, {} items under `#[cfg]`, ",
        blind.macros, blind.cfgs
    );
    if subject.survey.classification.files.is_empty() && blind.unlearnt > 0 {
        rust.clear();
    }
    let mut others = String::new();
    if blind.unlearnt + blind.skipped.len() > 0 {
        others = format!(
            ", {} modules without a role by rule, {} directories of builds or of others' code",
            blind.unlearnt,
            blind.skipped.len()
        );
    }
    format!(
        "Not seen: {rust}{} files that do not parse, {} generated, {} unread{others}.\n",
        blind.broken.len(),
        blind.generated,
        blind.unread.len()
    )
}

fn more(text: &mut String, rows: usize) {
    if rows > ROWS_MAX {
        let _ = writeln!(text, "\n… and {} more.", rows - ROWS_MAX);
    }
}
