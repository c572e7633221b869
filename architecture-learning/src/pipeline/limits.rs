//! The limits of the pipeline: what an operator sets in the environment, else what the size of the corpus asks for. The
//! limits that the workflow declares are for a queue message.

use std::time::Duration;

use pgflow::{Definition, StepTuning, Tuning, Workflow, WorkflowTuning};
use serde::Serialize;

use super::{ENABLED, Mode, STEPS, architecture_learning};
use crate::LearningError;
use crate::broadway::RateLimit;

/// Longest time that may be set: ten weeks, well inside what Postgres and clocks can add.
const MILLISECONDS_MAX: u64 = 10 * 7 * 24 * 3600 * 1000;
/// Most retries that may be set.
const RETRIES_MAX: u64 = 1000;
/// Most messages of an interval.
const RATE_MAX: u64 = 1_000_000;
/// The interval of a rate limit.
const INTERVAL: Duration = Duration::from_secs(1);
/// Most runs at once that may be set; each is a row.
const CONCURRENCY_MAX: u64 = 1000;

/// Limits from the environment; `None` where nothing is set.
///
/// | Variable | Limits | Unset, for one codebase |
/// |---|---|---|
/// | `ARCHITECTURE_WORKFLOW_TIMEOUT_MS` | a run | 360000: its steps add up to that |
/// | `ARCHITECTURE_WORKFLOW_RETRIES` | attempts of each step after the first | 3 |
/// | `ARCHITECTURE_WORKFLOW_RETRY_DELAY_MS` | the delay before the first of these | 5000 |
/// | `ARCHITECTURE_WORKFLOW_CONCURRENCY` | runs at once | 1 |
/// | `ARCHITECTURE_PATTERN_DISCOVERY_TIMEOUT_MS` | an attempt at a codebase | 60000 |
/// | `ARCHITECTURE_PATTERN_ANALYSIS_TIMEOUT_MS` | an attempt | 30000 |
/// | `ARCHITECTURE_MODEL_TRAINING_TIMEOUT_MS` | an attempt | 180000 |
/// | `ARCHITECTURE_MODEL_VALIDATION_TIMEOUT_MS` | an attempt | 30000 |
/// | `ARCHITECTURE_MODEL_DEPLOYMENT_TIMEOUT_MS` | an attempt | 60000 |
/// | `ARCHITECTURE_RATE_LIMIT` | messages read in an interval, in legacy mode | any number |
/// | `ARCHITECTURE_RATE_INTERVAL_MS` | the interval | 1000 |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    timeout: Option<Duration>,
    retries: Option<u32>,
    retry_delay: Option<Duration>,
    concurrency: Option<u32>,
    steps: [Option<Duration>; STEPS.len()],
    rate: Option<u32>,
    rate_interval: Option<Duration>,
}

