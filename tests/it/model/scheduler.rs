//! Transactions that overlap, wait for each other and break: workers and clients on one thread, each with a connection of
//! its own to Postgres, and a seed that says who sends the next statement, who commits, who loses its connection before or
//! after that, whose lease runs out and when the clock jumps. What must hold is asked in SQL after each step; at last all
//! faults cease, and every run must end.
//!
//! `PGFLOW_FAULT_SEED` repeats a walk.

mod choices;
mod invariants;
mod session;

use std::collections::{BTreeMap, HashMap};

use crate::support::{Database, Seed, everything, row};
use pgflow_core::{
    lifecycle::{Position, RunState},
    payload::Json,
    store::{
        Connection, HeldSlot, RunId, TokenKey,
        connect::Endpoint,
        end::Holder,
        flush::{Fate, Flushed, Settled},
        start::{StartOptions, start},
        upkeep::{held, register_worker},
    },
};

use super::{
    Act, Model,
    follow::follow,
    models,
    places::{MINUTE, Places},
    world::{Held, Key},
};
use session::{Answer, Session, Statement};

/// Steps with faults, and how many rounds without them a run may take to end.
const STEPS: usize = 80;
const ROUNDS: usize = 200;
const FAULTS: usize = 8;

#[tokio::test]
async fn overlapping_transactions_and_lost_connections_break_no_invariant_and_every_run_ends() {
    let walks = if everything() { 300 } else { 15 };
    let mut seed = Seed::new();
    println!("seed {seed}");
    for walk in 0..walks {
        let mut all = models();
        all.extend(of_one_at_a_time());
        let (name, model) = all.swap_remove(walk % all.len());
        let model = Model { workers: 3, ..model };
        let mut scheduler = Scheduler::new(&model).await;
        if let Err(why) = scheduler.walk(&mut seed).await {
            let story = scheduler.story.join("\n  ");
            panic!("{name}: {why}\nPGFLOW_FAULT_SEED={seed} repeats it\n  {story}");
        }
    }
    let what = format!("overlapping transactions, connections cut, leases over; seed {seed}");
    row(what, format_args!("{walks} walks"), "survived");
}

