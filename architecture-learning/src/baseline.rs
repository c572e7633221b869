//! Known violations: those in a file or in the code of a revision. An entry is a rule and two files, without a line number,
//! so moving code breaks nothing; a reason may stand behind it.
//!
//! ```text
//! # archlearn baseline 1: rule from -> to  # reason
//! against_the_grain src/error.rs -> src/cli.rs  # until the messages move
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::architecture::Violation;
use crate::rule::Rule;
use crate::settings::{Policy, Settings};
use crate::storage;

/// The file's name where none is given.
pub const FILE: &str = "archlearn-baseline.txt";
/// The first line of a file.
const HEAD: &str = "# archlearn baseline 1";

/// What identifies a violation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// The rule.
    pub rule: Rule,
    /// The file that depends.
    pub from: String,
    /// The file that it depends on.
    pub to: String,
}

impl Entry {
    /// What identifies `violation`.
    pub fn of(violation: &Violation) -> Self {
        Self { rule: violation.rule, from: violation.from.clone(), to: violation.to.clone() }
    }

    fn parse(line: &str) -> Option<Self> {
        let (rule, files) = line.split_once(' ')?;
        let rule = Rule::ALL.into_iter().find(|known| known.name() == rule)?;
        let (from, to) = files.split_once(" -> ")?;
        let (from, to) = (from.trim().to_owned(), to.trim().to_owned());
        (!from.is_empty() && !to.is_empty()).then_some(Self { rule, from, to })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.rule.name(), self.from, self.to)
    }
}

/// Known violations with the reasons that people gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(BTreeMap<Entry, String>);

impl Baseline {
    /// The violations of a revision's code.
    pub fn of(violations: &[Violation]) -> Self {
        Self(violations.iter().map(|v| (Entry::of(v), String::new())).collect())
    }

    /// Reads a baseline file.
    ///
    /// # Errors
    /// [`LearningError::Baseline`] with the line of the first mistake: an unreadable baseline is never a pass.
    pub fn read(path: &Path) -> Result<Self, LearningError> {
        let text = String::from_utf8_lossy(&storage::read(path)?).into_owned();
        Self::parse(&text).map_err(|line| LearningError::Baseline { path: path.to_owned(), line })
    }

    fn parse(text: &str) -> Result<Self, usize> {
        let mut lines = (1_usize..).zip(text.lines());
        let headed = lines.next().is_some_and(|(_, first)| first.starts_with(HEAD));
        if !headed {
            return Err(1);
        }
        let mut entries = BTreeMap::new();
        for (number, line) in lines.filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#')) {
            let (entry, reason) = line.split_once("  #").unwrap_or((line, ""));
            let entry = Entry::parse(entry.trim()).ok_or(number)?;
            entries.insert(entry, reason.trim().to_owned());
        }
        Ok(Self(entries))
    }

    /// The file's text, with the reasons of those entries that `before` has too.
    pub fn text(&self, before: &Self) -> String {
        let line = |(entry, reason): (&Entry, &String)| {
            let reason = before.0.get(entry).unwrap_or(reason);
            if reason.is_empty() { format!("{entry}\n") } else { format!("{entry}  # {reason}\n") }
        };
        let lines: String = self.0.iter().map(line).collect();
        format!("{HEAD}: rule from -> to  # reason\n{lines}")
    }

    /// What `violations` are beside it.
    pub fn compare(&self, violations: &[Violation]) -> Comparison {
        let now: BTreeMap<_, _> = violations.iter().map(|v| (Entry::of(v), v)).collect();
        let fixed = self.0.keys().filter(|entry| !now.contains_key(entry)).cloned();
        let new = violations.iter().filter(|v| !self.0.contains_key(&Entry::of(v))).cloned();
        Comparison { known: self.0.len(), fixed: fixed.collect(), new: new.collect() }
    }
}

/// Violations beside known ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Entries of the baseline.
    pub known: usize,
    /// Entries that no violation answers to any more.
    pub fixed: Vec<Entry>,
    /// Violations that are not in it.
    pub new: Vec<Violation>,
}

impl Comparison {
    /// Why a check fails, in words; none where it passes. Stale entries count only where `strict`.
    pub fn failure(
        &self,
        violations: &[Violation],
        settings: &Settings,
        strict: bool,
    ) -> Option<String> {
        let forbidden = |v: &&Violation| settings.policy(v.rule) == Policy::Strict;
        let new = self.new.iter().filter(|v| !forbidden(v)).count();
        let strict_ones = violations.iter().filter(forbidden).count();
        let stale = if strict { self.fixed.len() } else { 0 };
        let parts =
            [(new, "new"), (strict_ones, "of a strict rule"), (stale, "stale in the baseline")];
        let parts: Vec<_> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { known, fixed, new } = self;
        write!(f, "known {known} (\u{2212}{} fixed, {} new)", fixed.len(), new.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# archlearn baseline 1: rule from -> to  # reason\n\
        against_the_grain src/a.rs -> src/b.rs  # until spring\n\
        cycle src/x y.rs -> src/z.rs\n";

    #[test]
    fn a_file_reads_and_writes_itself() {
        let read = Baseline::parse(TEXT).unwrap_or_default();
        assert_eq!(read.0.len(), 2);
        assert_eq!(read.text(&Baseline::default()), TEXT);
        let bare = Baseline(read.0.keys().map(|e| (e.clone(), String::new())).collect());
        assert_eq!(bare.text(&read), TEXT, "reasons stay");
    }

    #[test]
    fn mistakes_are_told_by_line_and_never_pass() {
        assert_eq!(Baseline::parse(""), Err(1));
        assert_eq!(Baseline::parse("{}"), Err(1));
        let spoiled = TEXT.replace("cycle src", "cicle src");
        assert_eq!(Baseline::parse(&spoiled), Err(3));
        assert_eq!(Baseline::parse(&TEXT.replace("y.rs -> ", "")), Err(3));
    }
}
