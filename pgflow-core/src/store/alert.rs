//! Alerts: what is raised, and what is over.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{Connection, During, StoreError, millis};

/// Something that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Alert {
    /// What kind.
    pub kind: AlertKind,
    /// What it is about: a run, a workflow, or a step of a version, as in `pipeline@1 train`.
    pub subject: String,
    /// In words and numbers, of when it was raised.
    pub detail: String,
    /// It is over.
    pub cleared: bool,
}

/// What an alert is raised for; stored as [`AlertKind::as_str`] says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum AlertKind {
    /// No live worker may run a step that waits.
    Unserved,
    /// Something was ready for long, and nobody took it.
    QueueOld,
    /// The same of a step that wants GPUs, memory or cores.
    ResourcesShort,
    /// A workflow fails too often.
    Failing,
    /// A run is live for long.
    RunLong,
    /// Of a newer schema: its stored text.
    Other(String),
}

impl AlertKind {
    const KNOWN: [Self; 5] =
        [Self::Unserved, Self::QueueOld, Self::ResourcesShort, Self::Failing, Self::RunLong];

    /// Its stored text, as in `queue_old`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unserved => "unserved",
            Self::QueueOld => "queue_old",
            Self::ResourcesShort => "resources_short",
            Self::Failing => "failing",
            Self::RunLong => "run_long",
            Self::Other(text) => text,
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<String> for AlertKind {
    fn from(text: String) -> Self {
        let known = Self::KNOWN.into_iter().find(|kind| kind.as_str() == text);
        known.unwrap_or(Self::Other(text))
    }
}

impl From<AlertKind> for String {
    fn from(kind: AlertKind) -> Self {
        kind.as_str().into()
    }
}

/// When alerts are raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AlertRules {
    /// How often somebody looks where nothing happens; where something does, within a heartbeat (3 s).
    pub every: Duration,
    /// `queue_old`: something was ready for so long, and nobody took it.
    pub queue: Duration,
    /// `resources_short`: the same, sooner, for steps that want GPUs, memory or cores.
    pub resources: Duration,
    /// `run_long`: a run is live for so long.
    pub run: Duration,
    /// `failing`: so many of 100 runs of a workflow did not complete; cancelled ones do not count.
    pub failed_percent: u8,
    /// `failing`: of at least so many.
    pub failed_least: u32,
    /// `failing`: that ended within this time.
    pub failed_within: Duration,
}

impl Default for AlertRules {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            every: Duration::from_secs(10),
            queue: minutes(5),
            resources: minutes(1),
            run: minutes(24 * 60),
            failed_percent: 50,
            failed_least: 10,
            failed_within: minutes(10),
        }
    }
}

/// Why a text is no rules for alerts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AlertRulesError {
    /// It names something else.
    #[error("`{0}` is no rule for alerts; there are {names}, as in queue=5m,failed_percent=20, or `off` alone", names = RULES.join(", "))]
    Unknown(String),
    /// The rule has another value.
    #[error("`{text}`: {problem}; write {expected}")]
    Value {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: String,
        /// What is meant.
        expected: &'static str,
    },
}

/// The names of the rules.
const RULES: [&str; 7] =
    ["every", "queue", "resources", "run", "failed_percent", "failed_least", "failed_within"];

impl AlertRules {
    /// Rules as configuration has them: `queue=5m,failed_percent=20`, where what is not named keeps its default; `None`: the
    /// text is `off`, for nobody who looks.
    ///
    /// # Errors
    /// [`AlertRulesError`].
    pub fn read(text: &str) -> Result<Option<Self>, AlertRulesError> {
        if text.trim() == "off" {
            return Ok(None);
        }
        let mut rules = Self::default();
        for rule in text.split(',').map(str::trim).filter(|rule| !rule.is_empty()) {
            rules.set(rule)?;
        }
        Ok(Some(rules))
    }

