//! `archlearn.toml`: the little that a person must say. Everything in it is optional; a mistake names its line.
//!
//! ```toml
//! baseline = "archlearn-baseline.txt"   # or { revision = "main" }
//! exclude = ["src/bindings/"]           # no violations or names from here
//!
//! [rules]                               # baseline (as without), strict (known ones fail too) or off
//! one_way = "strict"
//! against_the_grain = "baseline"
//! cycle = "baseline"
//! central_cycle = "off"
//!
//! [roles]                               # files or directories whose role a person knows better
//! "src/commands/" = "cli"
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::role::Role;
use crate::rule::Rule;
use crate::storage;

/// The file's name, in the codebase's directory.
pub const FILE: &str = "archlearn.toml";

/// What `archlearn.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What violations are compared with.
    pub baseline: Option<BaselineSource>,
    /// Beginnings of paths from which nothing is reported.
    pub exclude: Vec<String>,
    /// What becomes of each rule's violations.
    pub rules: BTreeMap<Rule, Policy>,
    /// Roles by file, or by directory with a `/` at its end.
    pub roles: BTreeMap<String, Role>,
}

/// Where known violations stand.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum BaselineSource {
    /// In a file, relative to the codebase.
    File(String),
    /// In a revision's code.
    Revision {
        /// A name that git knows.
        revision: String,
    },
}

/// What becomes of a rule's violations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// New ones fail, known ones do not.
    #[default]
    Baseline,
    /// All fail.
    Strict,
    /// None is reported.
    Off,
}

impl Settings {
    /// Reads the settings of the codebase in `root`; without the file, the defaults.
    ///
    /// # Errors
    /// [`LearningError::Settings`] with the line of the first mistake.
    pub fn read(root: &Path) -> Result<Self, LearningError> {
        let path = root.join(FILE);
        if !path.is_file() {
            return Ok(Self::default());
        }
        let text = String::from_utf8_lossy(&storage::read(&path)?).into_owned();
        Self::parse(&text).map_err(|(line, reason)| LearningError::Settings { path, line, reason })
    }

    fn parse(text: &str) -> Result<Self, (usize, String)> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            (before.matches('\n').count() + 1, error.message().replace('\n', "; "))
        })
    }

    /// What becomes of a rule's violations.
    pub fn policy(&self, rule: Rule) -> Policy {
        self.rules.get(&rule).copied().unwrap_or_default()
    }

    /// The role that a person gave to a file, by the longest path that fits.
    pub fn role(&self, path: &str) -> Option<Role> {
        let fits = |key: &str| key == path || (key.ends_with('/') && path.starts_with(key));
        let given = self.roles.iter().filter(|(key, _)| fits(key));
        given.max_by_key(|(key, _)| key.len()).map(|(_, role)| *role)
    }

    /// Whether nothing is reported from a file.
    pub fn excludes(&self, path: &str) -> bool {
        self.exclude.iter().any(|start| path.starts_with(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_reads() {
        let document = include_str!("settings.rs");
        let block = document.split("```").nth(1).unwrap_or_default();
        let lines = block.lines().skip(1).map(|line| line.trim_start_matches("//! "));
        let text = lines.collect::<Vec<_>>().join("\n").replace("//!", "");
        let settings = Settings::parse(&text).unwrap_or_default();
        assert_eq!(settings.policy(Rule::OneWay), Policy::Strict);
        assert_eq!(settings.policy(Rule::Cycle), Policy::Baseline);
        assert_eq!(settings.role("src/commands/add.rs"), Some(Role::Cli));
        assert!(settings.excludes("src/bindings/x.rs") && !settings.excludes("src/x.rs"));
    }

    #[test]
    fn mistakes_name_their_line() {
        let error = |text: &str| Settings::parse(text).err().unwrap_or_default();
        let (line, reason) = error("exclude = []\n\n[rules]\ncicle = \"off\"\n");
        assert_eq!(line, 4);
        assert!(
            reason.contains("unknown variant `cicle`") && reason.contains("`cycle`"),
            "{reason}"
        );
        assert_eq!(error("\nbase = 1\n").0, 2);
        assert_eq!(error("\nexclude = [\n").0, 2);
    }
}
