//! The statements of `pgflow-core/migrations/` as far as tokens, runs and their fences go. `None`: it waits for a row that
//! another transaction has written.

use std::collections::BTreeMap;

use pgflow_core::{
    definition::NodeKind,
    lifecycle::{Position, RunState},
};

use super::{
    Fence, Model,
    follow::{Followed, follow},
    world::{Held, Key, Row, Run, Stage, Stand, Token, Tx, World, Write},
};

/// A statement of one transaction.
pub struct Statement<'a> {
    pub model: &'a Model,
    pub world: &'a World,
    /// Whose transaction it is.
    pub me: usize,
    pub tx: Tx,
}

impl Statement<'_> {
    /// Runs the next one of the transaction.
    pub fn run(mut self) -> Option<Tx> {
        match self.tx.todo.pop()? {
            Stage::Lock(run) => {
                if self.world.others(self.me).any(|tx| tx.locks.contains(&run)) {
                    return None;
                }
                self.tx.locks.push(run);
                // nothing that matters lies between a lock and the statement after it
                let locked = self.tx.clone();
                return self.run().or(Some(locked));
            }
            Stage::Settle(held) => self.settle(&held)?,
            Stage::Retry(held) => self.retry(&held)?,
            Stage::End(run, state, holder) => self.end(run, state, holder)?,
            Stage::EndChildren(run) => self.end_children(run),
            Stage::Find(run) => self.find(run),
            Stage::Delete(keys) => self.each(&keys, |tx, token| tx.push(Write::Gone(token.key)))?,
            Stage::Ended(run, state) => self.ended(run, state)?,
            Stage::Signal => self.signal()?,
            Stage::Pause(run) => self.pause(run),
            Stage::FindUnpaused(run) => self.find_unpaused(run),
            Stage::Mark(keys) => self.each(&keys, |tx, token| {
                if !token.paused && token.is_full() {
                    let stand =
                        if token.stand == Stand::Ready { Stand::Still } else { token.stand };
                    tx.push(Write::Put(Token { paused: true, stand, ..token }));
                }
            })?,
            Stage::Paused(run) => {
                if self.world.state(&self.tx, run) != Some(RunState::Live) {
                    self.tx.writes.push(Write::Pause(run, false));
                }
            }
            Stage::Resume(run) => self.resume(run),
            Stage::FindPaused(run) => self.find_paused(run),
            Stage::Unmark(keys) => self.each(&keys, |tx, token| {
                let waits = token.stand == Stand::Still && token.is_full();
                let token = Token { paused: false, ..token };
                tx.push(Write::Put(if waits { token.readied() } else { token }));
            })?,
        }
        Some(self.tx)
    }

    /// Does something to each of the rows that is still there, as it is now; waits for those that are locked.
    fn each(&mut self, keys: &[Key], write: impl Fn(&mut Vec<Write>, Token)) -> Option<()> {
        if keys.iter().any(|key| self.world.is_locked(self.me, *key)) {
            return None;
        }
        for key in keys {
            if let Some(token) = self.world.row(&self.tx, *key) {
                write(&mut self.tx.writes, token);
            }
        }
        Some(())
    }

    fn then(&mut self, stages: impl IntoIterator<Item = Stage>) {
        let at = self.tx.todo.len();
        for stage in stages {
            self.tx.todo.insert(at, stage);
        }
    }

    fn put(&mut self, token: Token) {
        self.tx.writes.push(Write::Put(token));
    }

    /// `flush`.
    fn settle(&mut self, all: &[Held]) -> Option<()> {
        if all.iter().any(|held| self.world.is_locked(self.me, held.key)) {
            return None;
        }
        self.tx.leave.extend(all.iter().map(|held| held.key));
        let (mut arrivals, mut more) = (BTreeMap::new(), Vec::new());
        for held in all {
            let taken = self.world.row(&self.tx, held.key).filter(|row| self.is_held(row, held));
            let followed = follow(self.model, held);
            if taken.is_some() || self.model.lacks(Fence::OnlyWhatWasTaken) {
                let paused = taken.as_ref().is_some_and(|row| row.paused);
                for arrival in &followed.arrivals {
                    let key = Key::at(held.key.run, arrival.at);
                    let (at, need, n, p) = arrivals.entry(key).or_insert((arrival.at, 0, 0, false));
                    (*at, *need, *n, *p) =
                        (arrival.at, (*need).max(arrival.need), *n + 1, *p | paused);
                }
                if matches!(held.at, Position::Element(..)) {
                    more.push((held.key, paused));
                }
            }
            if let Some(row) = taken {
                self.go_on(row, held, &followed)?;
            }
        }
        for (key, (at, need, n, paused)) in arrivals {
            self.arrive(key, at, need, n, paused)?;
        }
        for (key, paused) in more {
            self.next_element(key, paused);
        }
        for held in all {
            self.look_again(held);
        }
        Some(())
    }

    fn retry(&mut self, held: &Held) -> Option<()> {
        if self.world.is_locked(self.me, held.key) {
            return None;
        }
        self.tx.leave.push(held.key);
        let row = self.world.row(&self.tx, held.key).filter(|row| self.is_held(row, held));
        let (Some(token), Some(node)) = (row, held.at.node()) else { return Some(()) };
        let elem = held.at.elem().max(0);
        let failed = Row { node, elem, attempt: held.attempt, done: false };
        self.tx.writes.push(Write::Attempt(held.key.run, failed));
        let (epoch, attempt) = (token.epoch + 1, token.attempt + 1);
        self.put(Token { epoch, attempt, stand: Stand::Due, ..token });
        Some(())
    }

    fn is_held(&self, row: &Token, held: &Held) -> bool {
        (row.epoch == held.epoch || self.model.lacks(Fence::Epoch))
            && (row.stand == Stand::Held(self.me) || self.model.lacks(Fence::Holder))
    }

    /// One token, and what is written down of it.
    fn go_on(&mut self, row: Token, held: &Held, followed: &Followed) -> Option<()> {
        let run = row.key.run;
        if let (Position::Step(node) | Position::Element(node, _) | Position::Wake(node), false) =
            (held.at, followed.parks && followed.settled.is_empty())
        {
            let elem = held.at.elem().max(0);
            let row = Row { node, elem, attempt: held.attempt, done: true };
            self.tx.writes.push(Write::Attempt(run, row));
        }
        let settled = followed.settled.iter().map(|node| Write::Settled(run, *node));
        self.tx.writes.extend(settled);
        let Some(at) = followed.stay.filter(|_| !followed.ends_run) else {
            self.tx.writes.push(Write::Gone(row.key));
            return if followed.ends_run { self.ended(run, RunState::Completed) } else { Some(()) };
        };
        let epoch = row.epoch + u8::from(!self.model.lacks(Fence::MoveRaisesEpoch));
        // who waits on was there before
        let again = at == held.at && !self.model.lacks(Fence::WaitsOnAsItWas);
        let attempt = if again { row.attempt } else { 1 };
        let moved = Token { at, epoch, attempt, losses: 0, stand: Stand::Still, ..row };
        if followed.parks {
            let waits_for_time = self.model.limit && self.kind(run, at) == Some(NodeKind::Signal);
            let stand = if waits_for_time { Stand::Due } else { Stand::Still };
            let starts = self.kind(run, at) == Some(NodeKind::Child) && held.at != at;
            let (key, paused) = (moved.key, moved.paused);
            self.put(Token { stand, ..moved });
            if starts {
                self.start_child(key, paused);
            }
        } else {
            self.place(moved, self.model.direct);
        }
        Some(())
    }

    /// A token that may begin: here, or wherever it is claimed.
    fn place(&mut self, token: Token, here: bool) {
        if here && !token.paused {
            let Token { key, epoch, attempt, at, .. } = token;
            self.tx.begin.push(Held { key, epoch, attempt, at, read: None });
            self.put(Token { stand: Stand::Held(self.me), ..token });
        } else {
            self.put(token.readied());
        }
    }

    fn kind(&self, run: usize, at: Position) -> Option<NodeKind> {
        at.node().map(|node| self.model.workflow(run).0.nodes[node].kind)
    }

    fn start_child(&mut self, parent: Key, paused: bool) {
        let run = self.world.runs.len();
        let at = self.model.workflow(run).1.first();
        let paused = paused && !self.model.lacks(Fence::ChildInheritsPause);
        self.tx.writes.push(Write::Start(Run { parent: Some(parent), paused, ..new_run() }));
        self.put(Token { paused, ..new_token(Key::at(run, at), at) }.readied());
    }

    /// The upsert.
    fn arrive(&mut self, key: Key, at: Position, need: u32, n: u32, paused: bool) -> Option<()> {
        let blind = self.model.lacks(Fence::JoinUpsert);
        if !blind && self.world.is_locked(self.me, key) {
            return None;
        }
        let bound = self.model.bound.filter(|_| matches!(at, Position::Element(..)));
        let parked = bound.is_some_and(|bound| key.elem > bound);
        let token = match self.world.row(&self.tx, key) {
            Some(row) => Token {
                arrived: row.arrived + n,
                epoch: row.epoch + 1,
                paused: row.paused || paused,
                ..row
            },
            None => Token {
                need: if parked {
                    2
                } else if need == 0 {
                    u32::MAX
                } else {
                    need
                },
                arrived: n,
                paused,
                ..new_token(key, at)
            },
        };
        let joined = token.need > 1;
        if token.is_full() {
            self.place(token, joined && self.model.direct);
        } else {
            self.put(Token { stand: Stand::Still, ..token });
        }
        Some(())
    }

    /// An element of a bounded map has ended: another may begin.
    fn next_element(&mut self, ended: Key, paused: bool) {
        let next = self.world.rows(&self.tx).into_iter().find(|t| {
            (t.key.run, t.key.lane) == (ended.run, ended.lane)
                && t.key.elem > 0
                && !t.is_full()
                && !self.world.is_locked(self.me, t.key)
        });
        if let Some(token) = next {
            let paused = token.paused || paused;
            self.put(Token { arrived: token.need, paused, ..token }.readied());
        }
    }

    /// What parked may have come meanwhile.
    fn look_again(&mut self, held: &Held) {
        let Some(row) = self.world.row(&self.tx, held.key) else { return };
        let parked = matches!(row.at, Position::Wake(_)) && !matches!(row.stand, Stand::Held(_));
        if !parked || !self.tx.writes.iter().any(|w| w.key() == Some(held.key)) {
            return;
        }
        let came = match self.kind(held.key.run, row.at) {
            Some(NodeKind::Signal) => self.world.signal,
            Some(NodeKind::Child) if held.at == row.at && !self.model.lacks(Fence::ParkLooks) => {
                self.world
                    .runs
                    .iter()
                    .all(|r| r.parent != Some(held.key) || r.state != RunState::Live)
            }
            _ => false,
        };
        if came {
            self.put(row.readied());
        }
    }

    /// Sets the state of the run and makes its parent's token ready.
    fn ended(&mut self, run: usize, state: RunState) -> Option<()> {
        if self
            .world
            .others(self.me)
            .any(|tx| tx.writes.iter().any(|w| matches!(w, Write::End(r, _) if *r == run)))
        {
            return None;
        }
        if self.world.state(&self.tx, run) != Some(RunState::Live)
            && !self.model.lacks(Fence::StateOnce)
        {
            return Some(());
        }
        self.tx.writes.push(Write::End(run, state));
        let Some(parent) = self.world.runs[run].parent else { return Some(()) };
        let waits = |t: &Token| t.is_full() && t.stand == Stand::Still;
        if self.model.lacks(Fence::WakeTouches) && !self.world.token(parent).is_some_and(waits) {
            return Some(());
        }
        self.each(&[parent], |tx, token| {
            tx.push(Write::Put(if waits(&token) { token.readied() } else { token }));
        })
    }

    fn end(&mut self, run: usize, state: RunState, holder: Option<Held>) -> Option<()> {
        if let Some(held) = holder {
            if self.world.is_locked(self.me, held.key) {
                return None;
            }
            self.tx.leave.push(held.key);
            if !self.world.row(&self.tx, held.key).is_some_and(|row| self.is_held(&row, &held)) {
                return Some(());
            }
            self.tx.writes.push(Write::Gone(held.key));
        }
        let last = (!self.model.lacks(Fence::ChildrenLast)).then_some(Stage::EndChildren(run));
        let stages = [Stage::EndChildren(run), Stage::Find(run)].into_iter().chain(last);
        self.then(stages.chain([Stage::Ended(run, state)]));
        Some(())
    }

    fn end_children(&mut self, run: usize) {
        let children = self.world.runs.iter().enumerate().filter(|(i, r)| {
            r.parent.is_some_and(|p| p.run == run)
                && self.world.state(&self.tx, *i) == Some(RunState::Live)
        });
        let ends: Vec<Stage> = children
            .flat_map(|(i, _)| [Stage::Lock(i), Stage::End(i, RunState::Cancelled, None)])
            .collect();
        self.then(ends);
    }

    /// One pass of the ender: what a fresh snapshot shows is deleted, until one shows nothing.
    fn find(&mut self, run: usize) {
        let keys = self.keys(run, |_| true);
        if !keys.is_empty() {
            let again = (!self.model.lacks(Fence::EnderLooksAgain)).then_some(Stage::Find(run));
            self.then([Stage::Delete(keys)].into_iter().chain(again));
        }
    }

    fn keys(&self, run: usize, which: impl Fn(&Token) -> bool) -> Vec<Key> {
        let rows = self.world.rows(&self.tx).into_iter();
        rows.filter(|t| t.key.run == run && which(t)).map(|t| t.key).collect()
    }

    fn signal(&mut self) -> Option<()> {
        if self.world.runs[0].state != RunState::Live {
            return Some(());
        }
        self.tx.writes.push(Write::Signal);
        let waits = |t: &Token| {
            matches!(t.at, Position::Wake(_)) && matches!(t.stand, Stand::Still | Stand::Due)
        };
        let keys = self.keys(0, waits);
        self.each(&keys, |tx, token| {
            if waits(&token) {
                tx.push(Write::Put(token.readied()));
            }
        })
    }

    fn pause(&mut self, run: usize) {
        if self.world.runs[run].state == RunState::Live && !self.world.runs[run].paused {
            self.tx.writes.push(Write::Pause(run, true));
            self.then([Stage::FindUnpaused(run), Stage::Paused(run)]);
        }
    }

    fn find_unpaused(&mut self, run: usize) {
        let keys = self.keys(run, |t| !t.paused && t.is_full());
        if !keys.is_empty() {
            let again =
                (!self.model.lacks(Fence::PauseLooksAgain)).then_some(Stage::FindUnpaused(run));
            self.then([Stage::Mark(keys)].into_iter().chain(again));
            return;
        }
        let children = self.live_children(run, false);
        self.then(children.flat_map(|c| [Stage::Lock(c), Stage::Pause(c)]).collect::<Vec<_>>());
    }

    fn resume(&mut self, run: usize) {
        if self.world.runs[run].state == RunState::Live && self.world.runs[run].paused {
            self.tx.writes.push(Write::Pause(run, false));
            self.then([Stage::FindPaused(run)]);
        }
    }

    fn find_paused(&mut self, run: usize) {
        let keys = self.keys(run, |t| t.paused);
        if !keys.is_empty() {
            let again =
                (!self.model.lacks(Fence::ResumeLooksAgain)).then_some(Stage::FindPaused(run));
            self.then([Stage::Unmark(keys)].into_iter().chain(again));
            return;
        }
        let children = self.live_children(run, true);
        self.then(children.flat_map(|c| [Stage::Lock(c), Stage::Resume(c)]).collect::<Vec<_>>());
    }

    fn live_children(&self, run: usize, paused: bool) -> impl Iterator<Item = usize> + use<'_> {
        self.world.runs.iter().enumerate().filter_map(move |(i, r)| {
            let own = r.parent.is_some_and(|p| p.run == run);
            (own && r.state == RunState::Live && r.paused == paused).then_some(i)
        })
    }
}

/// As they are inserted.
pub fn new_run() -> Run {
    Run {
        state: RunState::Live,
        ends: 0,
        parent: None,
        paused: false,
        rows: Vec::new(),
        settled: 0,
    }
}

/// As they are inserted.
pub fn new_token(key: Key, at: Position) -> Token {
    Token {
        key,
        at,
        epoch: 1,
        attempt: 1,
        losses: 0,
        need: 1,
        arrived: 1,
        stand: Stand::Still,
        paused: false,
    }
}
