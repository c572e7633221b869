//! The pipeline behind its queue, in the mode that the environment chooses: each message a durable run, or handled as the
//! consumer that the pipeline was before.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pgflow::{Fate, Flow, MessageStatus, Queue, Worker, WorkerBuilder};
use serde::{Deserialize, Serialize};

use super::learning::{devices, engine};
use super::legacy::Stages;
use super::watch::{Watch, Watching};
use super::{LearningJob, Limits, Registry, Validator, architecture_learning};
use crate::broadway::{Broadway, Pgmq, Telemetry, Topology};
use crate::codebase;
use crate::model::Device;
use crate::{DataDir, LearningError};

/// The queue of the pipeline.
pub const QUEUE: &str = "architecture_learning_tasks";
/// Chooses the mode.
pub const ENABLED: &str = "PGFLOW_ARCHITECTURE_LEARNING_ENABLED";
/// How long steps and messages under way may go on when the service stops.
pub const GRACE: Duration = Duration::from_secs(30);

/// What a message says. Whatever else is in it is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// A directory that is a codebase or holds some.
    pub codebase_path: std::path::PathBuf,
}

impl Message {
    /// What is to be done about it.
    ///
    /// # Errors
    /// When there is no codebase at its path.
    pub fn job(self, device: Device) -> Result<LearningJob, LearningError> {
        Ok(LearningJob { codebases: codebase::find(&[self.codebase_path], None)?, device })
    }
}

/// How messages are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each is a durable run.
    Pgflow,
    /// Each is handled in a queue consumer, without the engine.
    Legacy,
}

impl Mode {
    /// By [`ENABLED`]: `true` is [`Mode::Pgflow`]; `false`, empty and unset are [`Mode::Legacy`].
    ///
    /// # Errors
    /// [`LearningError::Flag`] for anything else.
    pub fn from_env() -> Result<Self, LearningError> {
        let value = std::env::var_os(ENABLED).map(|value| value.to_string_lossy().into_owned());
        Self::of(value.as_deref())
    }

    pub(super) fn of(value: Option<&str>) -> Result<Self, LearningError> {
        match value {
            Some("true") => Ok(Self::Pgflow),
            None | Some("" | "false") => Ok(Self::Legacy),
            Some(other) => Err(LearningError::Flag { name: ENABLED, value: other.to_owned() }),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pgflow => "pgflow",
            Self::Legacy => "legacy",
        })
    }
}

/// What the service needs to know.
pub struct Service {
    /// Where steps leave what they hand on.
    pub data: DataDir,
    /// Scores candidates in a process of its own.
    pub validator: Validator,
    /// Where to train.
    pub device: Device,
    /// Limits of runs.
    pub limits: Limits,
    /// How messages are handled.
    pub mode: Mode,
    /// How long a message that was read stays hidden; what failed in legacy mode shows again after it.
    pub hidden: Duration,
    /// Messages at once in legacy mode; in the other the workflow's concurrency says it.
    pub processors: usize,
    /// Hears of what happens in legacy mode.
    pub telemetry: Telemetry,
    /// Who hears what the worker does.
    pub watch: Watch,
}

/// A service at work. Dropping it stops it at once: messages come back, and other workers take over its runs.
pub struct Serving {
    worker: Worker,
    consumer: Option<Broadway>,
    watching: Watching,
}

impl Service {
    /// Begins to handle messages. Runs that were begun are served in either mode, so that a rollback finishes them.
    ///
    /// # Errors
    /// [`LearningError::Engine`] and [`LearningError::Registry`] when there is no database, or nobody can watch it as
    /// [`Watch`] says, [`LearningError::NoDevice`] when it is to train on CUDA and the driver lists no device.
    pub async fn begin(self) -> Result<Serving, LearningError> {
        let flow = pgflow::from_env().await.map_err(engine("open the database of runs"))?;
        let flow = flow.tuned(self.limits.tuning(0));
        flow.make_queue(QUEUE).await.map_err(engine("make the queue"))?;
        let registry = Registry::open(&flow).await?;
        let (worker, watching) = self.watch.over(&flow, self.worker(&flow, &registry)?)?;
        let worker = worker.spawn().await.map_err(engine("start a worker"))?;
        let consumer = match self.mode {
            Mode::Pgflow => None,
            Mode::Legacy => Some(self.consumer(&flow, registry)),
        };
        Ok(Serving { worker, consumer, watching })
    }

    fn worker(&self, flow: &Flow, registry: &Registry) -> Result<WorkerBuilder, LearningError> {
        let worker = flow.worker().only(["architecture_learning"]).slots(8);
        let worker = worker.state(self.data.clone()).state(self.validator.clone());
        let worker = worker.state(registry.clone());
        let worker = match self.device {
            Device::Cpu { .. } => worker.gpu_stand_in(),
            Device::Cuda { .. } => worker.gpus(devices()?),
        };
        Ok(match self.mode {
            Mode::Legacy => worker,
            Mode::Pgflow => {
                let (queue, device) =
                    (Queue::named(QUEUE).hidden(self.hidden), self.device.clone());
                worker.trigger(queue.starts_with::<architecture_learning, Message, _>(
                    move |message| message.job(device.clone()).map_err(told),
                ))
            }
        })
    }

