//! What a worker did, counted until the next heartbeat writes it down.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    lifecycle::AttemptStatus,
    store::{
        Connection, RunId, StoreError,
        flush::{Fate, Settled},
        stats::{Count, Place, run_times, write_counts},
    },
};

use super::token::Token;

/// The number under which whole runs are counted.
const RUN: i16 = -1;

#[derive(Debug, Clone, Default)]
pub(super) struct Tally(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    places: HashMap<Place, Count>,
    /// Runs that completed here; how long they took is asked when that is written.
    completed: Vec<RunId>,
}

impl Tally {
    /// A token settled after its code had run for so long.
    pub fn settled(&self, token: &Token, settled: &Settled, ran: Duration) {
        let mut counts = self.counts();
        let workflow = token.version.numbers.workflow_id;
        for record in settled.records.iter().filter(|r| r.status == AttemptStatus::Skipped) {
            counts.places.entry((workflow, record.node)).or_default().skipped += 1;
        }
        if let Some(attempt) = &settled.attempt {
            let count = counts.places.entry((workflow, attempt.node)).or_default();
            match attempt.status {
                AttemptStatus::Done => count.completed += 1,
                _ if settled.is_retry() => count.retried += 1,
                _ => count.failed += 1,
            }
            count.waited += attempt.started_at.since(attempt.ready_at);
            count.took(ran);
        }
        if matches!(settled.fate, Fate::End { .. }) {
            counts.completed.push(token.run());
        }
    }

    /// A step failed, and its run ended of it.
    pub fn failed(&self, token: &Token, ran: Duration) {
        let place = (token.version.numbers.workflow_id, token.version.number(token.at));
        let mut counts = self.counts();
        let count = counts.places.entry(place).or_default();
        count.failed += 1;
        count.waited += token.started_at.since(token.ready_at);
        count.took(ran);
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
            if !completed.is_empty() {
                for (workflow, took) in run_times(connection, &completed).await? {
                    let runs = all.entry((workflow, RUN)).or_default();
                    runs.completed += 1;
                    runs.took(took);
                }
            }
            let all: Vec<_> = all.into_iter().collect();
            write_counts(connection, worker, &all).await
        };
        let written = written.await;
        if written.is_err() {
            let mut counts = self.counts();
            for (place, count) in &places {
                counts.places.entry(*place).or_default().add(count);
            }
            counts.completed.extend(completed);
        }
        written
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
