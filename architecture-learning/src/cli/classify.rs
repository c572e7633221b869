//! `archlearn classify`: a table by directory, or JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use architecture_learning::classify::{Classification, FileRole};
use architecture_learning::codebase::Codebase;
use architecture_learning::{DataDir, LearningError};

use super::paint::Paint;
use super::{Classify, json};

pub(super) fn classify(data: &DataDir, options: &Classify) -> Result<(), LearningError> {
    let codebase = Codebase::open_sources(&options.path)?;
    let answer = architecture_learning::classify::classify(data, &codebase)?;
    match options.json.as_deref() {
        None => super::print(&table(&answer, Paint::stdout())),
        Some(path) if path == Path::new("-") => super::print(&json(path, &answer)?),
        Some(path) => {
            let failed = |source| LearningError::Write { path: path.to_owned(), source };
            std::fs::write(path, json(path, &answer)?).map_err(failed)?;
        }
    }
    Ok(())
}

fn table(answer: &Classification, paint: Paint) -> String {
    let mut directories: BTreeMap<&str, Vec<&FileRole>> = BTreeMap::new();
    for file in &answer.files {
        let directory = file.path.rsplit_once('/').map_or("", |(directory, _)| directory);
        directories.entry(directory).or_default().push(file);
    }
    let width = answer.files.iter().map(|f| name(f).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (directory, files) in directories {
        let _ = writeln!(text, "{}", paint.bold(&format!("{directory}/")));
        for file in files {
            let _ = writeln!(text, "  {:<width$}  {}", name(file), said(file, paint));
        }
    }
    let _ = writeln!(text, "\n{}", summary(answer));
    text
}

fn name(file: &FileRole) -> &str {
    file.path.rsplit('/').next().unwrap_or(&file.path)
}

fn said(file: &FileRole, paint: Paint) -> String {
    let percent = file.confidence * 100.0;
    match file.role {
        Some(role) => format!("{:<14} {percent:>3.0} %", role.name()),
        None => paint.dim(&format!("{:<14} {percent:>3.0} % {}", "-", file.likeliest.name())),
    }
}

fn summary(answer: &Classification) -> String {
    let mut roles: BTreeMap<&str, usize> = BTreeMap::new();
    let answered = answer.files.iter().filter_map(|f| f.role);
    answered.for_each(|role| *roles.entry(role.name()).or_default() += 1);
    let mut roles: Vec<_> = roles.into_iter().collect();
    roles.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let sure: usize = roles.iter().map(|(_, n)| n).sum();
    let words: Vec<_> = roles.iter().map(|(role, n)| format!("{n} {role}")).collect();
    let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    format!(
        "{} modules: {words}; {} abstained below {:.0} %; {} other files (tests, roots, generated). Model {} {}.",
        answer.files.len(),
        answer.files.len() - sure,
        answer.model.threshold * 100.0,
        answer.known.len(),
        answer.model.kind.name(),
        answer.model.artifact.get(..12).unwrap_or(&answer.model.artifact)
    )
}