impl Limits {
    /// Reads the variables of this process.
    ///
    /// # Errors
    /// [`LearningError::Variable`] for the first one that is no sensible number.
    pub fn from_env() -> Result<Self, LearningError> {
        Self::read(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
    }

    fn read(value: impl Fn(&str) -> Option<String>) -> Result<Self, LearningError> {
        let number = |name: &str, min: u64, max: u64| {
            let Some(text) = value(name).filter(|v| !v.is_empty()) else { return Ok(None) };
            let number = text.trim().parse().ok().filter(|n| (min..=max).contains(n));
            let refused =
                || LearningError::Variable { name: name.to_owned(), value: text, min, max };
            number.ok_or_else(refused).map(Some)
        };
        let count = |name: &str, min: u64, max: u64| {
            Ok::<_, LearningError>(number(name, min, max)?.and_then(|n| u32::try_from(n).ok()))
        };
        let time = |name: &str, min: u64| {
            Ok::<_, LearningError>(number(name, min, MILLISECONDS_MAX)?.map(Duration::from_millis))
        };
        let mut steps = [None; STEPS.len()];
        for (step, timeout) in STEPS.iter().zip(&mut steps) {
            *timeout = time(&step_timeout(step), 1)?;
        }
        Ok(Self {
            timeout: time(TIMEOUT, 1)?,
            retries: count(RETRIES, 0, RETRIES_MAX)?,
            retry_delay: time(RETRY_DELAY, 0)?,
            concurrency: count(CONCURRENCY, 1, CONCURRENCY_MAX)?,
            steps,
            rate: count(RATE, 1, RATE_MAX)?,
            rate_interval: time(RATE_INTERVAL, 1)?,
        })
    }

    /// With another rate limit, where one is given.
    #[must_use]
    pub fn with_rate(self, messages: Option<u32>, interval: Option<Duration>) -> Self {
        let (rate, rate_interval) = (messages.or(self.rate), interval.or(self.rate_interval));
        Self { rate, rate_interval, ..self }
    }

    /// How fast legacy mode may read; `None`: as fast as it can.
    pub(super) fn rate(&self) -> Option<RateLimit> {
        let messages = usize::try_from(self.rate?).unwrap_or(usize::MAX);
        Some(RateLimit::new(messages, self.rate_interval.unwrap_or(INTERVAL)))
    }

    /// These limits, and for what is not set those of a corpus of so many codebases; of none for a queue message, which gets
    /// what the workflow declares.
    pub fn tuning(&self, codebases: usize) -> Tuning {
        let codebases = u32::try_from(codebases).unwrap_or(u32::MAX);
        let grown = |seconds: u64, milliseconds: u64| {
            let more = Duration::from_millis(milliseconds).saturating_mul(codebases);
            Some(Duration::from_secs(seconds) + more)
        };
        let sized = [None, grown(30, 50), grown(180, 500), grown(30, 100), None];
        let origin = "the ARCHITECTURE_ variables and the size of the corpus";
        let run = self.timeout.or(grown(360, 2000));
        let run = WorkflowTuning { timeout: run, concurrency: self.concurrency };
        let mut tuning = Tuning::new(origin).workflow("architecture_learning", run);
        for (step, (set, sized)) in STEPS.into_iter().zip(self.steps.into_iter().zip(sized)) {
            let limits = StepTuning {
                timeout: set.or(sized),
                retries: self.retries,
                retry_delay: self.retry_delay,
                concurrency: None,
            };
            tuning = tuning.step(step, limits);
        }
        tuning
    }
}

/// What a variable comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The variable.
    pub name: String,
    /// Its effective value, as it would be written; empty: no limit.
    pub value: String,
    /// `environment`, or `default`.
    pub source: &'static str,
}

/// Each variable of the pipeline with its effective value for a queue message, and where that came from.
///
/// # Errors
/// As for the service: for the first that is not what it should be.
pub fn settings() -> Result<Vec<Setting>, LearningError> {
    let mode = Mode::from_env()?;
    Ok(Limits::from_env()?
        .settings(mode, &|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())))
}