/// Models of which a step runs alone, over all runs.
fn of_one_at_a_time() -> [(&'static str, Model); 2] {
    let diamond = |name, alone| {
        let of = models().into_iter().find(|(of, _)| *of == name).unwrap().1;
        Model { alone: Some(alone), ..of }
    };
    [
        ("a join one at a time", diamond("siblings in one worker", "join")),
        ("a side one at a time", diamond("siblings that are claimed", "left")),
    ]
}

/// What one transaction does.
#[derive(Debug, Clone)]
enum Job {
    Claim,
    /// Of the step that runs alone.
    ClaimAlone,
    /// By this key.
    Start(&'static str),
    Settle(Vec<Held>),
    Retry(Held),
    Fail(Held),
    HandBack(Vec<(TokenKey, i32)>),
    Beat,
    Tick,
    Act(Act),
    /// Lets the lease of a worker run out.
    Expire(usize),
    /// Moves the clock beyond all leases and whatever is due.
    Jump,
    /// Only what is due.
    Pass,
}

/// What may happen next to one of them.
#[derive(Debug, Clone)]
enum Step {
    Send(Job),
    Commit,
    BreakBefore,
    BreakAfter,
    /// Reads the signal or the child that a token waited for.
    Read(usize),
    /// Asks what it holds.
    Ask,
}

/// A worker, a client, or time.
struct Actor {
    session: Session,
    role: Role,
    open: Option<Open>,
    /// Its outcome is not known, so it is sent again.
    again: Option<Job>,
}

enum Role {
    Worker(Worker),
    Client {
        script: Vec<Act>,
        done: usize,
    },
    /// Starts runs, by keys that another may have too.
    Starter {
        keys: Vec<&'static str>,
    },
    Time,
}

/// What a worker knows.
struct Worker {
    id: i32,
    holds: Vec<Held>,
    /// The database may think that it holds what it does not know of.
    doubt: bool,
}

/// A transaction.
struct Open {
    job: Job,
    repeated: bool,
    answer: Option<Answer>,
}

struct Scheduler<'a> {
    _db: Database,
    places: Places<'a>,
    observer: Connection<'static>,
    /// All that must not be, in one.
    question: String,
    actors: Vec<Actor>,
    /// That have ended, and how.
    ended: BTreeMap<i64, i16>,
    /// What was started by a key.
    keys: BTreeMap<&'static str, RunId>,
    /// What tokens hold of the pool of the step that runs alone.
    slots: HashMap<(TokenKey, i32), Vec<HeldSlot>>,
    faults: usize,
    /// How often somebody has asked for work.
    claims: usize,
    story: Vec<String>,
}

impl<'a> Scheduler<'a> {
    async fn new(model: &'a Model) -> Self {
        let db = Database::new().await;
        db.virtual_time().await.unwrap();
        let endpoint = Endpoint { options: db.options(), pooler: false };
        let mut observer = endpoint.open("observer").await.unwrap();
        let mut places = Places::register(&mut observer, model).await;
        let (entry, options) = (places.entry(0), StartOptions::default());
        let input = (Json::null(), Some("first".into()));
        let started = start(&mut observer, &entry, &[input], &options).await;
        places.runs.push(started.unwrap()[0].run);
        let mut roles = Vec::new();
        for _ in 0..model.workers {
            roles.push(Role::Worker(Worker::register(&mut observer).await));
        }
        let scripts = model.clients.iter().cloned();
        roles.extend(scripts.map(|script| Role::Client { script, done: 0 }));
        if model.may_begin_again() {
            roles.extend([vec!["a", "b"], vec!["b"]].map(|keys| Role::Starter { keys }));
        }
        roles.push(Role::Time);
        let mut actors = Vec::new();
        for role in roles {
            let session = Session::open(&endpoint).await;
            actors.push(Actor { session, role, open: None, again: None });
        }
        Self {
            _db: db,
            places,
            observer,
            question: invariants::question(),
            actors,
            ended: BTreeMap::new(),
            keys: BTreeMap::new(),
            slots: HashMap::new(),
            faults: FAULTS,
            claims: 0,
            story: Vec::new(),
        }
    }

    async fn walk(&mut self, seed: &mut Seed) -> Result<(), String> {
        for _ in 0..STEPS {
            if self.all_ended() {
                break;
            }
            let mut steps = Vec::new();
            for who in 0..self.actors.len() {
                let may = self.may(who);
                if !may.is_empty() {
                    steps.push((who, may));
                }
            }
            let (who, may) = steps.swap_remove(choose(seed, steps.len()));
            let step = may[choose(seed, may.len())].clone();
            self.step(who, step).await?;
        }
        self.faults = 0;
        for _ in 0..ROUNDS {
            if self.all_ended() && self.actors.iter().all(|actor| actor.open.is_none()) {
                return Ok(());
            }
            for who in 0..self.actors.len() {
                if let Some(step) = self.goes_on(who) {
                    self.step(who, step).await?;
                }
            }
        }
        Err("a run never ends".into())
    }

    fn all_ended(&self) -> bool {
        let starts =
            |actor: &Actor| matches!(&actor.role, Role::Starter { keys } if !keys.is_empty());
        self.ended.len() == self.places.runs.len() && !self.actors.iter().any(starts)
    }

    async fn step(&mut self, who: usize, step: Step) -> Result<(), String> {
        self.story.push(format!("{who} {step:?}"));
        match step {
            Step::Send(job) => self.send(who, job),
            Step::Commit => self.commit(who).await,
            Step::BreakBefore => self.breaks(who, false).await,
            Step::BreakAfter => self.breaks(who, true).await,
            Step::Read(token) => self.read(who, token).await,
            Step::Ask => self.ask(who).await,
        }
        self.settle_down().await;
        self.look().await
    }

    fn send(&mut self, who: usize, job: Job) {
        let statement = self.statement(who, &job);
        let actor = &mut self.actors[who];
        let repeated = actor.again.take().is_some();
        actor.session.send(statement);
        self.claims += usize::from(matches!(job, Job::Claim | Job::ClaimAlone));
        if matches!(job, Job::Expire(_) | Job::Jump | Job::Retry(_) | Job::HandBack(_)) {
            self.faults = self.faults.saturating_sub(1);
        }
        actor.open = Some(Open { job, repeated, answer: None });
    }

    fn statement(&self, who: usize, job: &Job) -> Statement {
        let places = &self.places;
        let worker = self.actors[who].worker().map_or(0, |worker| worker.id);
        let direct = || if places.model.direct { places.unlimited() } else { Vec::new() };
        let root = places.runs[0];
        match job {
            Job::Claim => Statement::Claim { worker, queues: places.unlimited() },
            Job::ClaimAlone => Statement::ClaimAlone { worker, queue: places.alone().unwrap() },
            Job::Start(key) => Statement::Start { entry: places.entry(0), key },
            Job::Settle(all) => {
                let mut settled: Vec<Settled> = all.iter().map(|h| self.settled(h)).collect();
                settled.sort_by_key(|s| s.key);
                Statement::Flush { worker, settled, direct: direct() }
            }
            Job::Retry(held) => {
                let free = self.held_by(self.fence(held));
                let settled = vec![Settled { free, ..places.retried(held) }];
                Statement::Flush { worker, settled, direct: direct() }
            }
            Job::Fail(held) => {
                let (key, epoch) = self.fence(held);
                let holder = Some(Holder { worker, key, epoch, attempt: None });
                Statement::End { run: key.run, state: RunState::Failed, holder }
            }
            Job::HandBack(tokens) => {
                let tokens =
                    tokens.iter().map(|(key, epoch)| (*key, *epoch, self.held_by((*key, *epoch))));
                Statement::HandBack { worker, tokens: tokens.collect() }
            }
            Job::Beat => Statement::Beat { worker },
            Job::Tick => Statement::Tick,
            Job::Act(Act::Cancel) => {
                Statement::End { run: root, state: RunState::Cancelled, holder: None }
            }
            Job::Act(Act::Signal) => Statement::Signal(root),
            Job::Act(Act::Pause) => Statement::Pause(root),
            Job::Act(Act::Resume) => Statement::Resume(root),
            Job::Expire(whose) => {
                let id = self.actors[*whose].worker().map_or(0, |worker| worker.id);
                Statement::Sql(format!(
                    "update pgflow.worker set lease_until = pgflow.clock() - interval '1 second' where id = {id}"
                ))
            }
            Job::Jump => Statement::Sql(
                "update pgflow.virtual_time set ahead = ahead + interval '2 minutes'".into(),
            ),
            // what is due is left alone, or its lock would hide it from upkeep round after round
            Job::Pass => Statement::Sql(
                "update pgflow.task set due_at = pgflow.clock() where due_at > pgflow.clock()"
                    .into(),
            ),
        }
    }

    /// A completion as the database is to hear of it: who goes to the step that runs alone waits for a slot there.
    fn settled(&self, held: &Held) -> Settled {
        let mut settled = self.places.settled(held);
        settled.free = self.held_by(self.fence(held));
        let alone = self.places.alone().map(|alone| alone.queue);
        if let Fate::Move { queue, direct, .. } = &mut settled.fate {
            *direct &= Some(*queue) != alone;
        }
        settled
    }

    fn held_by(&self, fence: (TokenKey, i32)) -> Vec<HeldSlot> {
        self.slots.get(&fence).cloned().unwrap_or_default()
    }

    async fn commit(&mut self, who: usize) {
        let actor = &mut self.actors[who];
        let Some(open) = actor.open.take() else { return };
        match (actor.session.commit().await, open.answer) {
            (Ok(()), Some(answer)) => self.answered(who, &open.job, open.repeated, answer).await,
            (refused, _) => panic!("{:?}: {refused:?}", open.job),
        }
        self.see_runs().await;
    }

    /// The connection breaks, and nobody tells whether the commit was before that.
    async fn breaks(&mut self, who: usize, after_commit: bool) {
        self.faults -= 1;
        let actor = &mut self.actors[who];
        if after_commit {
            actor.session.commit().await.unwrap();
        }
        let gone = actor.session.process;
        actor.session.break_off().await;
        let Some(open) = actor.open.take() else { return };
        match (&mut actor.role, &open.job) {
            // what it may have got it asks about; what it says once more loses nothing
            (Role::Worker(worker), Job::Claim | Job::ClaimAlone) => worker.doubt = true,
            (_, Job::Beat | Job::Tick | Job::Expire(_) | Job::Jump | Job::Pass) => {}
            _ => actor.again = Some(open.job),
        }
        let lives = "select exists (select from pg_stat_activity where pid = $1)";
        while sqlx::query_scalar(lives).bind(gone).fetch_one(self.observer.driver()).await.unwrap()
        {
        }
        self.see_runs().await;
    }

    /// An actor hears what its transaction did.
    async fn answered(&mut self, who: usize, job: &Job, repeated: bool, answer: Answer) {
        let begun = match (job, &answer) {
            (Job::Settle(all), Answer::Flushed(flushed)) => self.begun(all, flushed),
            (_, Answer::Claimed(claimed)) => {
                self.see_runs().await;
                let slots = claimed.iter().map(|c| ((c.key, c.epoch), c.slots.clone()));
                self.slots.extend(slots);
                claimed.iter().map(|claimed| self.places.held(claimed)).collect()
            }
            _ => Vec::new(),
        };
        let left: Vec<(TokenKey, i32)> = match job {
            Job::Settle(all) => all.iter().map(|held| self.fence(held)).collect(),
            Job::Retry(held) | Job::Fail(held) => vec![self.fence(held)],
            Job::HandBack(tokens) => tokens.clone(),
            _ => Vec::new(),
        };
        let places = &self.places;
        match &mut self.actors[who].role {
            Role::Worker(worker) => {
                let fence = |held: &Held| (places.key(held.key), i32::from(held.epoch));
                worker.holds.retain(|held| !left.contains(&fence(held)));
                worker.holds.extend(begun);
                worker.doubt |= repeated && !matches!(job, Job::HandBack(_));
                if let Answer::Leased(false) = answer {
                    *worker = Worker::register(&mut self.observer).await;
                }
            }
            Role::Client { done, .. } => *done += 1,
            Role::Starter { keys } => {
                let (Job::Start(key), Answer::Started(started)) = (job, answer) else {
                    unreachable!("{job:?}")
                };
                keys.retain(|left| left != key);
                let first = *self.keys.entry(key).or_insert(started.run);
                assert_eq!(started.run, first, "one key is one run: {}", self.story.join("\n  "));
            }
            Role::Time => {}
        }
    }

    /// What a flush lets go on in its worker.
    fn begun(&self, all: &[Held], flushed: &Flushed) -> Vec<Held> {
        let mut all = all.to_vec();
        all.sort_by_key(|held| self.places.key(held.key));
        let (mut begun, mut born) = (Vec::new(), Vec::new());
        for (held, (taken, halted)) in all.iter().zip(flushed.taken.iter().zip(&flushed.halted)) {
            let followed = follow(self.places.model, held);
            let run = held.key.run;
            born.extend(followed.arrivals.iter().map(|arrival| (run, arrival.at)));
            let moves = matches!(self.settled(held).fate, Fate::Move { direct: true, .. });
            if let (true, false, true, Some(at)) = (*taken, *halted, moves, followed.stay) {
                begun.push(Held { epoch: held.epoch + 1, attempt: 1, at, read: None, ..*held });
            }
        }
        for fired in &flushed.fired {
            let key = |(run, at): &(usize, Position)| self.places.key(Key::at(*run, *at));
            let (run, at) = *born.iter().find(|born| key(born) == fired.key).unwrap();
            let epoch = fired.epoch.try_into().unwrap();
            begun.push(Held { key: Key::at(run, at), epoch, attempt: 1, at, read: None });
        }
        begun
    }

    async fn read(&mut self, who: usize, token: usize) {
        let held = self.actors[who].worker().unwrap().holds[token];
        let key = self.places.key(held.key);
        let query = "select exists (select from pgflow.signal where run_id = $1) or exists ( \
                     select from pgflow.run where parent_run = $1 and parent_lane = $2 and parent_elem = $3 and state <> 0)";
        let there: bool = sqlx::query_scalar(query)
            .bind(key.run.0)
            .bind(key.lane)
            .bind(key.elem)
            .fetch_one(self.observer.driver())
            .await
            .unwrap();
        if let Role::Worker(worker) = &mut self.actors[who].role {
            worker.holds[token].read = Some(there);
        }
    }

    /// What the database says that a worker holds and it does not know of goes back.
    async fn ask(&mut self, who: usize) {
        let worker = self.actors[who].worker().unwrap();
        let known: Vec<(TokenKey, i32)> = worker.holds.iter().map(|h| self.fence(h)).collect();
        let all = held(&mut self.observer, worker.id).await.unwrap();
        let strays = all.into_iter().filter(|(key, epoch, _)| !known.contains(&(*key, *epoch)));
        let strays: Vec<_> = strays
            .map(|(key, epoch, slots)| {
                self.slots.insert((key, epoch), slots);
                (key, epoch)
            })
            .collect();
        let actor = &mut self.actors[who];
        actor.again = (!strays.is_empty()).then_some(Job::HandBack(strays));
        if let Role::Worker(worker) = &mut actor.role {
            worker.doubt = false;
        }
    }

    fn fence(&self, held: &Held) -> (TokenKey, i32) {
        (self.places.key(held.key), held.epoch.into())
    }

    /// Waits until every statement has its answer or waits for another's transaction.
    async fn settle_down(&mut self) {
        loop {
            let mut under_way = false;
            for actor in &mut self.actors {
                let Some(open) = actor.open.as_mut().filter(|open| open.answer.is_none()) else {
                    continue;
                };
                match actor.session.heard() {
                    Some(Ok(answer)) => open.answer = Some(answer),
                    // a deadlock: it is asked again
                    Some(Err(error)) => {
                        assert!(!error.is_refusal(), "{:?}: {error} {}", open.job, error.source);
                        actor.session.break_off().await;
                        actor.again = actor.open.take().map(|open| open.job);
                    }
                    None => {
                        let waits = "select cardinality(pg_blocking_pids($1)) > 0";
                        let waits = sqlx::query_scalar(waits).bind(actor.session.process);
                        let waits: bool = waits.fetch_one(self.observer.driver()).await.unwrap();
                        under_way |= !waits;
                    }
                }
            }
            if !under_way {
                return;
            }
        }
    }

    async fn see_runs(&mut self) {
        let query = "select id from pgflow.run order by id";
        let runs: Vec<i64> =
            sqlx::query_scalar(query).fetch_all(self.observer.driver()).await.unwrap();
        // as they are seen, which is not always the order of their ids: what is held names a run by its place here
        for run in runs.into_iter().map(RunId) {
            if !self.places.runs.contains(&run) {
                self.places.runs.push(run);
            }
        }
    }
}

impl Worker {
    async fn register(observer: &mut Connection<'_>) -> Self {
        let id = register_worker(observer, "w", "{}", MINUTE).await.unwrap();
        Self { id, holds: Vec::new(), doubt: false }
    }
}

impl Actor {
    fn worker(&self) -> Option<&Worker> {
        match &self.role {
            Role::Worker(worker) => Some(worker),
            _ => None,
        }
    }
}

fn choose(seed: &mut Seed, among: usize) -> usize {
    usize::try_from(seed.below(u64::try_from(among).unwrap())).unwrap()
}
