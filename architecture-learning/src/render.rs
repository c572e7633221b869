//! A survey as text for people and programs: pure functions, the same bytes for the same input.

mod github;
mod html;
mod junit;
mod markdown;
mod mermaid;
mod rules;
mod sarif;
mod svg;

use std::collections::BTreeSet;

use crate::analysis::PatternFrequency;
use crate::architecture::Violation;
use crate::baseline::{Comparison, Entry};
use crate::classify::{Classification, RuleBasis};
use crate::discovery::Shard;
use crate::language::Language;
use crate::model::ModelKind;
use crate::survey::Survey;
use crate::validation::Report;

pub use github::github;
pub use html::html;
pub use junit::junit;
pub use markdown::markdown;
pub use mermaid::mermaid;
pub use rules::{RulesFor, rules};
pub use sarif::sarif;
pub use svg::svg;

/// What a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s> {
    /// What is told.
    pub survey: &'s Survey,
    /// Beside what is known, where something is.
    pub comparison: Option<&'s Comparison>,
    /// What the model scored on owners that it never saw.
    pub report: &'s Report,
    /// How common each pattern is over the codebases that the model learnt from.
    pub patterns: &'s [PatternFrequency],
    /// Whether the model travels in the crate.
    pub bundled: bool,
}

impl<'s> Subject<'s> {
    /// The violations to report: the new ones where something is known, else all.
    pub fn reported(&self) -> &'s [Violation] {
        self.comparison.map_or(&self.survey.architecture.violations, |c| &c.new)
    }

    fn name(&self) -> &'s str {
        &self.survey.shard.codebase.name
    }

    /// What the model is and how far to trust it, in a sentence.
    pub fn trust(&self) -> String {
        let answered = self.report.answered;
        let kind = match self.report.kind {
            ModelKind::Regression => "regression",
            ModelKind::Network => "graph network",
            ModelKind::Ensemble => "graph network with a regression",
        };
        let artifact = &self.survey.classification.model.artifact;
        format!(
            "{kind} {} ({}): of {} files of {} owners that it never saw, it answered {:.0} % and agreed with the name of {:.0} % of these",
            artifact.get(..12).unwrap_or(artifact),
            if self.bundled { "bundled" } else { "promoted here" },
            self.report.ours().map_or(0, |s| s.files),
            self.report.owners,
            answered.coverage * 100.0,
            answered.accuracy * 100.0
        )
    }
}

/// Why nothing more is told of the other languages.
pub const ONLY_RUST: &str = "the model has learnt Rust only";

/// The languages of a codebase that is not all Rust, as the end of a sentence about its lines; else nothing.
pub fn languages(shard: &Shard) -> String {
    match shard.languages().as_slice() {
        [] | [(Language::Rust, ..)] => String::new(),
        [(language, ..)] => format!(" of {}", language.title()),
        several => {
            let each = several.iter().map(|(l, _, lines)| format!("{lines} {}", l.title()));
            format!(": {}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What rules alone could tell of the roles in other languages; nothing where there is no other.
pub fn by_rule(classification: &Classification) -> Vec<String> {
    let all = classification.by_rule.len();
    if all == 0 {
        return Vec::new();
    }
    let (code, name) =
        (classification.ruled(RuleBasis::Code), classification.ruled(RuleBasis::Name));
    let names = match name {
        0 => "",
        _ => "; of the names of Rust files that a person read, two in three were right",
    };
    vec![
        format!(
            "{code} of {all} {} modules have a role by a framework's code, {name} more by name alone",
            unlearnt(classification)
        ),
        format!("{} abstained: {ONLY_RUST}{names}", all - code - name),
    ]
}

/// The languages of the modules that the model was not asked about.
pub fn unlearnt(classification: &Classification) -> String {
    let languages: BTreeSet<_> = classification.by_rule.iter().map(|f| f.language).collect();
    languages.into_iter().map(Language::title).collect::<Vec<_>>().join(", ")
}

/// The message of a violation, in one line.
pub fn message(violation: &Violation) -> String {
    let Violation { from_role, to_role, to, evidence, .. } = violation;
    format!("{} depends on {} `{to}`: {evidence}", from_role.name(), to_role.name())
}

/// A number that stays the same as long as the violation is the same.
fn identity(violation: &Violation) -> String {
    format!("{:016x}", crate::storage::hash64(&Entry::of(violation).to_string()))
}

/// Text for XML and HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // not allowed in XML at all
            c if c.is_control() && !matches!(c, '\n' | '\t') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
