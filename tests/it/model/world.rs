//! What there is: the rows that the engine's statements read and write, what workers know, and transactions under way.

use pgflow_core::lifecycle::{Place, Position, RunState};

/// The key of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub run: usize,
    pub lane: Place,
    pub elem: i32,
}

impl Key {
    /// Of a token that is born at a position.
    pub fn at(run: usize, at: Position) -> Self {
        let lane = match at {
            Position::Start => Place::Start,
            at => at.node().map_or(Place::End, Place::Node),
        };
        Self { run, lane, elem: at.elem() }
    }
}

/// What the columns `ready_in`, `due_at` and `worker_id` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stand {
    /// Waits for arrivals, a signal, a child, or the end of a pause.
    Still,
    Ready,
    Due,
    Held(usize),
}

/// A row of `task`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token {
    pub key: Key,
    pub at: Position,
    pub epoch: u8,
    pub attempt: u8,
    pub losses: u8,
    pub need: u32,
    pub arrived: u32,
    pub stand: Stand,
    pub paused: bool,
}

impl Token {
    pub fn is_full(&self) -> bool {
        self.arrived >= self.need
    }

    /// Ready as far as it may be.
    pub fn readied(self) -> Self {
        Self { stand: if self.paused { Stand::Still } else { Stand::Ready }, ..self }
    }
}

/// A row of `attempt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row {
    pub node: usize,
    pub elem: i32,
    pub attempt: u8,
    pub done: bool,
}

/// A row of `run`, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Run {
    pub state: RunState,
    /// How often its state has changed.
    pub ends: u8,
    /// The token that waits for its end.
    pub parent: Option<Key>,
    pub paused: bool,
    pub rows: Vec<Row>,
    /// Nodes that have settled, as a bit each.
    pub settled: u32,
}

/// What a worker knows of a token that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held {
    pub key: Key,
    pub epoch: u8,
    pub attempt: u8,
    pub at: Position,
    /// What it read of the signal or child that the token waited for: nothing yet, not there, there.
    pub read: Option<bool>,
}

/// A worker under one id.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Worker {
    pub dead: bool,
    pub lease_over: bool,
    /// Recovery has looked for what it held.
    pub swept: bool,
    pub holds: Vec<Held>,
    /// A claim that has read this candidate and has not locked it yet.
    pub looked: Option<Key>,
    /// A flush whose answer was lost, to be sent again.
    pub again: Option<Stage>,
    /// The database may think that it holds what it does not know of.
    pub doubt: bool,
}

/// What a transaction still has to do: statements that each see what was committed before they begin. One that waits for
/// rows has read *which* before it waits; what these rows hold it reads when it has them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The run's advisory lock.
    Lock(usize),
    /// `flush`: tokens that settle.
    Settle(Vec<Held>),
    /// `flush`: an attempt failed and is followed by another.
    Retry(Held),
    /// `end_run`, with the token whose failure ends the run, or without.
    End(usize, RunState, Option<Held>),
    EndChildren(usize),
    Find(usize),
    Delete(Vec<Key>),
    Ended(usize, RunState),
    Signal,
    Pause(usize),
    FindUnpaused(usize),
    Mark(Vec<Key>),
    Paused(usize),
    Resume(usize),
    FindPaused(usize),
    Unmark(Vec<Key>),
}

/// A write that nobody else sees yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Write {
    Put(Token),
    Gone(Key),
    Attempt(usize, Row),
    Settled(usize, usize),
    Start(Run),
    End(usize, RunState),
    Signal,
    Pause(usize, bool),
}

impl Write {
    /// The row of `task` that it locks.
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::Put(token) => Some(token.key),
            Self::Gone(key) => Some(*key),
            _ => None,
        }
    }
}

