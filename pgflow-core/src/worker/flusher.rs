//! The connections that write: one batch at a time each, repeated until the database has an answer. Batches gather in
//! the session only while all flushers are busy, so nothing waits when there is little to do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc;

use crate::{
    failure::{Failure, FailureKind},
    lifecycle::{Position, RunState},
    spec::Stored,
    store::{
        Connection, HeldSlot, RunId, StoreError, TokenKey, answered,
        connect::Endpoint,
        end::{Holder, end_run, storable_failure},
        flush::{Flushed, Settled, flush, hand_back},
        log::{self, LogRow, Whole},
    },
};

use super::session::Message;

/// What a flusher is asked to do.
pub(super) enum Work {
    /// Record completions.
    Batch(Vec<Pending>),
    /// End a run because of a token's last failure.
    End {
        key: TokenKey,
        run: RunId,
        state: RunState,
        failure: Failure,
        holder: Option<Holder>,
        slots: Vec<HeldSlot>,
        log: Option<LogRow>,
    },
    /// Write down what an attempt said.
    Log(LogRow),
    /// Give tokens back, or only slots.
    HandBack { tokens: Vec<(TokenKey, i32, Vec<HeldSlot>)>, wait: Option<Duration> },
    /// Free slots of steps that ended late.
    Free(Vec<HeldSlot>),
}

/// A settled token that waits for its flush.
#[derive(Debug)]
pub(super) struct Pending {
    pub settled: Settled,
    pub next: Option<Position>,
    pub arrivals: Vec<Position>,
    pub results: Vec<(usize, Stored)>,
    /// What its attempt said, where that is written down.
    pub log: Option<LogRow>,
}

pub(super) struct Flusher {
    pub number: usize,
    pub worker: i32,
    pub endpoint: Endpoint,
    pub join_direct: Vec<i32>,
    pub report: mpsc::UnboundedSender<Message>,
    /// Counts what was written, for upkeep.
    pub writes: Arc<AtomicU64>,
}

impl Flusher {
    pub async fn run(self, mut inbox: mpsc::UnboundedReceiver<Work>) {
        let mut connection = None;
        while let Some(work) = inbox.recv().await {
            self.writes.fetch_add(1, Ordering::Relaxed);
            match work {
                Work::Batch(mut batch) => {
                    let logs = batch.iter_mut().filter_map(|p| p.log.take()).collect();
                    self.keep(&mut connection, logs).await;
                    self.batch(&mut connection, batch).await;
                }
                Work::End { key, run, state, failure, holder, slots, log } => {
                    self.keep(&mut connection, log.into_iter().collect()).await;
                    self.end(&mut connection, key, run, state, failure, holder, slots).await;
                }
                Work::Log(row) => self.keep(&mut connection, vec![row]).await,
                Work::HandBack { tokens, wait } => {
                    self.hand_back(&mut connection, tokens, wait).await;
                }
                Work::Free(slots) => {
                    let nobody = TokenKey { run: RunId(0), lane: 0, elem: 0 };
                    self.hand_back(&mut connection, vec![(nobody, -1, slots)], None).await;
                }
            }
            if self.report.send(Message::FlusherIdle(self.number)).is_err() {
                return;
            }
        }
    }

    /// Writes lines down before the failures that they belong to, so that whoever sees one sees the other. Lines are not
    /// worth waiting for: after a second try they are lost.
    async fn keep(&self, connection: &mut Option<Connection<'static>>, logs: Vec<LogRow>) {
        if logs.is_empty() {
            return;
        }
        let mut backoff = Backoff::default();
        for last in [false, true] {
            let opened = self.open(connection, &mut backoff).await;
            let Err(error) = answered(log::write(opened, &logs, Whole::Ended)).await else {
                return;
            };
            if !error.is_refusal() {
                *connection = None;
            }
            if last || error.is_refusal() {
                tracing::warn!(%error, source = %error.source, "log lines are lost");
                return;
            }
        }
    }

    async fn batch(&self, connection: &mut Option<Connection<'static>>, mut batch: Vec<Pending>) {
        batch.sort_by_key(|p| p.settled.key);
        let settled: Vec<Settled> = batch.iter().map(|p| p.settled.clone()).collect();
        match self.flush(connection, &settled).await {
            Ok((flushed, in_doubt)) => {
                let _ = self.report.send(Message::Flushed { batch, flushed });
                if in_doubt {
                    let _ = self.report.send(Message::Doubt);
                }
            }
            Err(error) if batch.len() > 1 => {
                tracing::warn!(%error, "a batch was refused; its completions go one by one");
                for one in batch {
                    Box::pin(self.batch(connection, vec![one])).await;
                }
            }
            Err(error) => {
                let Some(one) = batch.pop() else { return };
                self.refuse(connection, one.settled, &error).await;
            }
        }
    }

