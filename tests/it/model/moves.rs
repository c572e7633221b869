//! All that may happen next: to workers, to clients, to transactions under way, and the faults.

use std::fmt;

use pgflow_core::{
    definition::NodeKind,
    lifecycle::{Position, RunState},
};

use super::{
    Act, Fault, Fence, Model,
    follow::follow,
    statements::{Statement, new_run, new_token},
    world::{Held, Key, Row, Stage, Stand, Token, Tx, Worker, World, Write},
};

/// No transaction: these statements have connections of their own.
const ANYBODY: usize = usize::MAX;

/// What happened, to tell of it.
#[derive(Debug, Clone)]
pub struct Event {
    /// A worker, or a client behind the last of them.
    pub who: usize,
    pub what: &'static str,
    statement: Option<Stage>,
}

impl Event {
    pub fn of(who: usize, what: &'static str) -> Self {
        Self { who, what, statement: None }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.who, self.what)?;
        self.statement.iter().try_for_each(|stage| write!(f, " {stage:?}"))
    }
}

impl Model {
    /// A run that is ready to begin.
    pub fn begin(&self) -> World {
        let at = self.workflows[0].1.first();
        World {
            tokens: vec![new_token(Key::at(0, at), at).readied()],
            runs: vec![new_run()],
            signal: false,
            workers: vec![Worker::default(); self.workers],
            open: vec![None; self.workers + self.clients.len()],
            acted: vec![0; self.clients.len()],
            faults: self.most_faults,
            broken: None,
        }
    }

    /// The same world with another run of the same workflow.
    pub fn also_begin(&self, world: &World) -> World {
        let at = self.workflows[0].1.first();
        let mut world = world.clone();
        world.put(new_token(Key::at(world.runs.len(), at), at).readied());
        world.runs.push(new_run());
        world
    }

    /// All worlds that may come next.
    pub fn next(&self, world: &World) -> Vec<(Event, World)> {
        let mut next = Vec::new();
        for me in 0..self.workers {
            let steps = Steps { model: self, world, me, next: &mut next };
            steps.all();
        }
        for (client, script) in self.clients.iter().enumerate() {
            let me = self.workers + client;
            if let (None, Some(act)) = (&world.open[me], script.get(world.acted[client])) {
                let mut after = world.clone();
                after.acted[client] += 1;
                after.open[me] = Some(transaction(act.job(), act.locks(self)));
                self.step(&after, me, &mut next);
            }
        }
        for me in 0..world.open.len() {
            self.go_on(world, me, &mut next);
        }
        if next.is_empty() {
            self.abort(world, &mut next);
        }
        next
    }

    /// All wait for one another: Postgres ends one of them, and it is asked again.
    fn abort(&self, world: &World, next: &mut Vec<(Event, World)>) {
        for me in 0..world.open.len() {
            let mut after = world.clone();
            let Some(tx) = after.open[me].take() else { continue };
            if me < self.workers {
                after.workers[me].again = Some(tx.job);
            } else {
                after.acted[me - self.workers] -= 1;
            }
            next.push((Event::of(me, "ends in a deadlock"), after));
        }
    }

    /// The next statement of a transaction, unless it waits.
    fn step(&self, world: &World, me: usize, next: &mut Vec<(Event, World)>) {
        let Some(tx) = world.open[me].clone() else { return };
        let event = Event { statement: tx.todo.last().cloned(), ..Event::of(me, "sends") };
        if let Some(tx) = (Statement { model: self, world, me, tx }).run() {
            let mut after = world.clone();
            after.open[me] = Some(tx);
            next.push((event, after));
        }
    }

    fn go_on(&self, world: &World, me: usize, next: &mut Vec<(Event, World)>) {
        let Some(tx) = &world.open[me] else { return };
        if !tx.todo.is_empty() {
            return self.step(world, me, next);
        }
        let mut after = world.clone();
        let Some(tx) = after.open[me].take() else { return };
        let gone = world.workers.get(me).is_some_and(|w| w.dead);
        let may_break = me < self.workers && !gone && self.may(world, Fault::AnswerLost);
        for (commits, answered) in [(true, true), (true, false), (false, false)] {
            if !(answered || may_break || gone) {
                continue;
            }
            let mut after = after.clone();
            if commits {
                after.apply(tx.writes.clone(), |run, node| self.waits_for(run, node));
            }
            if answered && !gone {
                self.answer(&mut after, me, &tx);
            } else if !gone {
                after.faults -= 1;
                after.workers[me].again = Some(tx.job.clone());
            }
            let what = match (commits, answered) {
                (true, true) => "commits",
                (true, false) => "commits, and the answer is lost",
                _ => "loses its connection before the commit",
            };
            next.push((Event::of(me, what), after));
        }
    }

