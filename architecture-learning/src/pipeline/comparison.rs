//! Both modes side by side: the same messages, sent at once to a service in a process and on a database of its own, with
//! failures injected; what each took and what became of the failures.

mod chart;
mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pgflow::testing::Server;
use pgflow::{Fate, Flow, RunState};
use serde::Serialize;

use super::learning::engine;
use super::{Message, Mode, QUEUE};
use crate::LearningError;
use process::{Process, Usage};

pub use chart::chart;

/// How often the fates of messages are asked for, which is as exact as latencies are.
const LOOK: Duration = Duration::from_millis(50);
/// After so long without any message settled a round is over.
const STUCK: Duration = Duration::from_secs(180);

/// What is compared.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program to run, and its data directory, in which the corpus has been learnt.
    pub program: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
    /// What good messages are about.
    pub corpus: PathBuf,
    /// Good messages of a round.
    pub messages: usize,
    /// Messages about a directory that is not there.
    pub poison: usize,
    /// Every so many validations one fails; 0 for none.
    pub fail_every: usize,
    /// Messages, or runs, at once.
    pub at_once: usize,
    /// Rounds of each mode, in turn.
    pub rounds: usize,
    /// Seconds for which a message that was read stays hidden.
    pub hidden: u64,
}

/// What a round came to.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    /// `pgflow` or `legacy`.
    pub mode: String,
    /// Seconds from sending each good message until it was settled, ascending. In legacy mode that is its deletion, with its
    /// batch.
    pub latencies: Vec<f64>,
    /// Seconds until all good ones were settled.
    pub seconds: f64,
    /// Good messages that did not succeed.
    pub lost: usize,
    /// Seconds of CPU that the service and its validators used; Postgres is not counted.
    pub cpu_seconds: f64,
    /// The most memory that the service held, in MiB.
    pub memory_mib: f64,
    /// Failures that happened, of good messages: in legacy mode each failed its message.
    pub failures: Vec<Pattern>,
    /// Poison that was put aside with a reason.
    pub refused: usize,
    /// Poison that is still read again and again.
    pub circulating: usize,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pattern {
    /// The step; none where no step had begun, or nobody knows.
    pub step: Option<String>,
    /// `failed`, `timed_out`, `lost` with its worker, `panicked`.
    pub kind: String,
    /// How often.
    pub count: usize,
}

/// Failures by step and kind.
pub(super) type Failures = BTreeMap<(Option<String>, String), usize>;

impl Round {
    /// All failures.
    pub fn failed(&self) -> usize {
        self.failures.iter().map(|pattern| pattern.count).sum()
    }

    /// Good messages a minute.
    pub fn per_minute(&self) -> f64 {
        count(self.latencies.len()) * 60.0 / self.seconds.max(f64::MIN_POSITIVE)
    }

    /// The latency that a share of the messages stays within.
    pub fn latency(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let at = (count(last) * share).round() as usize;
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

/// Measures all rounds, one after the other, and tells of each.
///
/// # Errors
/// When there is no private server or the program cannot be started.
pub async fn compare(plan: &Plan, tell: impl Fn(&Round)) -> Result<Vec<Round>, LearningError> {
    let server = pgflow::testing::server().await.map_err(engine("start a private Postgres"))?;
    let mut rounds = Vec::new();
    for number in 0..plan.rounds {
        for mode in [Mode::Legacy, Mode::Pgflow] {
            let round = Measured::begin(&server, plan, mode, number).await?.measure().await?;
            tell(&round);
            rounds.push(round);
        }
    }
    Ok(rounds)
}

/// A round under way.
struct Measured<'p> {
    server: &'p Server,
    plan: &'p Plan,
    mode: Mode,
    flow: Flow,
    process: Process,
    database: String,
}

impl<'p> Measured<'p> {
    async fn begin(
        server: &'p Server,
        plan: &'p Plan,
        mode: Mode,
        round: usize,
    ) -> Result<Self, LearningError> {
        let database = format!("archlearn_bench_{}_{mode}_{round}", std::process::id());
        server.ensure_database(&database).await.map_err(engine("make a database"))?;
        let url = server.url(&database);
        let flow = pgflow::connect(&url).await.map_err(engine("open a database"))?;
        flow.make_queue(QUEUE).await.map_err(engine("make the queue"))?;
        let process = Process::start(plan, mode, &url)?;
        Ok(Self { server, plan, mode, flow, process, database })
    }

