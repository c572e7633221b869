//! Which log lines are written down: those of attempts that fail, and those of runs that somebody looks at.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    lifecycle::AttemptStatus,
    logs::Tail,
    redact::Secrets,
    store::{
        Connection, RunId, StoreError,
        log::{self, LogRow, Whole},
    },
};

use super::token::{Token, Verdict};

/// What a running attempt says.
pub(super) struct Speaking {
    pub run: RunId,
    pub node: i16,
    pub elem: i32,
    pub attempt: i16,
    pub epoch: i32,
    pub tail: Arc<Tail>,
}

impl Speaking {
    fn row(&self) -> LogRow {
        let (said, lines) = self.tail.so_far();
        LogRow {
            run: self.run,
            node: self.node,
            elem: self.elem,
            attempt: self.attempt,
            epoch: self.epoch,
            said,
            lines,
        }
    }
}

/// The runs whose lines somebody looks at, as of the last heartbeat.
#[derive(Debug, Clone, Default)]
pub(super) struct Looked(Arc<State>);

#[derive(Debug, Default)]
struct State {
    runs: Mutex<HashSet<RunId>>,
    /// An attempt ended since it was last asked.
    spoke: AtomicBool,
    /// It was said that lines cannot be written.
    complained: AtomicBool,
}

impl Looked {
    /// What an ended attempt said, where that is to be written down.
    pub fn due(&self, token: &Token, tail: &Arc<Tail>, verdict: &Verdict) -> Option<LogRow> {
        self.0.spoke.store(true, Ordering::Relaxed);
        let settled = match verdict {
            Verdict::Settled { settled, .. } => settled.attempt.as_ref(),
            Verdict::Committed { pending, .. } => pending.settled.attempt.as_ref(),
            _ => None,
        };
        let failed = matches!(verdict, Verdict::EndRun { .. })
            || settled.is_some_and(|attempt| attempt.status != AttemptStatus::Done);
        if !failed && !self.runs().contains(&token.run()) {
            return None;
        }
        let speaking = Speaking {
            run: token.run(),
            node: token.version.number(token.at),
            elem: token.at.elem().max(0),
            attempt: token.attempt,
            epoch: token.epoch,
            tail: tail.clone(),
        };
        let mut row = Some(speaking.row()).filter(|row| row.said > 0)?;
        if let Some(output) = settled.and_then(|attempt| attempt.output.as_ref())
            && let Some(node) = token.at.node()
        {
            // what the step made was not known while it spoke
            let own = Secrets::of(output, &token.version.definition.nodes[node].redact);
            row.lines = log::fitting(&own.hide(&row.lines)).into();
        }
        Some(row)
    }

    /// Asks whose lines are looked at, where there are any, and writes these down. The heartbeat's own statement does not
    /// ask: it must not fail because a role may not read one table more.
    pub async fn write(&self, connection: &mut Connection<'_>, speaking: &[Speaking]) {
        if speaking.is_empty() && !self.0.spoke.swap(false, Ordering::Relaxed) {
            return;
        }
        let written = self.try_write(connection, speaking).await;
        if let Err(error) = written
            && !self.0.complained.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(%error, source = %error.source, "log lines of running steps cannot be shown");
        }
    }

    async fn try_write(
        &self,
        connection: &mut Connection<'_>,
        speaking: &[Speaking],
    ) -> Result<(), StoreError> {
        let looked: HashSet<RunId> = log::looked(connection).await?.into_iter().collect();
        let rows: Vec<LogRow> =
            speaking.iter().filter(|s| looked.contains(&s.run)).map(Speaking::row).collect();
        *self.runs() = looked;
        if rows.is_empty() { Ok(()) } else { log::write(connection, &rows, Whole::SoFar).await }
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, HashSet<RunId>> {
        self.0.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
