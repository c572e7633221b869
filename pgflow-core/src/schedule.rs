//! When a scheduled workflow fires: cron expressions in UTC, over the database's time.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use croner::{
    Cron,
    parser::{CronParser, Seconds},
};
use serde::{Deserialize, Serialize};

use crate::{
    payload::{Json, PayloadError},
    spec::WorkflowSpec,
};

/// The input of a scheduled workflow that wants to know for when it runs; `()` is the other input that it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tick {
    /// Seconds since 1970-01-01 UTC at which the run was due.
    pub unix_seconds: i64,
}

impl Tick {
    /// When the run was due.
    pub fn at(self) -> SystemTime {
        let distance = Duration::from_secs(self.unix_seconds.unsigned_abs());
        if self.unix_seconds < 0 {
            SystemTime::UNIX_EPOCH - distance
        } else {
            SystemTime::UNIX_EPOCH + distance
        }
    }
}

/// Why a workflow cannot be scheduled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// It is no cron expression.
    #[error("`schedule = \"{cron}\"` of workflow `{workflow}`: {problem}")]
    Cron {
        /// The workflow.
        workflow: &'static str,
        /// As written.
        cron: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Nobody gives a scheduled run an input.
    #[error(
        "workflow `{0}` has a schedule, so its input is `()`, none, or a `pgflow::Tick`; this one is of another type"
    )]
    Input(&'static str),
}

/// The schedule of a workflow.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    takes_tick: bool,
}

impl Schedule {
    /// The schedule of a workflow; `None`: it has none.
    ///
    /// # Errors
    /// See [`ScheduleError`].
    pub fn of(spec: &WorkflowSpec) -> Result<Option<Self>, ScheduleError> {
        let Some(cron) = spec.options.schedule else { return Ok(None) };
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        let parsed = parser.parse(cron).map_err(|e| ScheduleError::Cron {
            workflow: spec.id,
            cron,
            problem: e.to_string(),
        })?;
        let tick = Json::encode(&Tick { unix_seconds: 0 });
        let takes_tick = tick.is_ok_and(|tick| (spec.check_input)(&tick).is_ok());
        if !takes_tick && (spec.check_input)(&Json::null()).is_err() {
            return Err(ScheduleError::Input(spec.id));
        }
        // no input at all takes anything
        Ok(Some(Self { cron: parsed, takes_tick: takes_tick && !spec.inputs.is_empty() }))
    }

    /// The newest tick in (`last`, `now`], and how long it is from `now` to the next one. Older ticks that nobody was
    /// there for are left out.
    pub fn due(&self, last: SystemTime, now: SystemTime) -> (Option<SystemTime>, Option<Duration>) {
        let (last, now): (DateTime<Utc>, DateTime<Utc>) = (last.into(), now.into());
        let newest = self.cron.find_previous_occurrence(&now, true).ok();
        let next = self.cron.find_next_occurrence(&now, false).ok();
        (
            newest.filter(|tick| *tick > last).map(SystemTime::from),
            next.and_then(|next| (next - now).to_std().ok()),
        )
    }

    /// The input of the run of a tick.
    ///
    /// # Errors
    /// [`PayloadError`]; never for a tick.
    pub fn input(&self, tick: SystemTime) -> Result<Json, PayloadError> {
        if !self.takes_tick {
            return Ok(Json::null());
        }
        Json::encode(&Tick { unix_seconds: DateTime::<Utc>::from(tick).timestamp() })
    }

    /// The key of the run of a tick.
    pub fn key(tick: SystemTime) -> String {
        format!("schedule {}", DateTime::<Utc>::from(tick).format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_minute() -> Schedule {
        Schedule { cron: "* * * * *".parse().unwrap(), takes_tick: true }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn of_missed_ticks_only_the_newest_is_due() {
        let (tick, next) = every_minute().due(at(0), at(605));
        assert_eq!((tick, next), (Some(at(600)), Some(Duration::from_secs(55))));
    }

    #[test]
    fn a_tick_that_has_fired_is_not_due_again() {
        assert_eq!(every_minute().due(at(600), at(605)).0, None);
        assert_eq!(every_minute().due(at(600), at(660)).0, Some(at(660)));
        // a clock that was put back
        assert_eq!(every_minute().due(at(600), at(300)).0, None);
    }

    #[test]
    fn a_tick_is_an_input_and_a_key() {
        let schedule = every_minute();
        assert_eq!(schedule.input(at(600)).unwrap().as_str(), r#"{"unix_seconds":600}"#);
        assert_eq!(Schedule::key(at(600)), "schedule 1970-01-01T00:10:00Z");
        assert_eq!(Tick { unix_seconds: 600 }.at(), at(600));
    }
}
