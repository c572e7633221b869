//! The SQL beside the model: random walks through what may happen, each act done in Postgres too, by workers that are only
//! ids which call the store's functions. After each act all rows of tokens, runs and attempts are the model's; now and then
//! workers send what must be refused.

mod refused;

use std::collections::HashMap;

use pgflow_core::{
    failure::{Failure, FailureKind},
    lifecycle::RunState,
    payload::Json,
    store::{
        Connection, RunId, act,
        claim::claim,
        connect::Endpoint,
        end::{Holder, end_run},
        flush::{Settled, flush, hand_back},
        start::{StartOptions, Started, start},
        upkeep::{register_worker, tick},
    },
};
use proptest::{
    collection::vec,
    prelude::any,
    test_runner::{Config, RngSeed, TestCaseError, TestRunner},
};
use sqlx::Row as _;

use crate::support::{Database, Seed, everything};

use super::{
    Fault, Model, models,
    places::{MINUTE, Places},
    world::{Held, Row, Stage, Stand, Token, World},
};

/// How many acts one walk has at most.
const ACTS: usize = 60;
/// One of so many acts is a start, where there may be several runs.
const STARTS: usize = 12;
/// The keys of these, and how many of them begin.
const KEYS: [Option<&str>; 4] = [None, Some("a"), Some("b"), Some("a")];
const MOST_RUNS: usize = 5;

#[test]
fn the_database_does_what_the_model_does_whatever_happens() {
    let cases = if everything() { 1000 } else { 24 };
    let mut seed = Seed::new();
    println!("seed {seed}");
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed.below(u64::MAX)),
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let walks = (any::<usize>(), vec(any::<usize>(), ACTS));
    let walked = runner.run(&walks, |(which, choices)| {
        let mut all = models();
        let (name, model) = all.swap_remove(which % all.len());
        let faults = vec![Fault::Freeze, Fault::HandBack, Fault::Retry];
        let model = Model { workers: 3, faults, most_faults: 3, ..model };
        runtime
            .block_on(walk(&model, &choices))
            .map_err(|why| TestCaseError::fail(format!("{name}: {why}")))
    });
    walked.unwrap_or_else(|broken| panic!("{broken}\nPGFLOW_FAULT_SEED={seed} repeats it"));
}

async fn walk(model: &Model, choices: &[usize]) -> Result<(), String> {
    let db = Database::new().await;
    let mut engine = Engine::new(&db, model).await;
    let mut world = model.begin();
    engine.compare(&world, &[]).await?;
    let mut story = Vec::new();
    for choice in choices {
        let next = model.next(&world);
        if model.may_begin_again() && choice % STARTS == 0 {
            story.push("somebody starts".into());
            world = engine.starts(world, choice / STARTS).await;
        } else if next.is_empty() {
            break;
        } else {
            let (event, after) = next[choice % next.len()].clone();
            story.push(event.to_string());
            world = engine.act(&world, event.who, event.what, after).await;
        }
        engine.compare(&world, &story).await?;
        if story.len().is_multiple_of(4) {
            engine.refuses(&world).await;
            engine.compare(&world, &story).await?;
        }
    }
    db.check_invariants().await;
    Ok(())
}

/// The engine's database, with the numbers that the model's places have there.
struct Engine<'a> {
    places: Places<'a>,
    sql: Connection<'static>,
    workers: Vec<i32>,
    /// What was started by a key.
    keys: HashMap<&'static str, RunId>,
}

impl<'a> Engine<'a> {
    async fn new(db: &Database, model: &'a Model) -> Self {
        let mut sql = Endpoint { options: db.options(), pooler: false }.open("test").await.unwrap();
        let places = Places::register(&mut sql, model).await;
        let mut workers = Vec::new();
        for _ in 0..model.workers {
            workers.push(register_worker(&mut sql, "w", "{}", MINUTE).await.unwrap());
        }
        let mut engine = Self { places, sql, workers, keys: HashMap::new() };
        let entry = engine.places.entry(0);
        let started =
            start(&mut engine.sql, &entry, &[(Json::null(), None)], &StartOptions::default()).await;
        engine.places.runs.push(started.unwrap()[0].run);
        engine
    }

