//! A worker under one id, from registration to the loss of its lease or its end. One task owns what it holds; the
//! connections report to it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, mpsc, watch};

use crate::{
    client::Hub,
    failure::{Failure, FailureKind},
    lifecycle::{Position, RunState},
    registry::Version,
    store::{
        HeldSlot, RunId, StoreError, TokenKey, answered,
        claim::{Claimed, LimitedQueue, claim, claim_limited},
        flush::{Fate, Flushed},
        read::Ending,
        upkeep::{ProgressNote, Tick, held, set_idle},
    },
};

use super::{
    beat::Vitals,
    flusher::{Pending, Work},
    resources::{Ledger, Offer},
    serve::{ContextSlot, LOSSES_MAX, Served, Shared, Stop, arrival_key, serve},
    token::{Token, Verdict},
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

/// When to look once more after saying that there is nothing to do.
const AFTERTHOUGHT: Duration = Duration::from_millis(50);

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Drained,
    LeaseLost,
}

/// A queue that the session serves.
pub(super) struct Served1 {
    pub version: Arc<Version>,
    pub node: Option<usize>,
}

struct Running {
    token: Token,
    stop: watch::Sender<Stop>,
    context: ContextSlot,
    since: Instant,
}

/// Running tokens, shared with the heartbeat.
pub(super) type Table = Arc<Mutex<HashMap<TokenKey, RunningView>>>;

/// What the heartbeat sees of a running token.
pub(super) struct RunningView {
    epoch: i32,
    node: i16,
    elem: i32,
    since: Instant,
    context: ContextSlot,
}

/// What the heartbeat tells: tokens that have run for longer than a beat, and their progress.
pub(super) fn vitals(table: &Table) -> Vitals {
    let table = table.lock().unwrap_or_else(PoisonError::into_inner);
    let old = table.iter().filter(|(_, r)| r.since.elapsed() > Duration::from_secs(3));
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
    Vitals { tokens: old.map(|(key, r)| (*key, r.epoch)).collect(), notes: notes.collect() }
}

pub(super) struct Session {
    pub shared: Arc<Shared>,
    pub hub: Arc<Hub>,
    pub slots: usize,
    pub queues: HashMap<i32, Served1>,
    pub plain: Vec<i32>,
    pub limited: Vec<LimitedQueue>,
    pub offer: Offer,
    pub ledger: Ledger,
    pub flushers: Vec<mpsc::UnboundedSender<Work>>,
    pub to_self: mpsc::UnboundedSender<Message>,
    pub table: Table,
    pub drain: watch::Receiver<Option<Instant>>,
    pub drain_flag: watch::Sender<bool>,
    /// Wakes upkeep: something will be due soon.
    pub due: Arc<Notify>,
    state: State,
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
struct State {
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

pub(super) struct Parts {
    pub shared: Arc<Shared>,
    pub hub: Arc<Hub>,
    pub slots: usize,
    pub queues: HashMap<i32, Served1>,
    pub plain: Vec<i32>,
    pub limited: Vec<LimitedQueue>,
    pub offer: Offer,
    pub flushers: Vec<mpsc::UnboundedSender<Work>>,
    pub to_self: mpsc::UnboundedSender<Message>,
    pub table: Table,
    pub drain: watch::Receiver<Option<Instant>>,
    pub drain_flag: watch::Sender<bool>,
    /// Wakes upkeep: something will be due soon.
    pub due: Arc<Notify>,
}

impl Session {
    pub fn new(p: Parts) -> Self {
        let state = State {
            idle_flushers: (0..p.flushers.len()).collect(),
            look: true,
            ..State::default()
        };
        Self {
            ledger: Ledger::new(&p.offer),
            shared: p.shared,
            hub: p.hub,
            slots: p.slots,
            queues: p.queues,
            plain: p.plain,
            limited: p.limited,
            offer: p.offer,
            flushers: p.flushers,
            to_self: p.to_self,
            table: p.table,
            drain: p.drain,
            drain_flag: p.drain_flag,
            due: p.due,
            state,
        }
    }