    fn set(&mut self, rule: &str) -> Result<(), AlertRulesError> {
        let unknown = || AlertRulesError::Unknown(rule.into());
        let (name, value) = rule.split_once('=').ok_or_else(unknown)?;
        let wrong = |problem: String, expected| AlertRulesError::Value {
            text: rule.into(),
            problem,
            expected,
        };
        let time = || {
            humantime::parse_duration(value)
                .map_err(|error| wrong(error.to_string(), "a time as in 30s, 5m, 2h or 1d"))
        };
        match name {
            "every" => self.every = time()?,
            "queue" => self.queue = time()?,
            "resources" => self.resources = time()?,
            "run" => self.run = time()?,
            "failed_within" => self.failed_within = time()?,
            "failed_percent" => {
                let expected = "a share of 100, from 1 to 100";
                let share = value.parse().map_err(|_| wrong("it is none".into(), expected))?;
                if !(1..=100).contains(&share) {
                    return Err(wrong("it is out of bounds".into(), expected));
                }
                self.failed_percent = share;
            }
            "failed_least" => {
                let number = value.parse();
                self.failed_least =
                    number.map_err(|_| wrong("it is none".into(), "a number of runs"))?;
            }
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

/// Raises and clears alerts where nobody has looked within this time, and answers which; of all that call, one looks.
///
/// # Errors
/// [`StoreError`].
pub async fn watch(
    connection: &mut Connection<'_>,
    rules: &AlertRules,
    within: Duration,
) -> Result<Vec<Alert>, StoreError> {
    let rows = sqlx::query("select * from pgflow.watch_1($1, $2, $3, $4, $5, $6, $7)")
        .bind(millis(within))
        .bind(millis(rules.queue))
        .bind(millis(rules.resources))
        .bind(millis(rules.run))
        .bind(i32::from(rules.failed_percent))
        .bind(i32::try_from(rules.failed_least).unwrap_or(i32::MAX))
        .bind(millis(rules.failed_within))
        .fetch_all(connection)
        .await
        .during("look for alerts")?;
    Ok(rows
        .iter()
        .map(|row| Alert {
            kind: row.get::<String, _>("kind").into(),
            subject: row.get("subject"),
            detail: row.get("detail"),
            cleared: row.get("cleared"),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_its_stored_text_there_and_back() {
        for text in ["unserved", "queue_old", "resources_short", "failing", "run_long"] {
            let kind = AlertKind::from(text.to_owned());
            assert!(!matches!(kind, AlertKind::Other(_)), "{text}");
            assert_eq!(kind.to_string(), text);
        }
        let newer = AlertKind::from("of_a_newer_schema".to_owned());
        let json = serde_json::to_string(&newer).unwrap();
        assert_eq!(json, r#""of_a_newer_schema""#);
        assert_eq!(serde_json::from_str::<AlertKind>(&json).unwrap(), newer);
    }

    #[test]
    fn rules_are_read_from_configuration_and_what_is_none_is_named() {
        let rules = AlertRules::read("queue=90s, failed_percent=20,failed_least=3,run=2h").unwrap();
        let expected = AlertRules {
            queue: Duration::from_secs(90),
            run: Duration::from_secs(7_200),
            failed_percent: 20,
            failed_least: 3,
            ..AlertRules::default()
        };
        assert_eq!(rules, Some(expected));
        assert_eq!(AlertRules::read(""), Ok(Some(AlertRules::default())));
        assert_eq!(AlertRules::read("off"), Ok(None));
        for (name, value) in RULES.iter().zip(["1s", "1s", "1s", "1s", "1", "1", "1s"]) {
            AlertRules::read(&format!("{name}={value}")).unwrap();
        }
        for (text, said) in [
            ("quue=5m", "`quue=5m` is no rule for alerts; there are every, queue"),
            ("queue", "`queue` is no rule for alerts"),
            ("queue=5", "`queue=5`: time unit needed"),
            ("failed_percent=101", "`failed_percent=101`: it is out of bounds; write a share of"),
            ("failed_least=-1", "`failed_least=-1`: it is none; write a number of runs"),
        ] {
            let error = AlertRules::read(text).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