    /// A worker hears what its flush did.
    fn answer(&self, world: &mut World, me: usize, tx: &Tx) {
        if me >= self.workers {
            return;
        }
        world.workers[me].holds.retain(|held| !tx.leave.contains(&held.key));
        world.workers[me].doubt |= tx.repeated;
        for held in &tx.begin {
            Self::begins(world, me, *held);
        }
    }

    /// A worker begins something.
    fn begins(world: &mut World, me: usize, held: Held) {
        let run = &world.runs[held.key.run];
        let leased = !world.workers[me].lease_over;
        let others = world.workers.iter().enumerate().filter(|(i, _)| *i != me);
        for other in others.flat_map(|(_, w)| w.holds.iter().map(move |h| (w, h))) {
            let (worker, theirs) = other;
            let same = (theirs.key, theirs.at) == (held.key, held.at) && held.at.is_task();
            if theirs.key == held.key && theirs.epoch == held.epoch {
                world.broken = Some("two hold a token at one epoch");
                return;
            }
            if same && leased && !worker.lease_over {
                world.broken = Some("two workers with leases run one task");
                return;
            }
        }
        let done = |row: &Row| {
            row.done && held.at.node() == Some(row.node) && row.elem == held.at.elem().max(0)
        };
        if leased && held.at.is_task() && run.rows.iter().any(done) {
            world.broken = Some("a task runs again whose completion was committed");
        } else if run.paused {
            world.broken = Some("something begins in a paused run");
        }
        world.workers[me].holds.push(held);
        world.workers[me].holds.sort_unstable_by_key(|h| h.key);
    }

    fn may(&self, world: &World, fault: Fault) -> bool {
        world.faults > 0 && self.faults.contains(&fault)
    }

    /// The nodes that a node waits for in the definition, unreduced, as bits.
    fn waits_for(&self, run: usize, node: usize) -> u32 {
        let nodes = &self.workflow(run).0.nodes;
        let index = |id: &str| nodes.iter().position(|n| n.id == id).unwrap();
        nodes[node].waits_for().fold(0, |bits, id| bits | 1 << index(id))
    }
}

impl Act {
    fn job(self) -> Stage {
        match self {
            Self::Cancel => Stage::End(0, RunState::Cancelled, None),
            Self::Signal => Stage::Signal,
            Self::Pause => Stage::Pause(0),
            Self::Resume => Stage::Resume(0),
        }
    }

    fn locks(self, model: &Model) -> bool {
        self != Self::Signal || !model.lacks(Fence::SignalLock)
    }
}

fn transaction(job: Stage, lock: bool) -> Tx {
    let lock = lock.then_some(Stage::Lock(0));
    Tx {
        todo: [job.clone()].into_iter().chain(lock).collect(),
        job,
        repeated: false,
        locks: Vec::new(),
        writes: Vec::new(),
        leave: Vec::new(),
        begin: Vec::new(),
    }
}

/// What one worker may do, or may happen to it.
struct Steps<'a> {
    model: &'a Model,
    world: &'a World,
    me: usize,
    next: &'a mut Vec<(Event, World)>,
}

