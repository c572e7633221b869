//! A worker under one id, from registration to the loss of its lease or its end. One task owns what it holds; the
//! connections report to it.

mod claiming;
mod settling;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, mpsc, watch};

use crate::{
    client::Hub,
    failure::Failure,
    lifecycle::RunState,
    registry::Version,
    store::{
        HeldSlot, RunId, StoreError, TokenKey,
        claim::{Claimed, LimitedQueue},
        flush::Flushed,
        read::Ending,
        upkeep::{ProgressNote, Tick},
    },
};

use super::{
    beat::Vitals,
    flusher::{Pending, Work},
    logs::Speaking,
    resources::{Ledger, Offer},
    serve::{ContextSlot, Served, Shared, Stop, serve},
    slots::Slots,
    tally::Tally,
    token::Token,
};

/// What the parts of a session tell it.
pub(super) enum Message {
    Served {
        key: TokenKey,
        served: Served,
    },
    SlotsFree(Vec<HeldSlot>),
    Flushed {
        batch: Vec<Pending>,
        flushed: Flushed,
    },
    RunEnded {
        key: TokenKey,
        run: RunId,
        state: RunState,
        failure: Failure,
        ended: bool,
    },
    /// With the epochs at which they were held: the same key may have been claimed again meanwhile.
    HandedBack(Vec<(TokenKey, i32)>),
    FlusherIdle(usize),
    Claimed(Result<Vec<Claimed>, StoreError>),
    /// A statement may have been committed without its answer arriving.
    Doubt,
    /// What the database says that this worker holds.
    Held(Result<Vec<(TokenKey, i32, Vec<HeldSlot>)>, StoreError>),
    Ticked(Tick),
    Wake,
    Cancel(RunId),
    TokensLost(Vec<(TokenKey, i32)>),
    LeaseLost,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Drained,
    LeaseLost,
}

/// A queue that the session serves.
pub(super) struct ServedQueue {
    pub version: Arc<Version>,
    pub node: Option<usize>,
}

struct Running {
    token: Token,
    stop: watch::Sender<Stop>,
    since: Instant,
    /// How long its code took, once it is over.
    ran: Duration,
}

/// Running tokens, shared with the heartbeat.
pub(super) type Table = Arc<Mutex<HashMap<TokenKey, RunningView>>>;

/// What the heartbeat sees of a running token.
pub(super) struct RunningView {
    epoch: i32,
    node: i16,
    elem: i32,
    gpus: usize,
    attempt: i16,
    since: Instant,
    context: ContextSlot,
}

/// What the heartbeat tells: how many tokens run, which of them for longer than a beat, and their progress.
pub(super) fn vitals(table: &Table) -> Vitals {
    let table = table.lock().unwrap_or_else(PoisonError::into_inner);
    let old = table.iter().filter(|(_, r)| r.since.elapsed() > Duration::from_secs(3));
    let speaking = table.iter().filter_map(|(key, r)| {
        let context = r.context.lock().unwrap_or_else(PoisonError::into_inner);
        let tail = context.as_ref()?.log()?.clone();
        let (run, node, elem) = (key.run, r.node, r.elem);
        Some(Speaking { run, node, elem, attempt: r.attempt, epoch: r.epoch, tail })
    });
    let notes = table.iter().filter_map(|(key, r)| {
        let progress =
            r.context.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.last_progress()?;
        Some(ProgressNote {
            run: key.run,
            node: r.node,
            elem: r.elem,
            done: progress.done,
            total: progress.total,
            note: progress.note,
        })
    });
    Vitals {
        busy: table.len(),
        gpus_busy: table.values().map(|r| r.gpus).sum(),
        tokens: old.map(|(key, r)| (*key, r.epoch)).collect(),
        notes: notes.collect(),
        speaking: speaking.collect(),
    }
}

