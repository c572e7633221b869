//! What a worker holds of a token, and what it reports when the token has settled.

use std::{sync::Arc, time::Instant};

use crate::{
    failure::Failure,
    lifecycle::{Position, RunState},
    payload::Json,
    registry::Version,
    spec::Stored,
    store::{
        HeldSlot, RunId, TokenKey,
        end::Holder,
        flush::{Flushed, Settled},
        stamp::Stamp,
    },
    trace::TraceParent,
};

use super::{flusher::Pending, resources::Share};

/// A token that this worker holds.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub key: TokenKey,
    pub epoch: i32,
    pub version: Arc<Version>,
    pub at: Position,
    pub attempt: i16,
    pub losses: i16,
    pub ready_at: Stamp,
    pub started_at: Stamp,
    pub input: Option<Json>,
    pub priority: i16,
    /// The span of the run's caller.
    pub trace: Option<TraceParent>,
    /// When the run's deadline passes, by this machine's monotonic clock.
    pub deadline: Option<Instant>,
    pub slots: Vec<HeldSlot>,
    pub share: Share,
}

impl Token {
    /// The same thread of control at another place, begun at `at`.
    pub fn moved(
        &self,
        key: TokenKey,
        to: Position,
        epoch: i32,
        at: Stamp,
        input: Option<Json>,
    ) -> Self {
        Self {
            key,
            epoch,
            version: self.version.clone(),
            at: to,
            attempt: 1,
            losses: 0,
            ready_at: at,
            started_at: at,
            input,
            priority: self.priority,
            trace: self.trace,
            deadline: self.deadline,
            slots: Vec::new(),
            share: Share::default(),
        }
    }

    pub fn run(&self) -> RunId {
        self.key.run
    }

    /// The stored id of its node; empty before the roots and behind the sinks.
    pub fn node(&self) -> &str {
        self.at.node().map_or("", |node| &self.version.definition.nodes[node].id)
    }

    /// The element of a map that it is, from 0.
    pub fn element(&self) -> Option<u32> {
        u32::try_from(self.at.elem() - 1).ok()
    }

    /// The attempt, from 1.
    pub fn number(&self) -> u32 {
        u32::try_from(self.attempt).unwrap_or(1)
    }

    /// The span of this attempt.
    pub fn span(&self) -> Option<TraceParent> {
        let trace = self.trace?;
        Some(trace.of_attempt(self.run(), self.node(), self.element(), self.number()))
    }
}

/// What became of a token that was served.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It goes on as the flush says. `next` is where it goes on in this worker, `arrivals` the positions behind the
    /// rows of the flush.
    Settled {
        settled: Settled,
        next: Option<Position>,
        arrivals: Vec<Position>,
        /// Results of nodes, for those that read them here once they are stored.
        results: Vec<(usize, Stored)>,
    },
    /// It went on as the flush said, in the transaction of its step.
    Committed { pending: Pending, flushed: Flushed },
    /// It may have gone on: the answer to the commit did not arrive.
    InDoubt,
    /// Its failure ends the run.
    EndRun { state: RunState, failure: Failure, holder: Holder },
    /// The run has ended already, or the token was handed on: nothing to write.
    Dropped,
    /// It was not begun, or was stopped by a drain: it goes back as it was.
    HandBack,
}