impl Steps<'_> {
    fn worker(&self) -> &Worker {
        &self.world.workers[self.me]
    }

    fn push(&mut self, what: &'static str, change: impl FnOnce(&Model, &mut World)) {
        let mut after = self.world.clone();
        change(self.model, &mut after);
        self.next.push((Event::of(self.me, what), after));
    }

    fn all(mut self) {
        self.take();
        self.fail();
        if self.worker().dead {
            return;
        }
        self.look();
        self.read();
        self.flush();
        self.hand_back();
        self.dispel();
        self.recover();
        self.tick();
    }

    /// The first half of a claim: reads candidates, without locks.
    fn look(&mut self) {
        let worker = self.worker();
        let leased = !worker.lease_over || self.model.lacks(Fence::Lease);
        let room = worker.holds.len() < self.model.slots;
        if !leased || !room || worker.doubt || worker.looked.is_some() {
            return;
        }
        let ready = self.world.tokens.iter().filter(|t| t.stand == Stand::Ready);
        for key in ready.map(|t| t.key).collect::<Vec<_>>() {
            let me = self.me;
            self.push("looks for work", |_, world| world.workers[me].looked = Some(key));
        }
    }

    /// The second half: locks what it found, looks whether it is still ready, and commits.
    fn take(&mut self) {
        let (Some(key), me) = (self.worker().looked, self.me) else { return };
        let token = self
            .world
            .token(key)
            .filter(|t| t.stand == Stand::Ready || self.model.lacks(Fence::ClaimLooksAgain));
        let token = token.filter(|t| !self.world.is_locked(ANYBODY, t.key)).cloned();
        let Some(token) = token else {
            return self.push("finds it gone", |_, world| world.workers[me].looked = None);
        };
        let epoch = token.epoch + u8::from(!self.model.lacks(Fence::ClaimRaisesEpoch));
        let Token { attempt, at, .. } = token;
        let held = Held { key, epoch, attempt, at, read: None };
        let taken = Token { epoch, stand: Stand::Held(me), ..token };
        let gone = self.worker().dead;
        if !gone && self.model.may(self.world, Fault::AnswerLost) {
            self.push("claims, and the answer is lost", |_, world| {
                world.put(taken.clone());
                world.faults -= 1;
                world.workers[me].looked = None;
                world.workers[me].doubt = true;
            });
        }
        self.push("claims", |_, world| {
            world.put(taken);
            world.workers[me].looked = None;
            if !gone {
                Model::begins(world, me, held);
            }
        });
    }

    /// Reads the signal or the child that a token waited for.
    fn read(&mut self) {
        let me = self.me;
        for (i, held) in self.worker().holds.clone().into_iter().enumerate() {
            if !matches!(held.at, Position::Wake(_)) || held.read.is_some() {
                continue;
            }
            let ended = self
                .world
                .runs
                .iter()
                .any(|r| r.parent == Some(held.key) && r.state != RunState::Live);
            let there = match self.kind(&held) {
                Some(NodeKind::Child) => ended,
                _ => self.world.signal,
            };
            self.push("reads what it waited for", |_, world| {
                world.workers[me].holds[i].read = Some(there);
            });
        }
    }

    fn kind(&self, held: &Held) -> Option<NodeKind> {
        held.at.node().map(|node| self.model.workflow(held.key.run).0.nodes[node].kind)
    }

    /// Completes what it holds, one by one or all at once; or a step fails for good.
    fn flush(&mut self) {
        if self.world.open[self.me].is_some() {
            return;
        }
        if let Some(job) = self.worker().again.clone() {
            return self.send(job, true);
        }
        if self.worker().doubt {
            return;
        }
        let holds = self.worker().holds.clone();
        let known = |h: &&Held| !matches!(h.at, Position::Wake(_)) || h.read.is_some();
        let done: Vec<Held> = holds.iter().filter(known).copied().collect();
        for held in &done {
            let late = self.model.limit && held.read == Some(false);
            if late || (held.at.is_task() && self.model.step_fails) {
                self.send(Stage::End(held.key.run, RunState::Failed, Some(*held)), false);
            }
            if !late {
                self.send(Stage::Settle(vec![*held]), false);
            }
            if held.at.is_task() && self.model.may(self.world, Fault::Retry) {
                self.send(Stage::Retry(*held), false);
            }
        }
        if done.len() > 1 && !self.model.limit {
            self.send(Stage::Settle(done), false);
        }
    }

    fn send(&mut self, job: Stage, repeated: bool) {
        let lock = match &job {
            Stage::Settle(all) => {
                let parks =
                    |h: &Held| follow(self.model, h).parks && self.model.waits_for_signal(h);
                all.iter().any(parks) && !self.model.lacks(Fence::SignalLock)
            }
            Stage::Retry(_) => false,
            _ => true,
        };
        let mut after = self.world.clone();
        let mut tx = transaction(job, lock);
        if let (Stage::End(run, ..), Some(Stage::Lock(locked))) = (&tx.job, tx.todo.last_mut()) {
            *locked = *run;
        }
        tx.repeated = repeated;
        after.workers[self.me].again = None;
        after.faults -= u8::from(matches!(tx.job, Stage::Retry(_)));
        after.open[self.me] = Some(tx);
        self.model.step(&after, self.me, self.next);
    }

    fn hand_back(&mut self) {
        if !self.model.may(self.world, Fault::HandBack) || self.world.open[self.me].is_some() {
            return;
        }
        let me = self.me;
        for held in self.worker().holds.clone() {
            if !self.world.is_locked(ANYBODY, held.key) {
                self.push("hands back", |_, world| {
                    world.faults -= 1;
                    world.workers[me].holds.retain(|h| *h != held);
                    give_back(world, me, &held.key, held.epoch);
                });
            }
        }
    }

    /// After an answer was lost: asks what it holds, and hands back what it does not know of.
    fn dispel(&mut self) {
        let (worker, me) = (self.worker(), self.me);
        let quiet =
            worker.looked.is_none() && worker.again.is_none() && self.world.open[me].is_none();
        if !worker.doubt || !quiet {
            return;
        }
        let known = |t: &Token| worker.holds.iter().any(|h| (h.key, h.epoch) == (t.key, t.epoch));
        let held = self.world.tokens.iter().filter(|t| t.stand == Stand::Held(me) && !known(t));
        let strays: Vec<(Key, u8)> = held.map(|t| (t.key, t.epoch)).collect();
        if strays.iter().any(|(key, _)| self.world.is_locked(ANYBODY, *key)) {
            return;
        }
        self.push("asks what it holds", |model, world| {
            world.workers[me].doubt = false;
            if !model.lacks(Fence::AskWhatIsHeld) {
                for (key, epoch) in &strays {
                    give_back(world, me, key, *epoch);
                }
            }
        });
    }

    /// Takes over from the dead.
    fn recover(&mut self) {
        let model = self.model;
        let dead = |world: &World, i: usize| {
            let worker = &world.workers[i];
            worker.lease_over && !(worker.swept && model.lacks(Fence::SweepAgain))
        };
        let lost = |t: &&Token| {
            matches!(t.stand, Stand::Held(i) if dead(self.world, i))
                && !self.world.is_locked(ANYBODY, t.key)
        };
        let lost: Vec<Token> = self.world.tokens.iter().filter(lost).cloned().collect();
        let sweeps =
            (0..model.workers).any(|i| dead(self.world, i)) && model.lacks(Fence::SweepAgain);
        if self.worker().lease_over || (lost.is_empty() && !sweeps) {
            return;
        }
        self.push("recovers", |model, world| {
            for worker in world.workers.iter_mut().filter(|w| w.lease_over) {
                worker.swept = model.lacks(Fence::SweepAgain);
            }
            for token in lost {
                let (run, elem) = (token.key.run, token.at.elem().max(0));
                if let Position::Step(node) | Position::Element(node, _) | Position::Wake(node) =
                    token.at
                {
                    let row = Row { node, elem, attempt: token.attempt, done: false };
                    world.apply(vec![Write::Attempt(run, row)], |_, _| 0);
                }
                let epoch = token.epoch + u8::from(!model.lacks(Fence::RecoveryRaisesEpoch));
                let (attempt, losses) = (token.attempt + 1, token.losses + 1);
                world.put(Token { epoch, attempt, losses, ..token }.readied());
            }
        });
    }

    /// Limits of waits run out.
    fn tick(&mut self) {
        let due = |t: &&Token| t.stand == Stand::Due && !self.world.is_locked(ANYBODY, t.key);
        let due: Vec<Token> = self.world.tokens.iter().filter(due).cloned().collect();
        if !due.is_empty() && !self.worker().lease_over {
            self.push("ticks", |_, world| due.into_iter().for_each(|t| world.put(t.readied())));
        }
    }

    /// Dies, or goes on after its lease has run out.
    fn fail(&mut self) {
        let (worker, me) = (self.worker(), self.me);
        if worker.dead && !worker.lease_over {
            self.push("its lease runs out", |_, world| world.workers[me].lease_over = true);
        }
        let well = |w: &Worker| !w.dead && !w.lease_over;
        let others = self.world.workers.iter().enumerate().any(|(i, w)| i != me && well(w));
        if !well(self.worker()) || !others {
            return;
        }
        if self.model.may(self.world, Fault::Crash) {
            self.push("dies", |_, world| {
                world.faults -= 1;
                let Worker { looked, swept, .. } = world.workers[me];
                world.workers[me] = Worker { dead: true, looked, swept, ..Worker::default() };
            });
        }
        if self.model.may(self.world, Fault::Freeze) {
            self.push("loses its lease and goes on", |_, world| {
                world.faults -= 1;
                world.workers[me].lease_over = true;
            });
        }
    }
}

impl Model {
    fn waits_for_signal(&self, held: &Held) -> bool {
        let at = follow(self, held).stay.and_then(Position::node);
        let kind = at.map(|node| self.workflow(held.key.run).0.nodes[node].kind);
        kind == Some(NodeKind::Signal)
    }
}

fn give_back(world: &mut World, me: usize, key: &Key, epoch: u8) {
    let held = |t: &&Token| t.epoch == epoch && t.stand == Stand::Held(me);
    if let Some(token) = world.token(*key).filter(held).cloned() {
        world.put(Token { epoch: epoch + 1, ..token }.readied());
    }
}