pub(super) struct Session {
    pub shared: Arc<Shared>,
    pub hub: Arc<Hub>,
    pub slots: Slots,
    pub queues: HashMap<i32, ServedQueue>,
    pub plain: Vec<i32>,
    pub limited: Vec<LimitedQueue>,
    pub offer: Offer,
    pub ledger: Ledger,
    pub flushers: Vec<mpsc::UnboundedSender<Work>>,
    pub to_self: mpsc::UnboundedSender<Message>,
    pub table: Table,
    pub tally: Tally,
    pub drain: watch::Receiver<Option<Instant>>,
    pub drain_flag: watch::Sender<bool>,
    /// Wakes upkeep: something will be due soon.
    pub due: Arc<Notify>,
    pub state: State,
}

/// Whether the database may think that this worker holds what it does not know of. Until that is known nothing is
/// claimed or written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Doubt {
    #[default]
    None,
    Waiting,
    Asking,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct State {
    doubt: Doubt,
    running: HashMap<TokenKey, Running>,
    idle_flushers: Vec<usize>,
    pending: Vec<Pending>,
    works: VecDeque<Work>,
    works_first: bool,
    /// Runs whose end is under way.
    ending: HashSet<RunId>,
    writing: usize,
    claiming: bool,
    look: bool,
    turn: usize,
    marks: HashMap<i32, (i64, Instant)>,
    wanted: usize,
    lingering: usize,
    grace_over: bool,
}