    /// Runs until the lease is lost or everything is drained.
    pub async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) -> Over {
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
                self.leave(key);
                self.state.ending.remove(&run);
                if ended {
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

    // Claiming ------------------------------------------------------------------------------------------------------

    fn room(&self) -> usize {
        self.slots.saturating_sub(self.state.running.len())
    }

    fn claim(&mut self) {
        if self.state.doubt != Doubt::None {
            return;
        }
        let want = i32::try_from(self.room()).unwrap_or(i32::MAX);
        if !self.state.look || self.state.claiming || want == 0 {
            return;
        }
        self.state.look = false;
        self.state.claiming = true;
        self.state.wanted = self.room();
        self.state.turn = self.state.turn.wrapping_add(1);
        let now = Instant::now();
        self.state
            .marks
            .retain(|_, (_, since)| now.duration_since(*since) < Duration::from_secs(2));
        let marks = self
            .plain
            .iter()
            .map(|q| self.state.marks.get(q).map_or(i64::MIN, |(mark, _)| *mark))
            .collect();
        let limited = self.limited_now(want);
        let request = Request {
            queues: self.plain.clone(),
            marks,
            limited,
            want,
            limited_first: self.state.turn.is_multiple_of(2),
        };
        let (shared, report) = (self.shared.clone(), self.to_self.clone());
        tokio::spawn(watched(self.to_self.clone(), async move {
            let claimed = request.run(&shared).await;
            if let Ok((_, true)) = &claimed {
                // whoever looked for idle workers just before this one said so may commit just after it looked
                let report = report.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(AFTERTHOUGHT).await;
                    let _ = report.send(Message::Wake);
                });
            }
            let _ = report.send(Message::Claimed(claimed.map(|(tokens, _)| tokens)));
        }));
    }

    /// The queues with limits, each first in its turn, with how many of each there is room for. At most one that takes
    /// from the ledger: what it claims is taken off before the next look.
    fn limited_now(&self, want: i32) -> Vec<(LimitedQueue, i32)> {
        let turns = self.limited.len().max(1);
        let mut takes = false;
        let (before, after) = self.limited.split_at(self.state.turn % turns);
        let in_turn = after.iter().chain(before).filter_map(|queue| {
            let room = self.room_for(queue.queue);
            let bound = room < i32::MAX;
            if room <= 0 || (bound && std::mem::replace(&mut takes, true)) {
                return None;
            }
            Some((queue.clone(), want.min(room)))
        });
        in_turn.collect()
    }

    fn room_for(&self, queue: i32) -> i32 {
        let Some(Served1 { version, node: Some(node) }) = self.queues.get(&queue) else {
            return i32::MAX;
        };
        self.ledger.room(&version.tasks[*node], &self.offer)
    }

    fn claimed(&mut self, result: Result<Vec<Claimed>, StoreError>) {
        self.state.claiming = false;
        let tokens = match result {
            Ok(tokens) => tokens,
            Err(error) => {
                tracing::warn!(%error, source = %error.source, "claims wait for the database");
                // it may have been committed all the same
                self.state.doubt = Doubt::Waiting;
                self.later(Message::Wake);
                return;
            }
        };
        self.state.look |= !tokens.is_empty();
        // below the lowest rank of a full claim there is nothing left; a short one says that a mark may be too high
        let short = tokens.len() < self.state.wanted;
        let now = Instant::now();
        let mut seen = HashSet::new();
        for claimed in tokens {
            if seen.insert(claimed.queue) {
                self.state.marks.entry(claimed.queue).or_insert((claimed.rank, now)).0 =
                    claimed.rank;
            }
            self.begin_claimed(claimed);
        }
        if short {
            self.state.marks.clear();
        }
    }