    async fn measure(mut self) -> Result<Round, LearningError> {
        self.process.ready(&self.flow).await?;
        let began = Instant::now();
        let mut open = self.send(&self.plan.corpus, self.plan.messages).await?;
        let poison = self.send(&self.plan.corpus.join("not there"), self.plan.poison).await?;
        let (mut latencies, mut lost, mut heard) = (Vec::new(), 0, began);
        while !open.is_empty() && heard.elapsed() < STUCK {
            tokio::time::sleep(LOOK).await;
            let (mut still, before) = (Vec::new(), open.len());
            for (id, sent) in open {
                match self.settled(id).await? {
                    None => still.push((id, sent)),
                    Some(true) => latencies.push(sent.elapsed().as_secs_f64()),
                    Some(false) => lost += 1,
                }
            }
            if still.len() < before {
                heard = Instant::now();
            }
            open = still;
        }
        let seconds = began.elapsed().as_secs_f64();
        latencies.sort_by(f64::total_cmp);
        let (refused, circulating) = self.poison(&poison).await?;
        let mut failures = self.process.failures();
        self.failed_attempts(self.plan.messages, &mut failures).await?;
        let pattern = |((step, kind), count)| Pattern { step, kind, count };
        let failures = failures.into_iter().map(pattern).collect();
        let Usage { cpu_seconds, memory_mib } = self.process.stop()?;
        drop(self.flow);
        let dropped = self.server.drop_database(&self.database).await;
        dropped.map_err(engine("drop a database"))?;
        Ok(Round {
            mode: self.mode.to_string(),
            latencies,
            seconds,
            lost: lost + open.len(),
            cpu_seconds,
            memory_mib,
            failures,
            refused,
            circulating,
        })
    }

    async fn send(&self, path: &Path, n: usize) -> Result<Vec<(i64, Instant)>, LearningError> {
        let mut sent = Vec::new();
        for _ in 0..n {
            let message = Message { codebase_path: path.to_owned() };
            let id = self.flow.send(QUEUE, &message).await.map_err(engine("send a message"))?;
            sent.push((id, Instant::now()));
        }
        Ok(sent)
    }

    /// Whether a good message has succeeded; `None`: not yet.
    async fn settled(&self, id: i64) -> Result<Option<bool>, LearningError> {
        Ok(match self.fate(id).await? {
            // deleted by the consumer that has done it
            None => Some(true),
            Some(
                Fate::Started { run: Some((_, RunState::Live)), .. }
                | Fate::Waiting
                | Fate::Taken(_),
            ) => None,
            Some(Fate::Started { run: Some((_, state)), .. }) => Some(state == RunState::Completed),
            Some(_) => Some(false),
        })
    }

    async fn fate(&self, id: i64) -> Result<Option<Fate>, LearningError> {
        let status = self.flow.message(QUEUE, id).await.map_err(engine("look for a message"))?;
        Ok(status.map(|status| status.fate))
    }

    /// How many were put aside, and how many come back.
    async fn poison(&self, sent: &[(i64, Instant)]) -> Result<(usize, usize), LearningError> {
        let (mut refused, mut circulating) = (0, 0);
        for (id, _) in sent {
            match self.fate(*id).await? {
                Some(Fate::Waiting | Fate::Taken(_)) => circulating += 1,
                Some(Fate::Refused(_) | Fate::Archived) => refused += 1,
                _ => {}
            }
        }
        Ok((refused, circulating))
    }

    /// Adds the failed attempts of the runs of the first so many messages.
    async fn failed_attempts(
        &self,
        messages: usize,
        failures: &mut Failures,
    ) -> Result<(), LearningError> {
        for id in 1..=i64::try_from(messages).unwrap_or(i64::MAX) {
            let Some(Fate::Started { run: Some((run, _)), .. }) = self.fate(id).await? else {
                continue;
            };
            let status = self.flow.status(run).await.map_err(engine("ask how a run stands"))?;
            let attempts = status.map(|status| status.attempts).unwrap_or_default();
            for attempt in attempts.iter().filter(|a| a.failure.is_some()) {
                let kind = attempt.status.as_str().to_owned();
                *failures.entry((Some(attempt.node.clone()), kind)).or_default() += 1;
            }
        }
        Ok(())
    }
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