impl Session {
    /// Runs until the lease is lost or everything is drained.
    pub async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) -> Over {
        self.state.idle_flushers = (0..self.flushers.len()).collect();
        self.state.look = true;
        loop {
            let draining = *self.drain.borrow();
            // said here too: another branch of the select may have won when the drain began
            if draining.is_some() {
                self.drain_flag.send_if_modified(|flag| !std::mem::replace(flag, true));
            }
            if draining.is_some() && self.is_empty() {
                return Over::Drained;
            }
            self.dispel();
            if draining.is_none() {
                self.claim();
            }
            self.write();
            tokio::select! {
                message = inbox.recv() => match message {
                    Some(Message::LeaseLost) | None => {
                        self.stop_all(Stop::Ended);
                        return Over::LeaseLost;
                    }
                    Some(message) => {
                        let mut next = Some(message);
                        // all that has come meanwhile, so that it can travel together
                        while let Some(message) = next {
                            if matches!(message, Message::LeaseLost) {
                                self.stop_all(Stop::Ended);
                                return Over::LeaseLost;
                            }
                            self.handle(message);
                            next = inbox.try_recv().ok();
                        }
                    }
                },
                changed = self.drain.changed(), if draining.is_none() => {
                    if changed.is_err() { self.stop_all(Stop::HandBack); return Over::Drained; }
                    self.drain_flag.send_replace(true);
                }
                () = until(draining), if draining.is_some() && !self.state.grace_over => {
                    self.state.grace_over = true;
                    self.stop_all(Stop::HandBack);
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        let s = &self.state;
        s.running.is_empty()
            && s.pending.is_empty()
            && s.works.is_empty()
            && s.writing == 0
            && !s.claiming
            && s.doubt == Doubt::None
            && (s.lingering == 0 || s.grace_over)
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Served { key, served } => self.served(key, served),
            Message::SlotsFree(slots) => {
                self.state.lingering = self.state.lingering.saturating_sub(1);
                self.state.works.push_back(Work::Free(slots));
                self.state.look = true;
            }
            Message::Flushed { batch, flushed } => self.flushed(batch, &flushed),
            Message::RunEnded { key, run, state, failure, ended } => {
                let running = self.leave_keeping(key);
                self.sweep();
                self.state.ending.remove(&run);
                if ended {
                    let token = running.as_ref().map(|r| (&r.token, r.ran));
                    self.tally.ended(run, token, state, &failure);
                    self.stop_run(run);
                    self.hub.ended(run, &Ending::Ended(state, failure));
                }
                self.state.look = true;
            }
            Message::HandedBack(keys) => {
                for (key, epoch) in keys {
                    if self.state.running.get(&key).is_some_and(|r| r.token.epoch == epoch) {
                        self.leave(key);
                    }
                }
                // there is room again, and what waits is due some time
                self.state.look = true;
                self.due.notify_one();
            }
            Message::FlusherIdle(number) => {
                self.state.writing -= 1;
                self.state.idle_flushers.push(number);
            }
            Message::Claimed(result) => self.claimed(result),
            Message::Doubt => self.state.doubt = Doubt::Waiting,
            Message::Held(held) => self.held(held),
            Message::Ticked(tick) => self.ticked(tick),
            Message::Wake => self.state.look = true,
            Message::Cancel(run) => self.stop_run(run),
            Message::TokensLost(keys) => {
                for (key, epoch) in keys {
                    // it may have moved on since it was asked about
                    let running = self.state.running.get(&key);
                    if let Some(running) = running.filter(|r| r.token.epoch == epoch) {
                        tracing::warn!(run = %key.run, "a task is no longer held here; it is stopped");
                        running.stop.send_replace(Stop::Ended);
                    }
                }
            }
            Message::LeaseLost => {}
        }
    }

    fn begin(&mut self, token: Token) {
        let key = token.key;
        if self.state.grace_over {
            // claimed by a statement that was under way when the grace ended
            let tokens = vec![(key, token.epoch, token.slots)];
            self.state.works.push_back(Work::HandBack { tokens, wait: None });
            return;
        }
        let (stop, heard) = watch::channel(Stop::No);
        let context = ContextSlot::default();
        let view = RunningView {
            epoch: token.epoch,
            node: token.version.number(token.at),
            elem: token.at.elem().max(0),
            gpus: token.slots.iter().filter(|slot| self.is_gpu(slot)).count(),
            attempt: token.attempt,
            since: Instant::now(),
            context: context.clone(),
        };
        self.table.lock().unwrap_or_else(PoisonError::into_inner).insert(key, view);
        // boxed where it is made: it is large, and spawning would move it three times
        let work = Box::pin(serve(self.shared.clone(), token.clone(), heard, context));
        let (since, ran) = (Instant::now(), Duration::ZERO);
        self.state.running.insert(key, Running { token, stop, since, ran });
        let report = self.to_self.clone();
        tokio::spawn(watched(self.to_self.clone(), async move {
            let served = work.await;
            let _ = report.send(Message::Served { key, served });
        }));
    }

    fn is_gpu(&self, slot: &HeldSlot) -> bool {
        self.shared.gpus.iter().any(|(pool, _)| *pool == slot.pool)
    }

    fn leave(&mut self, key: TokenKey) {
        self.leave_keeping(key);
        self.sweep();
    }

    fn leave_keeping(&mut self, key: TokenKey) -> Option<Running> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        self.state.running.remove(&key)
    }

    /// Forgets runs of which nothing is here.
    fn sweep(&self) {
        let here: HashSet<RunId> = self.state.running.keys().map(|key| key.run).collect();
        self.shared
            .runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|run, _| here.contains(run));
    }

    fn forget(&self, run: RunId) {
        self.shared.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
    }

    fn stop_run(&self, run: RunId) {
        for running in self.state.running.values().filter(|r| r.token.key.run == run) {
            running.stop.send_replace(Stop::Ended);
        }
    }

    fn stop_all(&self, word: Stop) {
        for running in self.state.running.values() {
            running.stop.send_replace(word);
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Runs a part of the session. One that panics ends the session: what it knew is lost, and recovery knows it all.
pub(super) async fn watched(
    report: mpsc::UnboundedSender<Message>,
    part: impl Future<Output = ()> + Send + 'static,
) {
    if let Err(error) = tokio::spawn(part).await
        && error.is_panic()
    {
        tracing::error!(%error, "a part of the worker panicked; it begins anew");
        let _ = report.send(Message::LeaseLost);
    }
}
