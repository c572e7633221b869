//! The five steps as a durable workflow: the only module that names pgflow. Each step calls one ordinary function of this
//! crate on a thread where it may block, tells its progress and hears when it should stop.

mod comparison;
mod learning;
mod legacy;
mod limits;
mod registry;
mod service;
mod watch;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pgflow::{GpuSlot, Retryable, StepContext, step, workflow};
use serde::{Deserialize, Serialize};

use crate::analysis::{Analysis, analyse};
use crate::codebase::Codebase;
use crate::deployment::{Deployment, publish};
use crate::discovery::{Discovery, discover};
use crate::model::Device;
use crate::observer::Observer;
use crate::training::{TrainedModel, TrainingSettings, train};
use crate::validation::{Report, validate, validate_apart};
use crate::{DataDir, LearningError};

pub use comparison::{Pattern, Plan, Round, chart, compare};
pub use learning::{Learning, Standing, StepStanding};
pub use limits::{Limits, Setting, settings};
pub use registry::{Model, Registry};
pub use service::{
    Became, ENABLED, GRACE, Message, Mode, QUEUE, Service, Serving, became, enqueue,
};
pub use watch::{Watch, log, metrics_address};

/// The names of the steps, in order.
pub const STEPS: [&str; 5] = [
    "pattern_discovery",
    "pattern_analysis",
    "model_training",
    "model_validation",
    "model_deployment",
];

/// What to learn from, and where to train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearningJob {
    /// The codebases; a queue message gives one.
    pub codebases: Vec<Codebase>,
    /// Where to train. CUDA never falls back; the CPU stays the CPU on a worker with a GPU.
    pub device: Device,
}

impl Retryable for LearningError {
    fn retryable(&self) -> bool {
        // what was stopped by its timeout goes on from its last checkpoint
        self.is_retryable() || matches!(self, Self::Cancelled)
    }
}

/// Extracts files, edges and patterns of one codebase.
///
/// # Errors
/// See [`discover`].
#[step(timeout = "60s", concurrency = 2)]
pub async fn pattern_discovery(codebase: Codebase) -> Result<Discovery, LearningError> {
    run(move |data, told| discover(data, &codebase, told)).await
}

/// Labels, features, splits; frequency and lift of patterns.
///
/// # Errors
/// See [`analyse`].
#[step(timeout = "30s", concurrency = 3)]
pub async fn pattern_analysis(found: Vec<Discovery>) -> Result<Analysis, LearningError> {
    run(move |data, told| analyse(data, &found, told)).await
}

/// Fits the models, from the last checkpoint on.
///
/// # Errors
/// See [`train`].
#[step(timeout = "180s", concurrency = 1, gpu)]
pub async fn model_training(
    analysis: Analysis,
    device: Device,
) -> Result<TrainedModel, LearningError> {
    let device = granted(device, StepContext::current().gpu())?;
    run(move |data, told| train(data, &analysis, &device, &TrainingSettings::default(), told)).await
}

/// Scores the saved candidate: in a process of its own where the worker names a [`Validator`], else from its files.
///
/// # Errors
/// See [`validate`].
#[step(timeout = "30s", concurrency = 2)]
pub async fn model_validation(model: TrainedModel) -> Result<Report, LearningError> {
    let validator = StepContext::current().try_state::<Validator>();
    run(move |data, told| {
        told.progress(0, 1, "scoring the saved model");
        match validator {
            Some(validator) => validate_apart(&validator.0, data, &model),
            None => validate(data, &model),
        }
    })
    .await
}

/// Writes the artifact and promotes it or not, in the worker's [`Registry`].
///
/// # Errors
/// See [`publish`] and [`Registry::promote`].
#[step(timeout = "60s", concurrency = 1, needs(Registry))]
pub async fn model_deployment(
    model: TrainedModel,
    report: Report,
) -> Result<Deployment, LearningError> {
    let context = StepContext::current();
    let (trained, scored) = (model.clone(), report.clone());
    let artifact = run(move |data, told| {
        told.progress(0, 1, "deciding");
        publish(data, &trained, &scored)
    })
    .await?;
    let registry = context.state::<Registry>();
    let decision = registry.promote(&data_dir(&context)?, &model, &report, &artifact).await?;
    let (artifact, path) = (artifact.hash, artifact.path);
    Ok(Deployment { artifact, candidate: model.candidate, path, decision })
}