    fn later(&self, message: Message) {
        let report = self.to_self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let _ = report.send(message);
        });
    }

    /// In doubt, asks the database what this worker holds, once nothing is under way that changes it.
    fn dispel(&mut self) {
        let s = &mut self.state;
        if s.doubt != Doubt::Waiting || s.claiming || s.writing > 0 {
            return;
        }
        s.doubt = Doubt::Asking;
        let (shared, report) = (self.shared.clone(), self.to_self.clone());
        tokio::spawn(async move {
            let mut reader = shared.reader.lock().await;
            let asked = answered(async { held(reader.open().await?, shared.worker).await }).await;
            if asked.is_err() {
                reader.connection = None;
            }
            let _ = report.send(Message::Held(asked));
        });
    }

    /// Hands back what the database says is here and nobody here knows of.
    fn held(&mut self, held: Result<Vec<(TokenKey, i32, Vec<HeldSlot>)>, StoreError>) {
        let held = match held {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(%error, source = %error.source, "the worker cannot learn what it holds yet");
                self.later(Message::Doubt);
                return;
            }
        };
        self.state.doubt = Doubt::None;
        let known = |(key, epoch, _): &(TokenKey, i32, Vec<HeldSlot>)| {
            self.state.running.get(key).is_some_and(|r| r.token.epoch == *epoch)
        };
        let strays: Vec<_> = held.into_iter().filter(|token| !known(token)).collect();
        if !strays.is_empty() {
            tracing::warn!(tasks = strays.len(), "tasks that a broken connection left go back");
            self.state.works.push_back(Work::HandBack { tokens: strays, wait: None });
        }
    }

    fn begin_claimed(&mut self, claimed: Claimed) {
        let version = self.queues.get(&claimed.queue).map(|served| served.version.clone());
        let place = version.and_then(|version| {
            let at = version.position(claimed.key.lane, claimed.key.elem, claimed.node)?;
            Some((version, at))
        });
        let Some((version, at)) = place else {
            tracing::error!(run = %claimed.key.run, queue = claimed.queue, "a task of an unknown place goes back");
            let wait = Some(Duration::from_secs(1));
            self.hand_back((claimed.key, claimed.epoch, claimed.slots), wait);
            return;
        };
        if let Some(input) = claimed.run_input {
            let mut runs = self.shared.runs.lock().unwrap_or_else(PoisonError::into_inner);
            runs.entry(claimed.key.run).or_default().input = Some(input);
        }
        let share = at
            .node()
            .filter(|_| at.is_task())
            .map(|n| self.ledger.take(&version.tasks[n], &self.offer));
        let token = Token {
            key: claimed.key,
            epoch: claimed.epoch,
            version,
            at,
            attempt: claimed.attempt,
            losses: claimed.losses,
            ready_at: claimed.ready_at,
            started_at: claimed.started_at,
            input: claimed.input,
            priority: claimed.priority,
            deadline: claimed.left.map(|left| Instant::now() + left),
            slots: claimed.slots,
            share: share.unwrap_or_default(),
        };
        // a killer of workers must not run beside another one, or beside too many innocents
        let suspect = |t: &Token| (2..LOSSES_MAX).contains(&t.losses);
        if suspect(&token) && self.state.running.values().any(|r| suspect(&r.token)) {
            let tokens = vec![(token.key, token.epoch, token.slots)];
            self.state
                .works
                .push_back(Work::HandBack { tokens, wait: Some(Duration::from_secs(1)) });
            return;
        }
        self.begin(token);
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
        let since = Instant::now();
        let view = RunningView {
            epoch: token.epoch,
            node: token.version.number(token.at),
            elem: token.at.elem().max(0),
            since,
            context: context.clone(),
        };
        self.table.lock().unwrap_or_else(PoisonError::into_inner).insert(key, view);
        // boxed where it is made: it is large, and spawning would move it three times
        let work = Box::pin(serve(self.shared.clone(), token.clone(), heard, context.clone()));
        self.state.running.insert(key, Running { token, stop, context, since });
        let report = self.to_self.clone();
        tokio::spawn(watched(self.to_self.clone(), async move {
            let served = work.await;
            let _ = report.send(Message::Served { key, served });
        }));
    }

    // Settling ------------------------------------------------------------------------------------------------------

    fn served(&mut self, key: TokenKey, served: Served) {
        let Some(running) = self.state.running.get_mut(&key) else { return };
        let slots = std::mem::take(&mut running.token.slots);
        let (run, epoch) = (key.run, running.token.epoch);
        let start_pool =
            running.token.version.run_pool.filter(|_| running.token.at == Position::Start);
        tracing::trace!(%run, busy = ?running.since.elapsed(), context = running.context.lock().is_ok_and(|c| c.is_some()), "served");
        let free = match served.lingering {
            None => slots,
            Some(lingering) => {
                self.state.lingering += 1;
                let (report, share) = (self.to_self.clone(), running.token.share.clone());
                tokio::spawn(async move {
                    let _ = lingering.await;
                    drop(share);
                    let _ = report.send(Message::SlotsFree(slots));
                });
                Vec::new()
            }
        };
        match served.verdict {
            Verdict::Settled { mut settled, next, arrivals, result } => {
                // the slot of a start goes over to the run, unless that ends here
                settled.leaves_start =
                    start_pool.filter(|_| !matches!(settled.fate, Fate::End { .. }));
                if settled.leaves_start.is_none() {
                    settled.free = free;
                }
                if matches!(settled.fate, Fate::Retry { .. }) {
                    self.due.notify_one();
                }
                self.state.pending.push(Pending { settled, next, arrivals, result });
            }
            Verdict::EndRun { state, failure, holder } => {
                self.state.works.push_back(Work::End {
                    key,
                    run,
                    state,
                    failure,
                    holder: Some(holder),
                    slots: free,
                });
            }
            // where it really is no longer held, this changes nothing
            Verdict::Dropped => self.hand_back((key, epoch, free), None),
            Verdict::HandBack => {
                let wait = (*self.drain.borrow()).is_none().then_some(Duration::from_millis(200));
                self.hand_back((key, epoch, free), wait);
            }
        }
    }

    /// Hands what is pending to flushers that have nothing to do.
    fn write(&mut self) {
        if self.state.doubt != Doubt::None {
            return;
        }
        while !(self.state.pending.is_empty() && self.state.works.is_empty()) {
            let Some(number) = self.state.idle_flushers.pop() else { return };
            // in turns, so that neither completions nor ends wait for the others for ever
            self.state.works_first = !self.state.works_first;
            let work = match self.state.works.pop_front() {
                Some(work) if self.state.works_first || self.state.pending.is_empty() => work,
                other => {
                    if let Some(work) = other {
                        self.state.works.push_front(work);
                    }
                    Work::Batch(self.batch())
                }
            };
            self.state.writing += 1;
            if self.flushers[number].send(work).is_err() {
                return;
            }
        }
    }

    /// What is pending, with no more tokens that go on here than there is room for.
    fn batch(&mut self) -> Vec<Pending> {
        let mut batch = std::mem::take(&mut self.state.pending);
        let leaving = batch.iter().filter(|p| p.next.is_none()).count();
        let mut room = self.room() + leaving;
        for row in batch.iter_mut().flat_map(|p| &mut p.settled.arrivals).filter(|row| row.direct) {
            row.direct = room > 0;
            room = room.saturating_sub(1);
        }
        batch
    }

    fn hand_back(&mut self, token: (TokenKey, i32, Vec<HeldSlot>), wait: Option<Duration>) {
        if wait.is_some() {
            self.due.notify_one();
        }
        self.state.works.push_back(Work::HandBack { tokens: vec![token], wait });
    }

    fn flushed(&mut self, batch: Vec<Pending>, flushed: &Flushed) {
        let mut left = false;
        let mut places: HashMap<TokenKey, (Token, Position, Option<crate::payload::Json>)> =
            HashMap::new();
        for (pending, taken) in batch.into_iter().zip(&flushed.taken) {
            let settled = pending.settled;
            let here = self.state.running.get(&settled.key);
            // handed back by its flusher and claimed again before this was heard
            if here.is_some_and(|r| r.token.epoch != settled.epoch) {
                continue;
            }
            let Some(running) = self.leave_keeping(settled.key) else { continue };
            if !taken {
                tracing::warn!(run = %settled.key.run, "the lease of a task was lost; its result is refused");
                self.forget(settled.key.run);
                continue;
            }
            for (row, at) in settled.arrivals.iter().zip(&pending.arrivals) {
                left |= !row.direct;
                places.insert(
                    arrival_key(settled.key.run, row),
                    (running.token.clone(), *at, row.input.clone()),
                );
            }
            if let Some((node, stored)) = pending.result {
                let mut runs = self.shared.runs.lock().unwrap_or_else(PoisonError::into_inner);
                runs.entry(settled.key.run).or_default().results.insert(node, stored);
            }
            match (settled.fate, pending.next) {
                (Fate::Move { .. }, Some(next)) => {
                    let epoch = settled.epoch + 1;
                    self.begin(running.token.moved(settled.key, next, epoch, flushed.at, None));
                }
                (Fate::End { result, .. }, _) => {
                    self.hub.ended(settled.key.run, &Ending::Completed(result));
                }
                (Fate::Move { .. }, None) => left = true,
                _ => {}
            }
        }
        for fired in &flushed.fired {
            if let Some((from, at, input)) = places.remove(&fired.key) {
                self.begin(from.moved(fired.key, at, fired.epoch, fired.at, input));
            }
        }
        self.sweep();
        self.state.look |= left || self.room() > 0 && !self.limited.is_empty();
    }

    fn ticked(&mut self, tick: Tick) {
        if tick.recovered > 0 {
            tracing::warn!(tasks = tick.recovered, "took over from dead workers");
        }
        self.state.look |= tick.work;
        for run in tick.overdue {
            if !self.state.ending.insert(run) {
                continue;
            }
            let failure = Failure::new(
                crate::record::BODY,
                FailureKind::TimedOut,
                "the run passed its deadline",
            )
            .fatal();
            let key = TokenKey { run, lane: 0, elem: i32::MIN };
            self.state.works.push_back(Work::End {
                key,
                run,
                state: RunState::TimedOut,
                failure,
                holder: None,
                slots: Vec::new(),
            });
        }
    }

    // Leaving -------------------------------------------------------------------------------------------------------

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

