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
    let blind = &architecture.blind;
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
    let _ = writeln!(
        text,
        "Not seen: {} macro calls between items, {} items under `#[cfg]`, {} files that do not parse, {} generated, {} unread.",
        blind.macros,
        blind.cfgs,
        blind.broken.len(),
        blind.generated,
        blind.unread.len()
    );
    text
}

fn more(text: &mut String, rows: usize) {
    if rows > ROWS_MAX {
        let _ = writeln!(text, "\n… and {} more.", rows - ROWS_MAX);
    }
}
