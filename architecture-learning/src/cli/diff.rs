//! `archlearn diff`: what lies between a revision and the files as they are.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use architecture_learning::changes::{Changes, PartLink, changes};
use architecture_learning::render;
use architecture_learning::role::Role;
use architecture_learning::{DataDir, LearningError};

use super::look::Seen;
use super::paint::Paint;

/// Lines of each list.
const LINES_MAX: usize = 30;

pub(super) fn diff(
    data: Option<&DataDir>,
    path: &Path,
    revision: &str,
    as_json: bool,
) -> Result<ExitCode, LearningError> {
    let seen = Seen::at(path, data)?;
    let (_, before) = seen.revision(revision)?;
    let changes = changes(&before, &seen.survey);
    if as_json {
        super::print_json(&changes)?;
    } else {
        super::print(&text(&changes, Paint::stdout()));
    }
    Ok(ExitCode::SUCCESS)
}

fn text(changes: &Changes, paint: Paint) -> String {
    let link = |l: &PartLink| {
        let up = if l.upward { "  points up" } else { "" };
        format!("{} \u{2192} {}  {}:{}{up}", l.from, l.to, l.place.0, l.place.1)
    };
    let role = |role: &Option<Role>| role.map_or("no role", Role::name);
    let roles = changes
        .roles
        .iter()
        .map(|(path, was, is)| format!("{path}: {} \u{2192} {}", role(was), role(is)));
    let cycle = |group: &Vec<String>| group.join(", ");
    let new =
        changes.violations.new.iter().map(|v| {
            format!("{} {}:{}: {}", v.severity.name(), v.from, v.line, render::message(v))
        });
    let sections: [(&str, Vec<String>); 7] = [
        ("new dependencies between parts", changes.links_new.iter().map(link).collect()),
        ("dependencies between parts that are gone", changes.links_gone.iter().map(link).collect()),
        ("roles that changed", roles.collect()),
        ("cycles opened", changes.cycles_opened.iter().map(cycle).collect()),
        ("cycles closed", changes.cycles_closed.iter().map(cycle).collect()),
        ("new violations", new.collect()),
        ("fixed", changes.violations.fixed.iter().map(ToString::to_string).collect()),
    ];
    let mut text = String::new();
    for (head, lines) in sections.iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = writeln!(text, "{} {head}", paint.bold(&lines.len().to_string()));
        lines.iter().take(LINES_MAX).for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
        if lines.len() > LINES_MAX {
            let _ = writeln!(text, "  and {} more", lines.len() - LINES_MAX);
        }
    }
    if text.is_empty() {
        text.push_str("the architecture did not change\n");
    }
    text
}