    fn consumer(&self, flow: &Flow, registry: Registry) -> Broadway {
        let source = Pgmq::new(flow.options().clone(), QUEUE, self.hidden);
        let (data, validator) = (self.data.clone(), self.validator.clone());
        let stages = Stages::new(data, registry, validator, self.device.clone());
        let rate = self.limits.rate();
        let topology =
            Topology { processors: self.processors, drain: GRACE, rate, ..Topology::default() };
        Broadway::start(&topology, source, stages, Arc::clone(&self.telemetry))
    }
}

impl Serving {
    /// Takes no more messages, and gives what is under way [`GRACE`]. `false`: messages were not done in time, and come
    /// back.
    pub async fn drain(self) -> bool {
        let drained = async {
            match self.consumer {
                Some(consumer) => consumer.drain().await,
                None => true,
            }
        };
        let (done, ()) = tokio::join!(drained, self.worker.drain(GRACE));
        self.watching.end().await;
        done
    }
}

/// An error with its causes, for whoever reads why a message was refused.
fn told(error: LearningError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Puts a message into the queue, which is made where it is missing; answers its id.
///
/// # Errors
/// [`LearningError::Engine`] when the database does not answer.
pub async fn enqueue(path: std::path::PathBuf) -> Result<i64, LearningError> {
    let flow = pgflow::from_env().await.map_err(engine("open the queue"))?;
    flow.make_queue(QUEUE).await.map_err(engine("make the queue"))?;
    let message = Message { codebase_path: path };
    flow.send(QUEUE, &message).await.map_err(engine("send a message"))
}

/// What became of a message; written out, it is a line for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Became {
    /// The message.
    pub message: i64,
    /// `waiting`, `taken` (a reader has it), `started` (its run), `refused` (put aside for `reason`), `archived` (by another
    /// reader), or `absent`: never sent, or done and deleted in legacy mode.
    pub state: &'static str,
    /// How often it was read; none where it is absent.
    pub reads: Option<u32>,
    /// Its run; none where it started none, or that was pruned.
    pub run: Option<i64>,
    /// How that stands.
    pub run_state: Option<&'static str>,
    /// Why it was refused.
    pub reason: Option<String>,
}

/// What became of a message.
///
/// # Errors
/// [`LearningError::Engine`] when the database does not answer.
pub async fn became(id: i64) -> Result<Became, LearningError> {
    let flow = pgflow::from_env().await.map_err(engine("open the queue"))?;
    let found = flow.message(QUEUE, id).await.map_err(engine("look for a message"))?;
    Ok(Became::of(id, found))
}

impl Became {
    fn of(message: i64, found: Option<MessageStatus>) -> Self {
        let reads = found.as_ref().map(|status| status.reads);
        let of = |state| Self { message, state, reads, run: None, run_state: None, reason: None };
        match found.map(|status| status.fate) {
            None => of("absent"),
            Some(Fate::Taken(_)) => of("taken"),
            Some(Fate::Started { run, .. }) => Self {
                run: run.map(|(run, _)| run.0),
                run_state: run.map(|(_, state)| state.as_str()),
                ..of("started")
            },
            Some(Fate::Refused(reason)) => Self { reason: Some(reason), ..of("refused") },
            Some(Fate::Archived) => of("archived"),
            Some(_) => of("waiting"),
        }
    }
}

impl fmt::Display for Became {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reads = self.reads.unwrap_or_default();
        match (self.state, self.run, self.run_state) {
            ("absent", ..) => {
                f.write_str("not there: it was never sent, or legacy mode has done and deleted it")
            }
            ("taken", ..) => write!(f, "read {reads} times, and hidden from other readers for now"),
            ("started", Some(run), Some(state)) => write!(f, "run {run}, {state}"),
            ("started", ..) => f.write_str("a run that was pruned"),
            ("refused", ..) => write!(f, "refused: {}", self.reason.as_deref().unwrap_or_default()),
            ("archived", ..) => write!(f, "archived by another reader after {reads} reads"),
            _ => write!(f, "waiting, read {reads} times"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_true_or_false_and_nothing_else() {
        assert_eq!(Mode::of(Some("true")).ok(), Some(Mode::Pgflow));
        for off in [None, Some(""), Some("false")] {
            assert_eq!(Mode::of(off).ok(), Some(Mode::Legacy));
        }
        for bad in ["TRUE", "1", "yes", " true"] {
            assert_eq!(
                Mode::of(Some(bad)).err().map(|e| e.to_string()),
                Some(format!(
                    "{ENABLED} is `{bad}`; set it to `true` or `false`, or leave it unset"
                ))
            );
        }
    }

    #[test]
    fn a_person_is_told_what_became_of_a_message_in_a_line() {
        let plain = |state| Became {
            message: 7,
            state,
            reads: Some(2),
            run: None,
            run_state: None,
            reason: None,
        };
        let absent = Became { reads: None, ..plain("absent") };
        assert_eq!(Became::of(7, None), absent);
        let run = Became { run: Some(3), run_state: Some("live"), ..plain("started") };
        let refused = Became { reason: Some("no codebase".to_owned()), ..plain("refused") };
        for (became, line) in [
            (absent, "not there: it was never sent, or legacy mode has done and deleted it"),
            (plain("waiting"), "waiting, read 2 times"),
            (plain("taken"), "read 2 times, and hidden from other readers for now"),
            (run, "run 3, live"),
            (plain("started"), "a run that was pruned"),
            (refused, "refused: no codebase"),
            (plain("archived"), "archived by another reader after 2 reads"),
        ] {
            assert_eq!(became.to_string(), line);
        }
    }
}