/// A transaction under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tx {
    /// What was asked for, to be asked again.
    pub job: Stage,
    /// Its second time.
    pub repeated: bool,
    /// The next one last.
    pub todo: Vec<Stage>,
    pub locks: Vec<usize>,
    pub writes: Vec<Write>,
    /// What the answer says: these are no longer here, those begin here.
    pub leave: Vec<Key>,
    pub begin: Vec<Held>,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// By key.
    pub tokens: Vec<Token>,
    pub runs: Vec<Run>,
    pub signal: bool,
    pub workers: Vec<Worker>,
    /// Of each worker, then of each client.
    pub open: Vec<Option<Tx>>,
    /// How much of its script each client has done.
    pub acted: Vec<usize>,
    /// Faults that may still happen.
    pub faults: u8,
    /// A property that a transition broke.
    pub broken: Option<&'static str>,
}

impl World {
    pub fn token(&self, key: Key) -> Option<&Token> {
        self.tokens.binary_search_by_key(&key, |t| t.key).ok().map(|i| &self.tokens[i])
    }

    /// The row as a transaction sees it.
    pub fn row(&self, tx: &Tx, key: Key) -> Option<Token> {
        let own = tx.writes.iter().rev().find(|w| w.key() == Some(key));
        match own {
            Some(Write::Put(token)) => Some(token.clone()),
            Some(_) => None,
            None => self.token(key).cloned(),
        }
    }

    /// All rows as a transaction sees them.
    pub fn rows(&self, tx: &Tx) -> Vec<Token> {
        let written = tx.writes.iter().filter_map(Write::key);
        let mut keys: Vec<Key> = self.tokens.iter().map(|t| t.key).chain(written).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().filter_map(|key| self.row(tx, key)).collect()
    }

    /// The state of a run as a transaction sees it.
    pub fn state(&self, tx: &Tx, run: usize) -> Option<RunState> {
        let own = tx.writes.iter().rev().find_map(|w| match w {
            Write::End(r, state) if *r == run => Some(*state),
            _ => None,
        });
        own.or(self.runs.get(run).map(|r| r.state))
    }

    /// Another transaction has written the row.
    pub fn is_locked(&self, me: usize, key: Key) -> bool {
        self.others(me).any(|tx| tx.writes.iter().any(|w| w.key() == Some(key)))
    }

    pub fn others(&self, me: usize) -> impl Iterator<Item = &Tx> {
        self.open
            .iter()
            .enumerate()
            .filter(move |(i, _)| *i != me)
            .filter_map(|(_, tx)| tx.as_ref())
    }

    pub fn put(&mut self, token: Token) {
        match self.tokens.binary_search_by_key(&token.key, |t| t.key) {
            Ok(i) => self.tokens[i] = token,
            Err(i) => self.tokens.insert(i, token),
        }
    }

    /// A commit.
    pub fn apply(&mut self, writes: Vec<Write>, waits_for: impl Fn(usize, usize) -> u32) {
        for write in writes {
            match write {
                Write::Put(token) => self.put(token),
                Write::Gone(key) => self.tokens.retain(|t| t.key != key),
                Write::Attempt(run, row) => self.attempt(run, row),
                Write::Settled(run, node) => {
                    let settled = self.runs[run].settled;
                    if settled & 1 << node != 0 {
                        self.broken = Some("a node settles twice");
                    }
                    if waits_for(run, node) & !settled != 0 {
                        self.broken = Some("a node settles before what it waits for");
                    }
                    self.runs[run].settled |= 1 << node;
                }
                Write::Start(run) => self.runs.push(run),
                Write::End(run, state) => {
                    self.runs[run].state = state;
                    self.runs[run].ends += 1;
                    self.runs[run].paused = false;
                }
                Write::Signal => self.signal = true,
                Write::Pause(run, paused) => self.runs[run].paused = paused,
            }
        }
    }

    fn attempt(&mut self, run: usize, row: Row) {
        let rows = &mut self.runs[run].rows;
        let same = |r: &Row| (r.node, r.elem, r.attempt) == (row.node, row.elem, row.attempt);
        match rows.iter().find(|r| same(r)) {
            // what recovery writes gives way
            Some(_) if !row.done => {}
            Some(_) => self.broken = Some("one attempt has two outcomes"),
            None => {
                rows.push(row);
                rows.sort_unstable();
            }
        }
    }
}
