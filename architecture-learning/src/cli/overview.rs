//! `archlearn` alone: what there is to know of a codebase, on one screen.

use std::fmt::Write as _;
use std::process::ExitCode;

use architecture_learning::architecture::Severity;
use architecture_learning::discovery::Evidence;
use architecture_learning::language::Language;
use architecture_learning::{DataDir, LearningError, baseline, render};

use super::look::{Look, Seen};
use super::paint::Paint;
use super::pictures::Pictures;

/// Lines of each list.
const LINES_MAX: usize = 5;
/// Cycles told of code that has no roles.
const CYCLES_MAX: usize = 2;
/// Lines of layers.
const LAYERS_MAX: usize = 9;
/// Letters of a line of layers.
const WIDTH: usize = 92;

pub(super) fn overview(
    data: Option<&DataDir>,
    look: &Look,
    pictures: &Pictures,
) -> Result<ExitCode, LearningError> {
    let seen = Seen::of(look, data)?;
    pictures.write(seen.subject())?;
    if !pictures.to_standard_output() {
        super::print(&text(&seen, Paint::stdout()));
    }
    Ok(seen.verdict())
}

fn text(seen: &Seen, paint: Paint) -> String {
    let mut text = String::new();
    style(&mut text, seen, paint);
    layers(&mut text, seen, paint);
    worst(&mut text, seen, paint);
    names(&mut text, seen, paint);
    coverage(&mut text, seen, paint);
    unseen(&mut text, seen, paint);
    next(&mut text, seen, paint);
    text
}

fn head(paint: Paint, word: &str) -> String {
    paint.bold(&format!("{word:<9}"))
}

fn style(text: &mut String, seen: &Seen, paint: Paint) {
    let survey = &seen.survey;
    let lines: u64 = survey.shard.files.iter().map(|f| u64::from(f.lines)).sum();
    let style = &survey.architecture.style;
    let _ = writeln!(
        text,
        "{}: {} modules in {} parts, {} files, {lines} lines{}",
        paint.bold(&survey.shard.codebase.name),
        survey.classification.modules(),
        survey.architecture.parts.len(),
        survey.shard.files.len(),
        render::languages(&survey.shard)
    );
    let _ = writeln!(text, "\n{}{}", head(paint, "Style"), paint.bold(&style.headline));
    for reason in &style.reasons {
        let _ = writeln!(text, "         {reason}");
    }
}

fn layers(text: &mut String, seen: &Seen, paint: Paint) {
    let architecture = &seen.survey.architecture;
    let name = |part: &usize| {
        let part = &architecture.parts[*part];
        part.role().map_or(part.name.clone(), |role| format!("{} ({})", part.name, role.name()))
    };
    let layers = &architecture.layering.layers;
    for (i, layer) in layers.iter().take(LAYERS_MAX).enumerate() {
        let word = if i == 0 { head(paint, "Layers") } else { " ".repeat(9) };
        let _ = writeln!(text, "{word}{}", fitted(layer.iter().map(name).collect()));
    }
    if layers.len() > LAYERS_MAX {
        let _ = writeln!(text, "         and {} layers below", layers.len() - LAYERS_MAX);
    }
}

/// As many words as fit on a line.
fn fitted(words: Vec<String>) -> String {
    let mut line = String::new();
    for (i, word) in words.iter().enumerate() {
        if i > 0 && line.chars().count() + word.chars().count() > WIDTH {
            return format!("{line} and {} more", words.len() - i);
        }
        line.push_str(if i == 0 { "" } else { " \u{b7} " });
        line.push_str(word);
    }
    line
}

