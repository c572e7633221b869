//! `archlearn classify`: a table by directory, or one of the forms that programs read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use architecture_learning::architecture::Architecture;
use architecture_learning::baseline::Comparison;
use architecture_learning::classify::{Classification, FileRole, RuleBasis, RuledFile};
use architecture_learning::role::Role;
use architecture_learning::survey::Survey;
use architecture_learning::{DataDir, LearningError, render};
use clap::ValueEnum;
use serde::Serialize;

use super::look::Seen;
use super::paint::Paint;
use super::pictures::put;
use super::{Classify, json};

/// How the answer is told.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A table for people.
    Human,
    /// The JSON that `--json` writes.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// `JUnit` XML.
    Junit,
    /// Markdown.
    Markdown,
}

pub(super) fn classify(
    data: Option<&DataDir>,
    options: &Classify,
) -> Result<ExitCode, LearningError> {
    let seen = Seen::of(&options.look, data)?;
    options.pictures.write(seen.subject())?;
    if let Some(path) = &options.json {
        put(path, &answer(&seen, path)?)?;
    }
    if options.format.is_some()
        || (options.json.is_none() && !options.pictures.to_standard_output())
    {
        let format = options.format.unwrap_or(Format::Human);
        super::print(&told(&seen, format)?);
    }
    if options.format.is_none() && std::env::var_os("GITHUB_ACTIONS").is_some_and(|v| v == "true") {
        eprint!("{}", render::github(seen.subject()));
    }
    Ok(seen.verdict())
}

fn told(seen: &Seen, format: Format) -> Result<String, LearningError> {
    let subject = seen.subject();
    Ok(match format {
        Format::Human => human(seen, Paint::stdout()),
        Format::Json => answer(seen, Path::new("-"))?,
        Format::Sarif => render::sarif(subject),
        Format::Github => render::github(subject),
        Format::Junit => render::junit(subject),
        Format::Markdown => render::markdown(subject),
    })
}

/// The documented JSON with two more fields.
#[derive(Serialize)]
struct Answer<'s> {
    #[serde(flatten)]
    classification: &'s Classification,
    architecture: &'s Architecture,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<&'s Comparison>,
}

fn answer(seen: &Seen, path: &Path) -> Result<String, LearningError> {
    let Survey { classification, architecture, .. } = &seen.survey;
    json(path, &Answer { classification, architecture, baseline: seen.comparison.as_ref() })
}

fn human(seen: &Seen, paint: Paint) -> String {
    let mut text = table(&seen.survey.classification, paint);
    let reported = seen.subject().reported();
    for v in reported {
        let (severity, rule) = (v.severity.name(), v.rule.name());
        let _ = writeln!(text, "{severity} {rule} {}:{}: {}", v.from, v.line, render::message(v));
    }
    let _ = match &seen.comparison {
        Some(comparison) => writeln!(text, "{comparison}"),
        None => writeln!(text, "violations {}", reported.len()),
    };
    text
}

fn table(answer: &Classification, paint: Paint) -> String {
    let mut directories: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
    let learnt = answer.files.iter().map(|f| (f.path.as_str(), said(f, paint)));
    let ruled = answer.by_rule.iter().map(|f| (f.path.as_str(), told_by_rule(f, paint)));
    for (path, said) in learnt.chain(ruled) {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        directories.entry(directory).or_default().push((name, said));
    }
    let names = directories.values().flatten().map(|(name, _)| name.chars().count());
    let width = names.max().unwrap_or(0);
    let mut text = String::new();
    for (directory, mut files) in directories {
        files.sort();
        let _ = writeln!(text, "{}", paint.bold(&format!("{directory}/")));
        for (name, said) in files {
            let _ = writeln!(text, "  {name:<width$}  {said}");
        }
    }
    let _ = writeln!(text, "\n{}", summary(answer));
    text
}

fn said(file: &FileRole, paint: Paint) -> String {
    let percent = file.confidence * 100.0;
    match file.role {
        Some(role) => format!("{:<14} {percent:>3.0} %", role.name()),
        None => paint.dim(&format!("{:<14} {percent:>3.0} % {}", "-", file.likeliest.name())),
    }
}

fn told_by_rule(file: &RuledFile, paint: Paint) -> String {
    let reason = file.reason.as_deref().unwrap_or_default();
    match (file.role, file.line) {
        (Some(role), Some(line)) => format!("{:<14} by {reason}, line {line}", role.name()),
        (Some(role), None) => format!("{:<14} by its name {reason}", role.name()),
        (None, _) => paint.dim("-"),
    }
}

fn summary(answer: &Classification) -> String {
    let roles: Vec<_> = answer.files.iter().filter_map(|f| f.role).collect();
    let mut text = String::new();
    if !answer.files.is_empty() || answer.by_rule.is_empty() {
        let _ = write!(
            text,
            "{} modules: {}; {} abstained below {:.0} %; {} other files (tests, roots, generated). Model {} {}.",
            answer.files.len(),
            counted(&roles),
            answer.files.len() - roles.len(),
            answer.model.threshold * 100.0,
            answer.known.len(),
            answer.model.kind.name(),
            answer.model.artifact.get(..12).unwrap_or(&answer.model.artifact)
        );
    }
    if !answer.by_rule.is_empty() {
        let roles: Vec<_> = answer.by_rule.iter().filter_map(|f| f.role).collect();
        let _ = write!(
            text,
            "{}{} {} modules: {}; {} by a framework's code, {} by name alone, {} abstained: {}.",
            if text.is_empty() { "" } else { "\n" },
            answer.by_rule.len(),
            render::unlearnt(answer),
            counted(&roles),
            answer.ruled(RuleBasis::Code),
            answer.ruled(RuleBasis::Name),
            answer.by_rule.len() - roles.len(),
            render::ONLY_RUST
        );
    }
    text
}

/// How often each role, the commonest first.
fn counted(roles: &[Role]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for role in roles {
        *counts.entry(role.name()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let words: Vec<_> = counts.iter().map(|(role, n)| format!("{n} {role}")).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
