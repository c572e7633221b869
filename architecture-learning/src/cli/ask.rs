//! Questions about two files or one: `why`, `explain`; and `selftest`, `rules`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use architecture_learning::classify::RuledFile;
use architecture_learning::discovery::Shard;
use architecture_learning::explain::{Explanation, explain};
use architecture_learning::render::{self, RulesFor};
use architecture_learning::route::{self, Step};
use architecture_learning::selftest::selftest;
use architecture_learning::{DataDir, LearningError};

use super::look::Seen;

/// Dependencies listed.
const LINES_MAX: usize = 20;

/// Every dependency of one on the other, else the shortest way.
pub(super) fn why(
    data: Option<&DataDir>,
    path: &Path,
    from: &str,
    to: &str,
) -> Result<ExitCode, LearningError> {
    let seen = Seen::at(path, data)?;
    let shard = &seen.survey.shard;
    let (a, b) = (route::select(shard, from)?, route::select(shard, to)?);
    let direct = route::direct(shard, &a, &b);
    let root = &seen.codebase.root;
    let mut text = String::new();
    if !direct.is_empty() {
        let _ = writeln!(text, "{from} depends on {to} in {} places", direct.len());
        text.extend(direct.iter().take(LINES_MAX).map(|step| told(root, step)));
        if direct.len() > LINES_MAX {
            let _ = writeln!(text, "  and {} more", direct.len() - LINES_MAX);
        }
    } else if let Some(way) = route::shortest(shard, &a, &b) {
        let _ = writeln!(text, "{from} reaches {to} over {} dependencies", way.len());
        text.extend(way.iter().map(|step| told(root, step)));
    } else {
        let back = route::shortest(shard, &b, &a);
        let other = back.map_or("nor the other way", |_| "only the other way");
        let _ = writeln!(text, "{from} does not depend on {to}, {other}");
    }
    super::print(&text);
    Ok(ExitCode::SUCCESS)
}

/// A dependency with the line of code that makes it.
fn told(root: &Path, step: &Step) -> String {
    let source = std::fs::read(root.join(&step.from)).unwrap_or_default();
    let source = String::from_utf8_lossy(&source);
    let number = usize::try_from(step.line).unwrap_or(1).saturating_sub(1);
    let line = source.lines().nth(number).unwrap_or_default().trim();
    let line: String = line.chars().take(90).collect();
    format!("  {}:{} \u{2192} {}\n      {line}\n", step.from, step.line, step.to)
}

/// Why a file has its role, and who its neighbours are.
pub(super) fn explain_file(
    data: Option<&DataDir>,
    path: &Path,
    name: &str,
) -> Result<ExitCode, LearningError> {
    let seen = Seen::at(path, data)?;
    let shard = &seen.survey.shard;
    let files = route::select(shard, name)?;
    let mut text = String::new();
    for file in files.iter().take(1) {
        let place = *file as usize;
        let path = &shard.files[place].path;
        if let Some(explanation) = explain(&seen.serving, &seen.survey, path) {
            text.push_str(&said(&seen, place, &explanation));
        } else if let Some(file) = ruled(&seen, path) {
            text.push_str(&told_by_rule(&seen, place, file));
        } else {
            let kind = shard.files[place].kind;
            let _ = writeln!(text, "{path}: {kind:?}, which needs no model");
        }
        neighbours(&mut text, &seen, *file);
    }
    if files.len() > 1 {
        let _ = writeln!(text, "\n{} more files fit `{name}`", files.len() - 1);
    }
    super::print(&text);
    Ok(ExitCode::SUCCESS)
}

fn said(seen: &Seen, place: usize, explanation: &Explanation) -> String {
    let threshold = f64::from(seen.serving.model.config.calibration.threshold);
    let mut text = format!("{}\n", explanation.path);
    let likeliest: Vec<_> = explanation
        .likeliest
        .iter()
        .map(|(role, p)| format!("{} {:.0} %", role.name(), p * 100.0))
        .collect();
    let _ = writeln!(text, "  the model: {}", likeliest.join(", "));
    let verdict = match (seen.survey.assigned[place], explanation.likeliest.first()) {
        (Some(assigned), _) => format!("{} ({:?})", assigned.role.name(), assigned.basis),
        (None, _) => format!("abstains: its likeliest role is below {:.0} %", threshold * 100.0),
    };
    let _ = writeln!(text, "  counts as: {verdict}");
    let words = |witnesses: &[architecture_learning::explain::Witness]| {
        let each = witnesses.iter().map(|w| format!("{} (\u{d7}{:.2})", w.word, w.odds));
        each.collect::<Vec<_>>().join(", ")
    };
    let role = explanation.likeliest.first().map_or("it", |(role, _)| role.name());
    let _ = writeln!(text, "  for {role}: {}", words(&explanation.speak_for));
    let _ = writeln!(text, "  against {role}: {}", words(&explanation.speak_against));
    text.push_str(
        "  (the factor is what each does to the odds; words in quotes are of documentation)\n",
    );
    text
}