    /// A start without a key, or with one that another start may have had already.
    async fn starts(&mut self, world: World, choice: usize) -> World {
        let key = KEYS[choice % KEYS.len()];
        let known = key.and_then(|key| self.keys.get(key)).copied();
        if known.is_none() && self.places.runs.len() >= MOST_RUNS {
            return world;
        }
        let input = [(Json::null(), key.map(String::from))];
        let options = StartOptions::default();
        let started = start(&mut self.sql, &self.places.entry(0), &input, &options).await;
        let Started { run, fresh, same_input } = started.unwrap()[0];
        assert!(same_input);
        if let Some(known) = known {
            assert_eq!((run, fresh), (known, false), "one key is one run");
            return world;
        }
        assert!(fresh);
        self.places.runs.push(run);
        self.keys.extend(key.map(|key| (key, run)));
        self.places.model.also_begin(&world)
    }

    /// Does what the model did; answers the world after it, with all statements of a transaction behind it.
    async fn act(&mut self, before: &World, who: usize, what: &str, after: World) -> World {
        match what {
            "looks for work" => return self.claim(&after, who).await,
            "loses its lease and goes on" => {
                let query = "update pgflow.worker set lease_until = pgflow.clock() - interval '1 second' where id = $1";
                sqlx::query(query)
                    .bind(self.workers[who])
                    .execute(self.sql.driver())
                    .await
                    .unwrap();
            }
            "recovers" => {
                sqlx::query("select pgflow.recover_1()").execute(self.sql.driver()).await.unwrap();
            }
            "ticks" => {
                let query =
                    "update pgflow.task set due_at = pgflow.clock() where due_at is not null";
                sqlx::query(query).execute(self.sql.driver()).await.unwrap();
                // which would recover as well
                let query = "update pgflow.worker set lease_until = 'infinity' where lease_until < pgflow.clock() returning id";
                let over: Vec<i32> =
                    sqlx::query_scalar(query).fetch_all(self.sql.driver()).await.unwrap();
                tick(&mut self.sql, &[]).await.unwrap();
                let query = "update pgflow.worker set lease_until = pgflow.clock() - interval '1 second' where id = any($1)";
                sqlx::query(query).bind(over).execute(self.sql.driver()).await.unwrap();
            }
            "hands back" => {
                let left = &after.workers[who].holds;
                let held = before.workers[who].holds.iter().find(|h| !left.contains(h)).unwrap();
                let tokens = [(self.places.key(held.key), held.epoch.into(), Vec::new())];
                hand_back(&mut self.sql, self.workers[who], &tokens, None).await.unwrap();
            }
            "sends" => return self.send(after, who).await,
            "reads what it waited for" => {}
            other => unreachable!("{other}"),
        }
        after
    }

    /// Claims whatever the engine gives: the model may choose freely.
    async fn claim(&mut self, looked: &World, who: usize) -> World {
        let queues = self.places.queues();
        let marks = vec![i64::MIN; queues.len()];
        let worker = self.workers[who];
        let claimed = claim(&mut self.sql, worker, &queues, &marks, 1).await.unwrap();
        let claimed = claimed.first().map(|c| c.key);
        let mut looked = looked.clone();
        looked.workers[who].looked =
            looked.tokens.iter().map(|t| t.key).find(|k| Some(self.places.key(*k)) == claimed);
        assert!(looked.workers[who].looked.is_some(), "nothing was claimed, or what is not ready");
        self.of_model(&looked, who, "claims")
    }

    /// The next world in which that happens.
    fn of_model(&self, world: &World, who: usize, what: &str) -> World {
        let next = self.places.model.next(world);
        next.into_iter().find(|(e, _)| e.who == who && e.what == what).expect("it may happen").1
    }

    /// One transaction, as a whole.
    async fn send(&mut self, mut world: World, who: usize) -> World {
        let tx = world.open[who].clone().unwrap();
        while world.open[who].as_ref().is_some_and(|tx| !tx.todo.is_empty()) {
            world = self.of_model(&world, who, "sends");
        }
        world = self.of_model(&world, who, "commits");
        let run = self.places.runs[0];
        match tx.job {
            Stage::Settle(all) => {
                let settled = all.iter().map(|held| self.places.settled(held)).collect();
                self.settle(who, settled).await;
            }
            Stage::Retry(held) => {
                self.settle(who, vec![self.places.retried(&held)]).await;
            }
            Stage::End(of, state, holder) => {
                self.end(who, self.places.runs[of], state, holder).await;
            }
            Stage::Signal => {
                act::signal(&mut self.sql, run, "go", &Json::null(), "test").await.unwrap();
            }
            Stage::Pause(_) => _ = act::pause(&mut self.sql, run, "test").await.unwrap(),
            Stage::Resume(_) => _ = act::resume(&mut self.sql, run, "test").await.unwrap(),
            other => unreachable!("{other:?}"),
        }
        let query = "select id from pgflow.run order by id";
        let runs: Vec<i64> = sqlx::query_scalar(query).fetch_all(self.sql.driver()).await.unwrap();
        self.places.runs = runs.into_iter().map(RunId).collect();
        world
    }

