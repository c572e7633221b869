//! The model's places as they are numbered in the database, and back.

use std::time::{Duration, SystemTime};

use pgflow_core::{
    definition::NodeKind,
    lifecycle::{AttemptStatus, Place, Position},
    payload::Json,
    store::{
        Connection, RunId, TokenKey,
        claim::{Claimed, LimitedQueue},
        flush::{ArrivalRow, AttemptRow, ChildRow, Fate, Settled, Wait},
        register::{END, Numbers, PoolSize, Pools, START, register},
        stamp::Stamp,
        start::Entry,
    },
};

use super::{
    Model,
    follow::follow,
    world::{Held, Key},
};

/// How long whatever waits for time waits.
pub const MINUTE: Duration = Duration::from_secs(60);

pub struct Places<'a> {
    pub model: &'a Model,
    pub numbers: Vec<Numbers>,
    /// In the order in which they were made.
    pub runs: Vec<RunId>,
}

impl<'a> Places<'a> {
    /// Registers the workflows of a model.
    pub async fn register(sql: &mut Connection<'_>, model: &'a Model) -> Self {
        let mut numbers = Vec::new();
        for (definition, _) in &model.workflows {
            let size = |step| PoolSize { name: format!("step:{step}"), size: 1, source: None };
            let sizes = model.alone.map(size).into_iter().collect();
            let pools = Pools { sizes, ..Pools::default() };
            numbers.push(register(sql, definition, &pools).await.unwrap());
        }
        Self { model, numbers, runs: Vec::new() }
    }

    /// The numbers of a run's workflow.
    pub fn of(&self, run: usize) -> &Numbers {
        &self.numbers[self.model.which(run)]
    }

    /// All queues.
    pub fn queues(&self) -> Vec<i32> {
        self.numbers
            .iter()
            .flat_map(|n| n.tasks.iter().chain(n.control.values()))
            .copied()
            .collect()
    }

    /// The queue of the step that runs alone, with its pool.
    pub fn alone(&self) -> Option<LimitedQueue> {
        let step = self.model.alone?;
        let node = self.model.workflows[0].0.nodes.iter().position(|node| node.id == step)?;
        let numbers = &self.numbers[0];
        let pools = vec![numbers.pools[&format!("step:{step}")]];
        let (devices, queue) = (Vec::new(), numbers.tasks[node]);
        Some(LimitedQueue { queue, pools, devices, device_count: 0, rate: None })
    }

    /// All queues without limits.
    pub fn unlimited(&self) -> Vec<i32> {
        let alone = self.alone().map(|alone| alone.queue);
        self.queues().into_iter().filter(|queue| Some(*queue) != alone).collect()
    }

    pub fn number(&self, run: usize, at: Position) -> i16 {
        match at {
            Position::Start => START,
            at => at.node().map_or(END, |node| self.of(run).nodes[node]),
        }
    }

    pub fn queue(&self, run: usize, at: Position) -> i32 {
        match at {
            Position::Step(n) | Position::Element(n, _) | Position::Wake(n) => {
                self.of(run).tasks[n]
            }
            at => self.of(run).control[&self.number(run, at)],
        }
    }

    pub fn key(&self, key: Key) -> TokenKey {
        let lane = match key.lane {
            Place::Start => START,
            Place::Node(node) => self.of(key.run).nodes[node],
            Place::End => END,
        };
        TokenKey { run: self.runs[key.run], lane, elem: key.elem }
    }

    pub fn entry(&self, run: usize) -> Entry {
        let (definition, graph) = self.model.workflow(run);
        let first = graph.first();
        Entry {
            workflow_id: self.of(run).workflow_id,
            workflow: definition.name.clone(),
            node: self.number(run, first),
            queue: self.queue(run, first),
        }
    }

    fn attempt(&self, held: &Held, status: AttemptStatus) -> AttemptRow {
        AttemptRow {
            node: self.number(held.key.run, held.at),
            elem: held.at.elem().max(0),
            attempt: held.attempt.into(),
            status,
            ready_at: Stamp::from(SystemTime::UNIX_EPOCH),
            started_at: Stamp::from(SystemTime::UNIX_EPOCH),
            output: (status == AttemptStatus::Done).then(Json::null),
            error: None,
        }
    }

