//! What a worker did: told at once to those who listen, and counted until the next heartbeat writes it down.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    failure::{Failure, FailureKind},
    lifecycle::{AttemptStatus, RunState},
    observe::{AttemptEnded, Observers, ResultRefused, RunEnded, RunTimed},
    registry::Version,
    store::{
        Connection, RunId, StoreError,
        flush::{Fate, Settled},
        stats::{Count, Place, RunTime, run_times, write_counts},
    },
};

use super::token::Token;

/// The number under which whole runs are counted.
const RUN: i16 = -1;

#[derive(Debug, Clone)]
pub(super) struct Tally {
    counts: Arc<Mutex<Counts>>,
    observers: Observers,
}

#[derive(Debug, Default)]
struct Counts {
    places: HashMap<Place, Count>,
    /// Runs that completed here; how long they took is asked when that is written.
    completed: Vec<(RunId, Arc<Version>)>,
}

impl Tally {
    pub fn new(observers: Observers) -> Self {
        Self { counts: Arc::default(), observers }
    }

    /// A token settled after its code had run for so long.
    pub fn settled(&self, token: &Token, settled: &Settled, ran: Duration) {
        if let Some(attempt) = &settled.attempt {
            self.attempt(token, attempt.status, settled.is_retry(), ran);
        }
        let workflow = token.version.numbers.workflow_id;
        let skipped = settled.records.iter().filter(|r| r.status == AttemptStatus::Skipped);
        for record in skipped {
            self.counts().places.entry((workflow, record.node)).or_default().skipped += 1;
        }
        if matches!(settled.fate, Fate::End { .. }) {
            self.counts().completed.push((token.run(), token.version.clone()));
            self.run(token.run(), Some(token), RunState::Completed);
        }
    }

    /// The result of a token was refused.
    pub fn refused(&self, token: &Token) {
        let event = || ResultRefused {
            run: token.run(),
            workflow: &token.version.definition.name,
            version: token.version.definition.version,
            node: token.node(),
        };
        self.observers.tell(event, |observer, event| observer.result_refused(event));
    }

    /// Those who listen.
    pub fn observers(&self) -> &Observers {
        &self.observers
    }

    /// A run ended here without a value, of this token where it is one.
    pub fn ended(
        &self,
        run: RunId,
        token: Option<(&Token, Duration)>,
        state: RunState,
        failure: &Failure,
    ) {
        let task = token.filter(|(token, _)| token.at.is_task() && state == RunState::Failed);
        if let Some((token, ran)) = task {
            let status = match failure.kind {
                FailureKind::TimedOut => AttemptStatus::TimedOut,
                _ => AttemptStatus::Failed,
            };
            self.attempt(token, status, false, ran);
        }
        self.run(run, token.map(|(token, _)| token), state);
    }

    fn attempt(&self, token: &Token, status: AttemptStatus, retried: bool, ran: Duration) {
        let waited = token.started_at.since(token.ready_at);
        let place = (token.version.numbers.workflow_id, token.version.number(token.at));
        {
            let mut counts = self.counts();
            let count = counts.places.entry(place).or_default();
            match status {
                AttemptStatus::Done => count.completed += 1,
                _ if retried => count.retried += 1,
                _ => count.failed += 1,
            }
            count.waited += waited;
            count.took(ran);
        }
        let event = || AttemptEnded {
            run: token.run(),
            workflow: &token.version.definition.name,
            version: token.version.definition.version,
            node: token.node(),
            element: token.element(),
            attempt: token.number(),
            status,
            retried,
            started_at: token.started_at.to_system_time(),
            waited,
            ran,
            span: token.span(),
        };
        self.observers.tell(event, |observer, event| observer.attempt_ended(event));
    }

    fn run(&self, run: RunId, token: Option<&Token>, state: RunState) {
        let event = || RunEnded {
            run,
            workflow: token.map(|token| token.version.definition.name.as_str()),
            version: token.map(|token| token.version.definition.version),
            state,
            span: token.and_then(|token| token.trace).map(|trace| trace.of_run(run)),
        };
        self.observers.tell(event, |observer, event| observer.run_ended(event));
    }

    /// Writes down what was counted since the last time. What cannot be written is kept.
    pub async fn write(
        &self,
        connection: &mut Connection<'_>,
        worker: i32,
    ) -> Result<(), StoreError> {
        let Counts { places, completed } = std::mem::take(&mut *self.counts());
        if places.is_empty() && completed.is_empty() {
            return Ok(());
        }
        let written = async {
            let mut all = places.clone();
            let ids: Vec<RunId> = completed.iter().map(|(run, _)| *run).collect();
            let times =
                if ids.is_empty() { Vec::new() } else { run_times(connection, &ids).await? };
            for time in &times {
                let runs = all.entry((time.workflow, RUN)).or_default();
                runs.completed += 1;
                runs.took(time.took);
            }
            let all: Vec<_> = all.into_iter().collect();
            write_counts(connection, worker, &all).await?;
            Ok(times)
        };
        let written = written.await;
        if let Ok(times) = &written {
            self.timed(times, completed);
        } else {
            let mut counts = self.counts();
            for (place, count) in &places {
                counts.places.entry(*place).or_default().add(count);
            }
            counts.completed.extend(completed);
        }
        written.map(drop)
    }

    fn timed(&self, times: &[RunTime], completed: Vec<(RunId, Arc<Version>)>) {
        let versions: HashMap<RunId, Arc<Version>> = completed.into_iter().collect();
        for time in times {
            let Some(version) = versions.get(&time.run) else { continue };
            let event = || RunTimed {
                run: time.run,
                workflow: &version.definition.name,
                version: version.definition.version,
                took: time.took,
            };
            self.observers.tell(event, |observer, event| observer.run_timed(event));
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
