//! One run of the pipeline, started or joined, with a worker of its own in this process.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use pgflow::{Flow, Gpu, Run, RunError, RunState, RunStatus, Worker};

use super::{
    LearningJob, Limits, Registry, STEPS, StepProgress, Told, Validator, architecture_learning,
};
use crate::deployment::Deployment;
use crate::model::Device;
use crate::storage;
use crate::{DataDir, LearningError};

/// How long steps may go on when the run has ended.
const GRACE: Duration = Duration::from_secs(5);

/// A run and the worker that serves it.
pub struct Learning {
    run: Run<architecture_learning>,
    worker: Worker,
    told: Told,
    codebases: usize,
    joined: bool,
}

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Each of [`STEPS`] that has begun, by name.
    pub steps: BTreeMap<&'static str, StepStanding>,
}

/// How a step of a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepStanding {
    /// How far it is.
    pub progress: StepProgress,
    /// Whether all of it is done.
    pub done: bool,
    /// Seconds from the start of its first attempt to the end of its last one.
    pub seconds: f64,
    /// Attempts that failed, timed out or were lost with their worker.
    pub failed_attempts: usize,
}

impl Learning {
    /// Joins the live run of an equal job or starts one, on `DATABASE_URL` or the user's private server, and serves it.
    ///
    /// # Errors
    /// [`LearningError::Engine`] when there is no database, [`LearningError::NoDevice`] when the job asks for CUDA and the
    /// driver lists no device.
    pub async fn begin(
        data: &DataDir,
        job: LearningJob,
        validator: Validator,
        limits: &Limits,
    ) -> Result<Self, LearningError> {
        let codebases = job.codebases.len();
        let gpus = match job.device {
            Device::Cpu { .. } => None,
            Device::Cuda { .. } => Some(devices()?),
        };
        let flow = pgflow::from_env().await.map_err(engine("open the database of runs"))?;
        let flow = flow.tuned(limits.tuning(codebases));
        let told = Told::default();
        let worker = flow.worker().only(["architecture_learning"]).slots(8);
        let worker = worker.state(data.clone()).state(told.clone()).state(validator);
        let worker = worker.state(Registry::open(&flow).await?);
        let worker = match gpus {
            None => worker.gpu_stand_in(),
            Some(gpus) => worker.gpus(gpus),
        };
        let worker = worker.spawn().await.map_err(engine("start a worker"))?;
        let (run, joined) = join_or_start(&flow, data, job).await?;
        Ok(Self { run, worker, told, codebases, joined })
    }

    /// The run's id.
    pub fn id(&self) -> i64 {
        self.run.id().0
    }

    /// Whether the run was under way already.
    pub fn is_joined(&self) -> bool {
        self.joined
    }

    /// How the run stands.
    ///
    /// # Errors
    /// [`LearningError::Engine`] when the database does not answer.
    pub async fn standing(&self) -> Result<Standing, LearningError> {
        let status = self.run.status().await.map_err(engine("ask how the run stands"))?;
        let step = |name: &&'static str| {
            let standing = of_step(&status, name, self.codebases, &self.told)?;
            Some((*name, standing))
        };
        Ok(Standing { steps: STEPS.iter().filter_map(step).collect() })
    }

    /// Waits for the run to end.
    ///
    /// # Errors
    /// [`LearningError::Run`] when it did not complete, [`LearningError::Engine`] when the database does not answer.
    ///
    /// # Cancellation
    /// Dropping the future does nothing to the run.
    pub async fn output(&self) -> Result<Deployment, LearningError> {
        self.run.output().await.map_err(|error| match error {
            RunError::Ended { run, state, failure } => LearningError::Run {
                run: run.0,
                state: state.to_string(),
                reason: failure.to_string(),
            },
            other => engine("wait for the run")(other),
        })
    }

    /// Stops the worker; the run stays as it is.
    pub async fn leave(self) {
        self.worker.drain(GRACE).await;
    }
}

pub(super) fn engine<E: std::error::Error + Send + Sync + 'static>(
    doing: &'static str,
) -> impl FnOnce(E) -> LearningError {
    move |error| LearningError::Engine { doing, source: Box::new(error) }
}

pub(super) fn devices() -> Result<Vec<Gpu>, LearningError> {
    let devices = Gpu::detect();
    if devices.is_empty() {
        return Err(LearningError::NoDevice { reason: "nvidia-smi lists no device".to_owned() });
    }
    Ok(devices)
}

/// A key belongs to one run, also when that has ended: so the key is counted up until one is free or its run is live.
async fn join_or_start(
    flow: &Flow,
    data: &DataDir,
    job: LearningJob,
) -> Result<(Run<architecture_learning>, bool), LearningError> {
    let about = storage::to_json(data.root(), &job)?;
    let hash = storage::hash([data.root().as_os_str().as_encoded_bytes(), about.as_slice()]);
    for n in 0_u32.. {
        let key = format!("learn:{hash}:{n}");
        let known = flow
            .run_by_key::<architecture_learning>(&key)
            .await
            .map_err(engine("look for a live run"))?;
        let Some(run) = known else {
            let run = flow
                .start::<architecture_learning>(job)
                .key(key)
                .await
                .map_err(engine("start the run"))?;
            return Ok((run, false));
        };
        let status = run.status().await.map_err(engine("look for a live run"))?;
        if status.state == RunState::Live {
            return Ok((run, true));
        }
    }
    Err(LearningError::Cancelled)
}

fn of_step(status: &RunStatus, name: &str, codebases: usize, told: &Told) -> Option<StepStanding> {
    let attempts: Vec<_> = status.attempts.iter().filter(|a| a.node == name).collect();
    let task = status
        .tasks
        .iter()
        .find(|t| t.node == name && t.element.is_none_or(|_| t.progress.is_some()));
    let here = told.of(name);
    if attempts.is_empty() && task.is_none() && here.is_none() {
        return None;
    }
    let failed = attempts.iter().filter(|a| a.failure.is_some()).count();
    let good = attempts.len() - failed;
    let wanted = if name == STEPS[0] { codebases } else { 1 };
    let stored = || {
        let (done, total) = task?.progress?;
        let number = |n| usize::try_from(n).unwrap_or(usize::MAX);
        Some(StepProgress {
            done: number(done),
            total: number(total),
            note: task?.note.clone().unwrap_or_default(),
        })
    };
    let mut progress = here.or_else(stored).unwrap_or_default();
    if name == STEPS[0] {
        (progress.done, progress.total) = (good, codebases);
    }
    let first = attempts.iter().filter_map(|a| a.started_at).min();
    let last = attempts.iter().map(|a| a.ended_at).max();
    let seconds = first.zip(last).map_or(0.0, |(first, last)| between(first, last));
    Some(StepStanding { progress, done: good >= wanted, seconds, failed_attempts: failed })
}

fn between(first: SystemTime, last: SystemTime) -> f64 {
    last.duration_since(first).map_or(0.0, |d| d.as_secs_f64())
}