    /// A completion that the database does not take: the run ends with its words, instead of hanging.
    async fn refuse(
        &self,
        connection: &mut Option<Connection<'static>>,
        settled: Settled,
        error: &StoreError,
    ) {
        let text = format!("the completion cannot be stored: {}", error.source);
        let failure = Failure::new(crate::record::BODY, FailureKind::Failed, text).fatal();
        let holder =
            Holder { worker: self.worker, key: settled.key, epoch: settled.epoch, attempt: None };
        let run = settled.key.run;
        self.end(
            connection,
            settled.key,
            run,
            RunState::Failed,
            failure,
            Some(holder),
            settled.free,
        )
        .await;
    }

    /// Repeats until the database answers, and says whether it had to. After a broken connection the first try may have
    /// been committed: what it took is then refused, and the session asks the database what it holds.
    async fn flush(
        &self,
        connection: &mut Option<Connection<'static>>,
        settled: &[Settled],
    ) -> Result<(Flushed, bool), StoreError> {
        let mut backoff = Backoff::default();
        loop {
            let opened = self.open(connection, &mut backoff).await;
            match answered(flush(opened, self.worker, settled, &self.join_direct)).await {
                Ok(flushed) => return Ok((flushed, backoff.tried)),
                Err(error) if !error.is_refusal() => {
                    tracing::warn!(%error, source = %error.source, "a flush waits for the database");
                    *connection = None;
                    backoff.wait().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one message")]
    async fn end(
        &self,
        connection: &mut Option<Connection<'static>>,
        key: TokenKey,
        run: RunId,
        state: RunState,
        failure: Failure,
        holder: Option<Holder>,
        slots: Vec<HeldSlot>,
    ) {
        // whoever waits in this process hears the words that are stored
        let failure = storable_failure(&failure);
        let mut backoff = Backoff::default();
        let ended = loop {
            let opened = self.open(connection, &mut backoff).await;
            match answered(end_run(opened, run, state, &failure, holder.as_ref())).await {
                Ok(ended) => break ended,
                Err(error) if !error.is_refusal() => {
                    *connection = None;
                    backoff.wait().await;
                }
                Err(error) => {
                    tracing::error!(%run, %error, source = %error.source, "a run cannot be ended");
                    break false;
                }
            }
        };
        if !slots.is_empty() {
            self.hand_back(connection, vec![(key, -1, slots)], None).await;
        }
        let _ = self.report.send(Message::RunEnded { key, run, state, failure, ended });
    }

    async fn hand_back(
        &self,
        connection: &mut Option<Connection<'static>>,
        tokens: Vec<(TokenKey, i32, Vec<HeldSlot>)>,
        wait: Option<Duration>,
    ) {
        let mut backoff = Backoff::default();
        loop {
            let opened = self.open(connection, &mut backoff).await;
            match answered(hand_back(opened, self.worker, &tokens, wait)).await {
                Err(error) if !error.is_refusal() => {
                    *connection = None;
                    backoff.wait().await;
                }
                Err(error) => {
                    tracing::error!(%error, source = %error.source, "tasks cannot be handed back; recovery takes them over");
                    break;
                }
                Ok(()) => break,
            }
        }
        let keys = tokens.into_iter().map(|(key, epoch, _)| (key, epoch)).collect();
        let _ = self.report.send(Message::HandedBack(keys));
    }

    async fn open<'c>(
        &self,
        connection: &'c mut Option<Connection<'static>>,
        backoff: &mut Backoff,
    ) -> &'c mut Connection<'static> {
        loop {
            if connection.is_none() {
                match self.endpoint.open("flush").await {
                    Ok(opened) => *connection = Some(opened),
                    Err(error) => {
                        tracing::warn!(%error, source = %error.source, "completions wait for the database");
                        backoff.wait().await;
                    }
                }
            }
            if let Some(opened) = connection {
                return opened;
            }
        }
    }
}

/// Waits between tries: 50 ms, doubled up to 5 s.
#[derive(Default)]
pub(super) struct Backoff {
    pub tried: bool,
    last: Duration,
}

impl Backoff {
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    /// How long to wait now.
    pub fn next(&mut self) -> Duration {
        self.tried = true;
        self.last = (self.last * 2).clamp(Duration::from_millis(50), Duration::from_secs(5));
        self.last
    }
}
