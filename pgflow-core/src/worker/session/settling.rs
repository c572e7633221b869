//! What became of served tokens: into flushes, and from flushes to what follows.

use std::{collections::HashMap, sync::PoisonError, time::Duration};

use crate::{
    failure::{Failure, FailureKind},
    lifecycle::{Position, RunState},
    payload::Json,
    store::{
        HeldSlot, TokenKey,
        flush::{Fate, Flushed},
        read::Ending,
        upkeep::Tick,
    },
};

use super::{
    super::{
        flusher::{Pending, Work},
        serve::{Served, arrival_key},
        token::{Token, Verdict},
    },
    Doubt, Message, Session,
};

impl Session {
    pub(super) fn served(&mut self, key: TokenKey, mut served: Served) {
        let Some(running) = self.state.running.get_mut(&key) else { return };
        running.ran = running.since.elapsed();
        let slots = std::mem::take(&mut running.token.slots);
        let (run, epoch) = (key.run, running.token.epoch);
        let start_pool =
            running.token.version.run_pool.filter(|_| running.token.at == Position::Start);
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
            Verdict::Settled { mut settled, next, arrivals, results } => {
                let log = served.log.take();
                // the slot of a start goes over to the run, unless that ends here
                settled.leaves_start =
                    start_pool.filter(|_| !matches!(settled.fate, Fate::End { .. }));
                if settled.leaves_start.is_none() {
                    settled.free = free;
                }
                self.state.pending.push(Pending { settled, next, arrivals, results, log });
            }
            Verdict::Committed { pending, flushed } => self.flushed(vec![pending], &flushed),
            Verdict::InDoubt => {
                self.state.works.push_back(Work::Free(free));
                self.leave(key);
                let _ = self.to_self.send(Message::Doubt);
            }
            Verdict::EndRun { state, failure, holder } => {
                self.state.works.push_back(Work::End {
                    key,
                    run,
                    state,
                    failure,
                    holder: Some(holder),
                    slots: free,
                    log: served.log.take(),
                });
            }
            // where it really is no longer held, this changes nothing
            Verdict::Dropped => self.hand_back((key, epoch, free), None),
            Verdict::HandBack => {
                let wait = (*self.drain.borrow()).is_none().then_some(Duration::from_millis(200));
                self.hand_back((key, epoch, free), wait);
            }
        }
        if let Some(row) = served.log {
            self.state.works.push_back(Work::Log(row));
        }
    }

    /// Hands what is pending to flushers that have nothing to do.
    pub(super) fn write(&mut self) {
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

    pub(super) fn hand_back(
        &mut self,
        token: (TokenKey, i32, Vec<HeldSlot>),
        wait: Option<Duration>,
    ) {
        self.state.works.push_back(Work::HandBack { tokens: vec![token], wait });
    }

    pub(super) fn flushed(&mut self, batch: Vec<Pending>, flushed: &Flushed) {
        self.shared.begun.learn(&flushed.all_begun);
        let mut left = false;
        let mut places: HashMap<TokenKey, (Token, Position, Option<Json>)> = HashMap::new();
        let fates = flushed.taken.iter().zip(&flushed.halted);
        for (pending, (taken, halted)) in batch.into_iter().zip(fates) {
            let settled = pending.settled;
            let here = self.state.running.get(&settled.key);
            // handed back by its flusher and claimed again before this was heard
            if here.is_some_and(|r| r.token.epoch != settled.epoch) {
                continue;
            }
            let Some(running) = self.leave_keeping(settled.key) else { continue };
            if !taken {
                tracing::warn!(run = %settled.key.run, "the lease of a task was lost; its result is refused");
                self.tally.refused(&running.token);
                self.forget(settled.key.run);
                continue;
            }
            self.tally.settled(&running.token, &settled, running.ran);
            for (row, at) in settled.arrivals.iter().zip(&pending.arrivals) {
                left |= !row.direct;
                places.insert(
                    arrival_key(settled.key.run, row),
                    (running.token.clone(), *at, row.input.clone()),
                );
            }
            if !pending.results.is_empty() {
                let mut runs = self.shared.runs.lock().unwrap_or_else(PoisonError::into_inner);
                let numbers = &running.token.version.numbers.nodes;
                let results = pending.results.into_iter().map(|(n, stored)| (numbers[n], stored));
                runs.entry(settled.key.run).or_default().results.extend(results);
            }
            match (settled.fate, pending.next.filter(|_| !halted)) {
                (Fate::Move { .. }, Some(next)) => {
                    let epoch = settled.epoch + 1;
                    self.begin(running.token.moved(settled.key, next, epoch, flushed.at, None));
                }
                (Fate::End { result, .. }, _) => {
                    self.hub.ended(settled.key.run, &Ending::Completed(result));
                }
                (Fate::Move { .. }, None) => left = true,
                (Fate::Retry { .. } | Fate::Park { limit: Some(_), .. }, _) => {
                    self.due.notify_one();
                }
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

    pub(super) fn ticked(&mut self, tick: Tick) {
        if tick.recovered > 0 {
            tracing::warn!(tasks = tick.recovered, "took over from dead workers");
            let tasks = tick.recovered.unsigned_abs();
            self.tally
                .observers()
                .tell(|| tasks, |observer, tasks| observer.tasks_recovered(*tasks));
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
                log: None,
            });
        }
    }
}
