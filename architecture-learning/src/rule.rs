//! The rules by which a dependency is a violation, by name; `architecture` applies them.

use serde::{Deserialize, Serialize};

/// Which rule objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A pair of roles that is one-way in nearly every codebase, and both roles are sure.
    OneWay,
    /// This codebase does it the other way round at least eight times, and at most 15 % of the time this way.
    AgainstTheGrain,
    /// It closes a cycle of files across roles.
    Cycle,
    /// The same through errors, configuration or logging, where cycles are normal.
    CentralCycle,
}

impl Rule {
    /// All rules, the gravest first.
    pub const ALL: [Self; 4] =
        [Self::OneWay, Self::AgainstTheGrain, Self::Cycle, Self::CentralCycle];

    /// The name in files and on the terminal.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneWay => "one_way",
            Self::AgainstTheGrain => "against_the_grain",
            Self::Cycle => "cycle",
            Self::CentralCycle => "central_cycle",
        }
    }

    /// One sentence for people.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::OneWay => "In nearly every codebase this role does not depend on that one.",
            Self::AgainstTheGrain => {
                "This codebase depends the other way round at least eight times, and this way at most 15 % of the time."
            }
            Self::Cycle => "The dependency closes a cycle of files across roles.",
            Self::CentralCycle => {
                "The dependency closes a cycle through errors, configuration or logging, where cycles are normal."
            }
        }
    }
}