impl Limits {
    fn settings(&self, mode: Mode, is_set: &dyn Fn(&str) -> bool) -> Vec<Setting> {
        let definition = Definition::from(architecture_learning::SPEC());
        let steps: Vec<_> = definition.nodes.iter().filter_map(|n| n.options.as_ref()).collect();
        let millis = |set: Option<Duration>, declared: Option<u64>| {
            let set = set.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
            set.or(declared).map_or_else(String::new, |ms| ms.to_string())
        };
        let count = |set: Option<u32>, declared: Option<u32>| {
            set.or(declared).map_or_else(String::new, |n| n.to_string())
        };
        let retries = steps.first().map(|o| o.retries);
        let delay = steps.first().map(|o| o.retry_delay_ms);
        let mut values = vec![
            (ENABLED.to_owned(), (mode == Mode::Pgflow).to_string()),
            (TIMEOUT.to_owned(), millis(self.timeout, definition.options.timeout_ms)),
            (RETRIES.to_owned(), count(self.retries, retries)),
            (RETRY_DELAY.to_owned(), millis(self.retry_delay, delay)),
            (CONCURRENCY.to_owned(), count(self.concurrency, definition.options.concurrency)),
        ];
        values.extend(
            STEPS.iter().zip(self.steps).zip(steps).map(|((step, set), declared)| {
                (step_timeout(step), millis(set, declared.timeout_ms))
            }),
        );
        let interval = self.rate_interval.unwrap_or(INTERVAL);
        values.push((RATE.to_owned(), count(self.rate, None)));
        values.push((RATE_INTERVAL.to_owned(), millis(Some(interval), None)));
        let setting = |(name, value): (String, String)| {
            let source = if is_set(&name) { "environment" } else { "default" };
            Setting { name, value, source }
        };
        values.into_iter().map(setting).collect()
    }
}

const TIMEOUT: &str = "ARCHITECTURE_WORKFLOW_TIMEOUT_MS";
const RETRIES: &str = "ARCHITECTURE_WORKFLOW_RETRIES";
const RETRY_DELAY: &str = "ARCHITECTURE_WORKFLOW_RETRY_DELAY_MS";
const CONCURRENCY: &str = "ARCHITECTURE_WORKFLOW_CONCURRENCY";
const RATE: &str = "ARCHITECTURE_RATE_LIMIT";
const RATE_INTERVAL: &str = "ARCHITECTURE_RATE_INTERVAL_MS";

