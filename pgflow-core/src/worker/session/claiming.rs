//! Looking for work, and what a broken connection leaves in doubt.

use std::{
    collections::HashSet,
    sync::PoisonError,
    time::{Duration, Instant},
};

use crate::store::{
    Connection, HeldSlot, StoreError, TokenKey, answered,
    claim::{Claimed, LimitedQueue, claim, claim_limited},
    upkeep::{held, set_idle},
};

use super::{
    super::{
        flusher::Work,
        serve::{LOSSES_MAX, Shared},
        token::Token,
    },
    Doubt, Message, ServedQueue, Session, watched,
};

/// When to look once more after saying that there is nothing to do.
const AFTERTHOUGHT: Duration = Duration::from_millis(50);

impl Session {
    pub(super) fn room(&self) -> usize {
        self.slots.saturating_sub(self.state.running.len())
    }

    pub(super) fn claim(&mut self) {
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
        let Some(ServedQueue { version, node: Some(node) }) = self.queues.get(&queue) else {
            return i32::MAX;
        };
        version.tasks[*node].as_ref().map_or(i32::MAX, |plan| self.ledger.room(plan, &self.offer))
    }

    pub(super) fn claimed(&mut self, result: Result<Vec<Claimed>, StoreError>) {
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
    pub(super) fn dispel(&mut self) {
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
    pub(super) fn held(&mut self, held: Result<Vec<(TokenKey, i32, Vec<HeldSlot>)>, StoreError>) {
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
            let at = version.position(claimed.key, claimed.node, claimed.queue)?;
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
        let share = version.plan(at).map(|plan| self.ledger.take(plan, &self.offer));
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
            trace: claimed.trace.and_then(|trace| trace.parse().ok()),
            deadline: claimed.left.map(|left| Instant::now() + left),
            slots: claimed.slots,
            share: share.unwrap_or_default(),
        };
        // of two tasks that may kill their worker one at a time, so that it shows which does
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
        connection: &mut Connection<'_>,
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