fn worst(text: &mut String, seen: &Seen, paint: Paint) {
    let architecture = &seen.survey.architecture;
    let reported = seen.subject().reported();
    let mut lines = Vec::new();
    for v in reported.iter().take(LINES_MAX) {
        let severity = format!("{:<7}", v.severity.name());
        let severity = if v.severity == Severity::High { paint.bad(&severity) } else { severity };
        lines.push(format!("{severity}{}:{} \u{2192} {}", v.from, v.line, v.to));
        lines.push(format!("       {}", paint.dim(&format!("{}: {}", v.rule.name(), v.evidence))));
    }
    // without roles no rule objects to a cycle, and it is one all the same
    let by_rule = |e: &&Evidence| Language::of(&e.path).is_some_and(|l| !l.is_learnt());
    let cycles = architecture.patterns.iter().filter(|p| p.name == "cycle");
    let cycles = cycles.flat_map(|p| &p.evidence).filter(by_rule).take(CYCLES_MAX);
    let cycles = cycles.map(|at| format!("cycle  {}:{} {}", at.path, at.line, at.note));
    let cycles: Vec<_> = cycles.collect();
    let told = reported.len() + cycles.len();
    lines.extend(cycles);
    let room = LINES_MAX.saturating_sub(told);
    for upward in architecture.layering.upward.iter().take(room) {
        let link = &architecture.links[upward.link];
        let name = |part: usize| &architecture.parts[part].name;
        lines.push(format!(
            "up     {} \u{2192} {}: {} this way, {} the other; {}:{}",
            name(link.from),
            name(link.to),
            link.edges,
            upward.against,
            link.path,
            link.line
        ));
    }
    if lines.is_empty() {
        lines.push("nothing points against the grain".to_owned());
    }
    section(text, paint, "Edges", &lines);
    let known = seen.comparison.as_ref().map_or_else(
        || {
            format!(
                "violations {}, pointing up {}",
                reported.len(),
                architecture.layering.upward.len()
            )
        },
        ToString::to_string,
    );
    let _ = writeln!(text, "         {known}");
}

fn section(text: &mut String, paint: Paint, word: &str, lines: &[String]) {
    text.push('\n');
    for (i, line) in lines.iter().enumerate() {
        let word = if i == 0 { head(paint, word) } else { " ".repeat(9) };
        let _ = writeln!(text, "{word}{line}");
    }
}

fn names(text: &mut String, seen: &Seen, paint: Paint) {
    let names = &seen.survey.architecture.names;
    let mut lines: Vec<_> = names
        .iter()
        .take(LINES_MAX)
        .map(|n| {
            let (named, code) = (n.named.name(), n.code.name());
            let sure = n.confidence * 100.0;
            format!("{}: \"{}\" says {named}, reads like {code} ({sure:.0} %)", n.path, n.word)
        })
        .collect();
    if names.len() > LINES_MAX {
        lines.push(format!("and {} more", names.len() - LINES_MAX));
    }
    if lines.is_empty() {
        lines.push("no name disagrees with its code".to_owned());
    }
    if seen.survey.classification.files.is_empty() {
        lines = vec![format!("not compared with code: {}", render::ONLY_RUST)];
    }
    section(text, paint, "Names", &lines);
}

fn coverage(text: &mut String, seen: &Seen, paint: Paint) {
    let (sure, agreed) = seen.survey.covered();
    let classification = &seen.survey.classification;
    let modules = classification.files.len();
    let of = if classification.by_rule.is_empty() { "" } else { "Rust " };
    let mut lines = Vec::new();
    if modules > 0 || classification.by_rule.is_empty() {
        lines.push(format!(
            "{sure} of {modules} {of}modules have a role by the model, {agreed} more by name and model together"
        ));
        lines.push(paint.dim(&seen.subject().trust()));
    }
    lines.extend(render::by_rule(classification));
    section(text, paint, "Roles", &lines);
}

fn unseen(text: &mut String, seen: &Seen, paint: Paint) {
    let blind = &seen.survey.architecture.blind;
    let counts = [
        (blind.abstained, "modules abstained on"),
        (blind.unlearnt, "modules without a role by rule"),
        (blind.macros, "macro calls between items"),
        (blind.cfgs, "items under #[cfg], read as compiled"),
        (blind.unresolved, "paths not followed to their end"),
        (blind.broken.len(), "files that do not parse"),
        (blind.dead.len(), "files that no `mod` declares"),
        (blind.generated, "generated files"),
        (blind.unread.len(), "files unreadable or too large"),
        (blind.skipped.len(), "directories of builds or of others' code"),
    ];
    let words: Vec<_> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let lines: Vec<_> = words.chunks(3).map(|chunk| chunk.join(", ")).collect();
    section(text, paint, "Not seen", if lines.is_empty() { &[] } else { &lines });
}

fn next(text: &mut String, seen: &Seen, paint: Paint) {
    let has_baseline = seen.comparison.is_some();
    let second = if has_baseline {
        "archlearn diff main             what this branch did".to_owned()
    } else {
        format!(
            "archlearn --write-baseline      {}, so that CI fails on new ones only",
            baseline::FILE
        )
    };
    let lines = [
        "archlearn --html page.html      the page: picture, evidence, every file".to_owned(),
        second,
    ];
    section(text, paint, "Next", &lines);
}