/// One look for work.
struct Request {
    queues: Vec<i32>,
    marks: Vec<i64>,
    limited: Vec<(LimitedQueue, i32)>,
    want: i32,
    limited_first: bool,
}

impl Request {
    /// Claims; finding nothing, says so in the database and looks once more, since work may have come meanwhile. Answers
    /// too whether that was news.
    async fn run(&self, shared: &Shared) -> Result<(Vec<Claimed>, bool), StoreError> {
        let got = self.once(shared, &self.marks).await?;
        if !got.is_empty() {
            return Ok((got, false));
        }
        let news = {
            let mut reader = shared.reader.lock().await;
            let said =
                answered(async { set_idle(reader.open().await?, shared.worker).await }).await;
            if said.is_err() {
                reader.connection = None;
            }
            said?
        };
        Ok((self.once(shared, &vec![i64::MIN; self.queues.len()]).await?, news))
    }

    async fn once(&self, shared: &Shared, marks: &[i64]) -> Result<Vec<Claimed>, StoreError> {
        let mut reader = shared.reader.lock().await;
        let mut got = Vec::new();
        let result = answered(async {
            self.with(reader.open().await?, shared.worker, marks, &mut got).await
        })
        .await;
        // what was claimed before a failure is handed back with all else that is in doubt
        if result.is_err() {
            reader.connection = None;
        }
        result.map(|()| got)
    }

    async fn with(
        &self,
        connection: &mut sqlx::PgConnection,
        worker: i32,
        marks: &[i64],
        got: &mut Vec<Claimed>,
    ) -> Result<(), StoreError> {
        let left = |got: &Vec<Claimed>| self.want - i32::try_from(got.len()).unwrap_or(i32::MAX);
        if !self.limited_first && !self.queues.is_empty() {
            got.extend(claim(connection, worker, &self.queues, marks, self.want).await?);
        }
        for (queue, want) in &self.limited {
            let want = left(got).min(*want);
            if want <= 0 {
                break;
            }
            got.extend(claim_limited(connection, worker, queue, want).await?);
        }
        if self.limited_first && left(got) > 0 && !self.queues.is_empty() {
            got.extend(claim(connection, worker, &self.queues, marks, left(got)).await?);
        }
        Ok(())
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