fn ruled<'s>(seen: &'s Seen, path: &str) -> Option<&'s RuledFile> {
    seen.survey.classification.by_rule.iter().find(|f| f.path == path)
}

/// Of a file in a language that the model has not learnt.
fn told_by_rule(seen: &Seen, place: usize, file: &RuledFile) -> String {
    let mut text = format!(
        "{}\n  {} is read by rules: {}\n",
        file.path,
        file.language.title(),
        render::ONLY_RUST
    );
    let verdict = match seen.survey.assigned[place] {
        Some(assigned) => format!("{} ({})", assigned.role.name(), assigned.basis.words()),
        None => "nothing: no rule speaks".to_owned(),
    };
    let _ = writeln!(text, "  counts as: {verdict}");
    if let Some(reason) = &file.reason {
        let line = file.line.map_or_else(String::new, |line| format!(" (line {line})"));
        let _ = writeln!(text, "  by {reason}{line}");
    }
    text
}

fn neighbours(text: &mut String, seen: &Seen, file: u32) {
    let shard = &seen.survey.shard;
    let own = BTreeSet::from([file]);
    let all: BTreeSet<u32> = (0_u32..).zip(&shard.files).map(|(i, _)| i).collect();
    list(text, seen, "uses", &route::direct(shard, &own, &all), |s| &s.to);
    list(text, seen, "is used by", &route::direct(shard, &all, &own), |s| &s.from);
    let outside = &shard.files[file as usize].dependencies;
    if !outside.is_empty() {
        let names: Vec<_> = outside.iter().map(String::as_str).collect();
        let _ = writeln!(text, "  outside: {}", names.join(", "));
    }
}

fn list(text: &mut String, seen: &Seen, word: &str, steps: &[Step], end: fn(&Step) -> &String) {
    if steps.is_empty() {
        return;
    }
    let roles = roles(&seen.survey.shard, &seen.survey.assigned);
    let mut ends: BTreeMap<&String, u32> = BTreeMap::new();
    for step in steps {
        ends.entry(end(step)).or_insert(step.line);
    }
    let _ = writeln!(text, "  {word} {} files", ends.len());
    for (path, line) in ends.iter().take(LINES_MAX) {
        let role = roles.get(path.as_str()).copied().unwrap_or("");
        let _ = writeln!(text, "    {path} {role} (line {line})");
    }
}

fn roles<'s>(
    shard: &'s Shard,
    assigned: &[Option<architecture_learning::architecture::Assigned>],
) -> BTreeMap<&'s str, &'static str> {
    let files = shard.files.iter().zip(assigned);
    files.filter_map(|(f, a)| Some((f.path.as_str(), a.as_ref()?.role.name()))).collect()
}

/// How many turned dependencies the rules find.
#[expect(clippy::cast_precision_loss, reason = "counts of edges")]
pub(super) fn test_oneself(
    data: Option<&DataDir>,
    path: &Path,
    k: usize,
) -> Result<ExitCode, LearningError> {
    let seen = Seen::at(path, data)?;
    let test = selftest(&seen.survey, &seen.settings, k);
    let share = |of: usize| 100.0 * test.found as f64 / of.max(1) as f64;
    super::print(&format!(
        "{} dependencies turned round, one at a time: {} found ({:.0} %)\n{} of them were between files of two known roles, which the rules look at: {:.0} % of these found\n{} further violations came with them; {} are in the code as it is\n",
        test.reversed,
        test.found,
        share(test.reversed),
        test.judgeable,
        share(test.judgeable),
        test.others,
        test.before
    ));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn rules(
    data: Option<&DataDir>,
    path: &Path,
    tool: RulesFor,
) -> Result<ExitCode, LearningError> {
    let seen = Seen::at(path, data)?;
    super::print(&render::rules(&seen.survey, tool)?);
    Ok(ExitCode::SUCCESS)
}