/// Learns the roles of files from codebases. The document's steps add up to 360 s in its 300 s: this allows six minutes.
///
/// # Errors
/// The error of the step that failed.
#[workflow(version = 1, timeout = "6m", retries = 3, retry_delay = "5s", concurrency = 1)]
pub async fn architecture_learning(job: LearningJob) -> Result<Deployment, LearningError> {
    let found = pgflow::map(job.codebases, pattern_discovery).await?;
    let analysis = pattern_analysis(found).await?;
    let model = model_training(analysis, job.device).await?;
    let report = model_validation(model.clone()).await?;
    model_deployment(model, report).await
}

/// Host state: the program that answers to the arguments of `archlearn`, for validation in a process that did not train.
#[derive(Clone, Debug)]
pub struct Validator(pub PathBuf);

/// Host state: what the steps of this process are doing, by the step's name; for those who want it before the next
/// heartbeat.
#[derive(Clone, Debug, Default)]
pub struct Told(Arc<Mutex<BTreeMap<String, StepProgress>>>);

/// How far a step is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepProgress {
    /// How much is done.
    pub done: usize,
    /// Out of how much.
    pub total: usize,
    /// In words.
    pub note: String,
}

impl Told {
    /// How far the step of this name is; none before it begins here.
    pub fn of(&self, step: &str) -> Option<StepProgress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(step).cloned()
    }
}

/// The device to train on, by what was asked for and what the worker grants.
fn granted(asked: Device, slot: Option<&GpuSlot>) -> Result<Device, LearningError> {
    match (&asked, slot) {
        (Device::Cuda { .. }, Some(GpuSlot::Devices(devices))) => {
            let index = devices.first().and_then(|gpu| usize::try_from(gpu.index).ok());
            Ok(Device::Cuda { index: index.unwrap_or(0) })
        }
        (Device::Cuda { .. }, Some(_)) => Err(LearningError::NoDevice {
            reason: "the worker has none and stands in with its CPU".to_owned(),
        }),
        _ => Ok(asked),
    }
}

/// The worker's data directory, else that of the environment.
fn data_dir(context: &StepContext) -> Result<DataDir, LearningError> {
    context.try_state::<DataDir>().map_or_else(DataDir::from_env, |data| Ok((*data).clone()))
}

/// Runs `work` where it may block.
async fn run<T: Send + 'static>(
    work: impl FnOnce(&DataDir, &mut Teller) -> Result<T, LearningError> + Send + 'static,
) -> Result<T, LearningError> {
    let context = StepContext::current();
    let data = data_dir(&context)?;
    let told = context.try_state::<Told>();
    let mut teller = Teller { context: context.clone(), told, said: String::new() };
    let done = context.blocking(move || work(&data, &mut teller)).await;
    if let Err(error) = &done {
        tracing::info!(%error, cause = error.source().map(tracing::field::display), "it failed");
    }
    done
}

/// Tells the engine, and whoever looks in this process.
struct Teller {
    context: StepContext,
    told: Option<Arc<Told>>,
    /// The note that the log has.
    said: String,
}

impl Observer for Teller {
    fn progress(&mut self, done: usize, total: usize, note: &str) {
        self.context.progress_with(done as u64, total as u64, note);
        if self.said != note {
            note.clone_into(&mut self.said);
            tracing::info!(done, total, "{note}");
        }
        if let Some(told) = &self.told {
            let progress = StepProgress { done, total, note: note.to_owned() };
            let mut told = told.0.lock().unwrap_or_else(PoisonError::into_inner);
            told.insert(self.context.step().to_owned(), progress);
        }
    }

    fn cancelled(&self) -> bool {
        self.context.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuda_never_falls_back_and_the_cpu_stays_the_cpu() {
        let cpu = Device::Cpu { stand_in: None };
        assert_eq!(granted(cpu.clone(), Some(&GpuSlot::Devices(Vec::new()))).ok(), Some(cpu));
        assert!(granted(Device::Cuda { index: 0 }, Some(&GpuSlot::StandIn)).is_err());
    }

    #[test]
    fn the_definition_is_the_documents() {
        use pgflow::Workflow;
        assert_eq!(architecture_learning::SPEC().nodes.len(), 5);
        assert_eq!(architecture_learning::TIMEOUT_MS, 360_000);
    }
}
