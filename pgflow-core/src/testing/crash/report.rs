//! What became of the runs, as values and as a table.

use std::fmt;

use crate::testing::Side;

/// What became of the runs whose worker died. Prints as a table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrashReport {
    /// How often a run without faults commits.
    pub commits: u32,
    /// A run for each side of each commit, in order.
    pub runs: Vec<CrashedRun>,
}

/// A run whose worker died.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrashedRun {
    /// The number of the commit, from 1.
    pub commit: u32,
    /// Whether the worker died before it or after.
    pub side: Side,
    /// What became of the run.
    pub survival: Survival,
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Survival {
    /// It ended as the run without faults did.
    Survived,
    /// It ended before it came to this commit: not every run of this workflow commits as often.
    NotReached,
    /// It came to another end.
    Differs {
        /// That of the run without faults.
        expected: String,
        /// Its own.
        found: String,
    },
    /// These nodes were tried again after their completion was recorded.
    TriedAgain(Vec<String>),
    /// Its effects are not as they should be.
    Check(String),
    /// It did not end.
    Stuck,
}

impl Survival {
    /// Whether this is as it should be.
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Survived | Self::NotReached)
    }
}

impl CrashReport {
    /// Whether every run ended as it should.
    pub fn survived(&self) -> bool {
        self.runs.iter().all(|run| run.survival.is_well())
    }
}

impl fmt::Display for Survival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Survived => f.pad("survived"),
            Self::NotReached => f.pad("not reached"),
            Self::Differs { expected, found } => {
                write!(f, "came to {found} instead of {expected}")
            }
            Self::TriedAgain(nodes) => write!(f, "tried again: {}", nodes.join(", ")),
            Self::Check(why) => write!(f, "check: {why}"),
            Self::Stuck => f.pad("stuck"),
        }
    }
}

impl fmt::Display for CrashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| commit | worker dies | run         |")?;
        write!(f, "\n|-------:|-------------|-------------|")?;
        for CrashedRun { commit, side, survival } in &self.runs {
            let dies = match side {
                Side::Request => "just before",
                Side::Answer => "just after",
            };
            write!(f, "\n| {commit:6} | {dies:11} | {survival:11} |")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_table_and_one_bad_run_spoils_it() {
        let run = |side, survival| CrashedRun { commit: 1, side, survival };
        let runs = vec![run(Side::Request, Survival::Survived)];
        let mut report = CrashReport { commits: 1, runs };
        assert!(report.survived());
        report.runs.push(run(Side::Answer, Survival::TriedAgain(vec!["charge".into()])));
        assert!(!report.survived());
        insta::assert_snapshot!(report, @"
        | commit | worker dies | run         |
        |-------:|-------------|-------------|
        |      1 | just before | survived    |
        |      1 | just after  | tried again: charge |
        ");
    }
}