    async fn settle(&mut self, who: usize, mut settled: Vec<Settled>) {
        settled.sort_by_key(|s| s.key);
        let direct = if self.places.model.direct { self.places.queues() } else { Vec::new() };
        flush(&mut self.sql, self.workers[who], &settled, &direct).await.unwrap();
    }

    async fn end(&mut self, who: usize, run: RunId, state: RunState, holder: Option<Held>) {
        let failure = Failure::new("s", FailureKind::Failed, "no");
        let holder = holder.map(|held| Holder {
            worker: self.workers[who],
            key: self.places.key(held.key),
            epoch: held.epoch.into(),
            attempt: None,
        });
        end_run(&mut self.sql, run, state, &failure, holder.as_ref()).await.unwrap();
    }

    /// All rows are the model's.
    async fn compare(&mut self, world: &World, story: &[String]) -> Result<(), String> {
        let ours = (self.tokens().await, self.states().await, self.rows().await);
        let tokens = sorted(world.tokens.iter().map(|t| self.told(t)));
        let states: Vec<(i16, bool)> =
            world.runs.iter().map(|r| (r.state.code(), r.paused)).collect();
        let rows = world
            .runs
            .iter()
            .enumerate()
            .flat_map(|(run, r)| r.rows.iter().map(move |row| (run, row)));
        let rows = sorted(rows.map(|(run, row)| self.told_row(run, row)));
        let theirs = (tokens, states, rows);
        if ours == theirs {
            return Ok(());
        }
        Err(format!("database {ours:#?}\nmodel {theirs:#?}\nafter\n  {}", story.join("\n  ")))
    }

    fn told(&self, t: &Token) -> String {
        let key = self.places.key(t.key);
        let (node, queue) =
            (self.places.number(t.key.run, t.at), self.places.queue(t.key.run, t.at));
        let stand = match t.stand {
            Stand::Still => "still".into(),
            Stand::Ready => "ready".into(),
            Stand::Due => "due".into(),
            Stand::Held(worker) => format!("held {}", self.workers[worker]),
        };
        format!(
            "{} {} {} at {node} {queue} epoch {} attempt {} losses {} {}/{} {stand} {}",
            key.run, key.lane, key.elem, t.epoch, t.attempt, t.losses, t.arrived, t.need, t.paused
        )
    }

    fn told_row(&self, run: usize, row: &Row) -> String {
        let node = self.places.of(run).nodes[row.node];
        format!("{} {node} {} {} {}", self.places.runs[run], row.elem, row.attempt, row.done)
    }

    async fn tokens(&mut self) -> Vec<String> {
        let query = "select run_id || ' ' || lane || ' ' || elem || ' at ' || node || ' ' || queue || ' epoch ' || epoch \
            || ' attempt ' || attempt || ' losses ' || losses || ' ' || arrived || '/' || need || ' ' \
            || case when worker_id is not null then 'held ' || worker_id when ready_in is not null then 'ready' \
                    when due_at is not null then 'due' else 'still' end || ' ' || paused from pgflow.task";
        self.texts(query).await
    }

    async fn rows(&mut self) -> Vec<String> {
        let query = "select run_id || ' ' || node || ' ' || elem || ' ' || attempt || ' ' || (status = 1) from pgflow.attempt where status <> 6";
        self.texts(query).await
    }

    async fn texts(&mut self, query: &'static str) -> Vec<String> {
        let texts: Vec<String> =
            sqlx::query_scalar(query).fetch_all(self.sql.driver()).await.unwrap();
        sorted(texts)
    }

    async fn states(&mut self) -> Vec<(i16, bool)> {
        let query = "select state, exists (select from pgflow.pause p where p.run_id = r.id) as paused from pgflow.run r order by id";
        let rows = sqlx::query(query).fetch_all(self.sql.driver()).await.unwrap();
        rows.iter().map(|row| (row.get("state"), row.get("paused"))).collect()
    }
}

fn sorted(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.into_iter().collect();
    texts.sort();
    texts
}