    fn settles(&self, held: &Held, attempt: Option<AttemptRow>, fate: Fate) -> Settled {
        Settled {
            key: self.key(held.key),
            epoch: held.epoch.into(),
            attempt,
            records: Vec::new(),
            fate,
            arrivals: Vec::new(),
            leaves_start: None,
            next_of: None,
            free: Vec::new(),
        }
    }

    pub fn retried(&self, held: &Held) -> Settled {
        let (node, queue) = (self.number(held.key.run, held.at), self.queue(held.key.run, held.at));
        let row = self.attempt(held, AttemptStatus::Failed);
        self.settles(held, Some(row), Fate::Retry { node, queue, wait: MINUTE, head: 0 })
    }

    pub fn settled(&self, held: &Held) -> Settled {
        let run = held.key.run;
        let followed = follow(self.model, held);
        let waits_on = followed.parks && followed.settled.is_empty();
        let is_row = held.at.is_task() || matches!(held.at, Position::Wake(_));
        let row = (is_row && !waits_on).then(|| self.attempt(held, AttemptStatus::Done));
        let fate = match followed.stay {
            _ if followed.ends_run => Fate::End { result: Json::null(), run_slot: None },
            None => Fate::Gone,
            Some(at) if followed.parks => self.park(held, at),
            Some(at) => {
                let (node, queue) = (self.number(run, at), self.queue(run, at));
                Fate::Move { node, queue, direct: self.model.direct, head: 0 }
            }
        };
        let bound = self.model.bound.unwrap_or(i32::MAX);
        let arrivals = followed.arrivals.iter().map(|arrival| {
            let parked = matches!(arrival.at, Position::Element(_, elem) if elem > bound);
            ArrivalRow {
                lane: self.number(run, arrival.at),
                elem: arrival.at.elem(),
                queue: self.queue(run, arrival.at),
                need: if parked { 2 } else { arrival.need },
                direct: false,
                head: 0,
                input: None,
            }
        });
        let next_of = match held.at {
            Position::Element(node, _) => self.model.bound.map(|_| self.of(run).nodes[node]),
            _ => None,
        };
        Settled { arrivals: arrivals.collect(), next_of, ..self.settles(held, row, fate) }
    }

    fn park(&self, held: &Held, at: Position) -> Fate {
        let (node, queue) = (self.number(held.key.run, at), self.queue(held.key.run, at));
        let kind = at.node().map(|n| self.model.workflow(held.key.run).0.nodes[n].kind);
        let limit = (self.model.limit && kind == Some(NodeKind::Signal)).then_some(MINUTE);
        let wait = match kind {
            Some(NodeKind::Signal) => Wait::Signal("go".into()),
            _ if held.at == at => Wait::Time,
            _ => Wait::Child(ChildRow {
                entry: self.entry(1),
                input: Json::null(),
                timeout: None,
                head: 0,
            }),
        };
        Fate::Park { node, queue, limit, wait, head: 0 }
    }

    /// What a worker knows of a token that it has claimed.
    pub fn held(&self, claimed: &Claimed) -> Held {
        let run = self.runs.iter().position(|run| *run == claimed.key.run).unwrap();
        let lane = match claimed.key.lane {
            START => Place::Start,
            END => Place::End,
            number => Place::Node(self.node(run, number)),
        };
        Held {
            key: Key { run, lane, elem: claimed.key.elem },
            epoch: claimed.epoch.try_into().unwrap(),
            attempt: claimed.attempt.try_into().unwrap(),
            at: self.position(run, claimed),
            read: None,
        }
    }

    fn node(&self, run: usize, number: i16) -> usize {
        self.of(run).nodes.iter().position(|n| *n == number).unwrap()
    }

    fn position(&self, run: usize, claimed: &Claimed) -> Position {
        let (key, number) = (claimed.key, claimed.node);
        match number {
            START => return Position::Start,
            END => return Position::End,
            _ => {}
        }
        let node = self.node(run, number);
        let entered = self.of(run).control.get(&number) == Some(&claimed.queue);
        match (entered, self.model.workflow(run).1.kind(node)) {
            (true, NodeKind::Map) if key.elem == -1 && key.lane == number => Position::Gather(node),
            (true, _) => Position::Enter(node),
            (false, NodeKind::Map) => Position::Element(node, key.elem),
            (false, NodeKind::Step) => Position::Step(node),
            (false, _) => Position::Wake(node),
        }
    }
}