fn step_timeout(step: &str) -> String {
    format!("ARCHITECTURE_{}_TIMEOUT_MS", step.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Limits, LearningError> {
        let found = |name: &str| set.iter().find(|(n, _)| *n == name);
        Limits::read(|name| Some(found(name)?.1.to_owned()))
    }

    #[test]
    fn every_variable_of_the_document_is_read() {
        let set = [
            ("ARCHITECTURE_WORKFLOW_TIMEOUT_MS", "300000"),
            ("ARCHITECTURE_WORKFLOW_RETRIES", "0"),
            ("ARCHITECTURE_WORKFLOW_RETRY_DELAY_MS", "0"),
            ("ARCHITECTURE_WORKFLOW_CONCURRENCY", "4"),
            ("ARCHITECTURE_PATTERN_DISCOVERY_TIMEOUT_MS", "1"),
            ("ARCHITECTURE_PATTERN_ANALYSIS_TIMEOUT_MS", "2"),
            ("ARCHITECTURE_MODEL_TRAINING_TIMEOUT_MS", " 3 "),
            ("ARCHITECTURE_MODEL_VALIDATION_TIMEOUT_MS", "4"),
            ("ARCHITECTURE_MODEL_DEPLOYMENT_TIMEOUT_MS", "5"),
            ("ARCHITECTURE_RATE_LIMIT", "6"),
            ("ARCHITECTURE_RATE_INTERVAL_MS", "7"),
        ];
        let expected = Limits {
            timeout: Some(Duration::from_secs(300)),
            retries: Some(0),
            retry_delay: Some(Duration::ZERO),
            concurrency: Some(4),
            steps: [1, 2, 3, 4, 5].map(|n| Some(Duration::from_millis(n))),
            rate: Some(6),
            rate_interval: Some(Duration::from_millis(7)),
        };
        assert_eq!(read(&set).ok(), Some(expected));
        assert_eq!(read(&[("ARCHITECTURE_WORKFLOW_RETRIES", "")]).ok(), Some(Limits::default()));
    }

    #[test]
    fn each_variable_is_told_with_its_value_and_source() {
        let set = [("ARCHITECTURE_WORKFLOW_RETRIES", "7")];
        let limits = read(&set).unwrap_or_default();
        let told = limits.settings(Mode::Legacy, &|name| name == set[0].0);
        let told: Vec<_> =
            told.iter().map(|s| format!("{}={} {}", s.name, s.value, s.source)).collect();
        assert_eq!(
            told,
            [
                "PGFLOW_ARCHITECTURE_LEARNING_ENABLED=false default",
                "ARCHITECTURE_WORKFLOW_TIMEOUT_MS=360000 default",
                "ARCHITECTURE_WORKFLOW_RETRIES=7 environment",
                "ARCHITECTURE_WORKFLOW_RETRY_DELAY_MS=5000 default",
                "ARCHITECTURE_WORKFLOW_CONCURRENCY=1 default",
                "ARCHITECTURE_PATTERN_DISCOVERY_TIMEOUT_MS=60000 default",
                "ARCHITECTURE_PATTERN_ANALYSIS_TIMEOUT_MS=30000 default",
                "ARCHITECTURE_MODEL_TRAINING_TIMEOUT_MS=180000 default",
                "ARCHITECTURE_MODEL_VALIDATION_TIMEOUT_MS=30000 default",
                "ARCHITECTURE_MODEL_DEPLOYMENT_TIMEOUT_MS=60000 default",
                "ARCHITECTURE_RATE_LIMIT= default",
                "ARCHITECTURE_RATE_INTERVAL_MS=1000 default",
            ]
        );
    }

    #[test]
    fn a_rate_that_is_given_goes_before_one_that_is_set() {
        let set = [("ARCHITECTURE_RATE_LIMIT", "5"), ("ARCHITECTURE_RATE_INTERVAL_MS", "60000")];
        let limits = read(&set).unwrap_or_default();
        let told = |limits: &Limits| format!("{:?}", limits.rate());
        assert!(told(&limits).contains("allowed: 5, interval: 60s"), "{}", told(&limits));
        let given = limits.clone().with_rate(Some(7), None);
        assert!(told(&given).contains("allowed: 7, interval: 60s"), "{}", told(&given));
        let default = Limits::default().with_rate(Some(7), None);
        assert!(told(&default).contains("allowed: 7, interval: 1s"), "{}", told(&default));
        assert!(Limits::default().rate().is_none());
    }

    #[test]
    fn what_is_set_goes_before_the_size_of_the_corpus() {
        let run = |limits: &Limits| format!("{:?}", limits.tuning(10));
        assert!(run(&Limits::default()).contains("timeout: Some(380s)"));
        let set = read(&[("ARCHITECTURE_WORKFLOW_TIMEOUT_MS", "7000")]).unwrap_or_default();
        assert!(run(&set).contains("timeout: Some(7s)") && !run(&set).contains("380s"));
    }

    #[test]
    fn a_bad_value_is_told_with_what_is_allowed() {
        let error = |name: &str, value: &str| {
            let read = read(&[(name, value)]);
            read.err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(
            error("ARCHITECTURE_WORKFLOW_CONCURRENCY", "0"),
            "ARCHITECTURE_WORKFLOW_CONCURRENCY is `0`; set it to a whole number from 1 to 1000, or leave it unset"
        );
        for (name, value) in [
            ("ARCHITECTURE_WORKFLOW_TIMEOUT_MS", "0"),
            ("ARCHITECTURE_WORKFLOW_TIMEOUT_MS", "6m"),
            ("ARCHITECTURE_WORKFLOW_RETRIES", "-1"),
            ("ARCHITECTURE_RATE_LIMIT", "0"),
            ("ARCHITECTURE_RATE_INTERVAL_MS", "0"),
            ("ARCHITECTURE_WORKFLOW_RETRY_DELAY_MS", "1.5"),
            ("ARCHITECTURE_MODEL_TRAINING_TIMEOUT_MS", "99999999999999999999"),
        ] {
            let error = error(name, value);
            assert!(error.starts_with(&format!("{name} is `{value}`; ")), "{error}");
        }
    }
}
