//! The loop that fits a model: Adam, clipping, a checkpoint every epoch, early stopping on validation owners. By hand,
//! as a durable step has to resume it, stop it between two batches and know at once when the loss is no number.

use std::path::Path;

use burn::grad_clipping::GradientClippingConfig;
use burn::module::{AutodiffModule, Module};
use burn::optim::{AdamWConfig, Optimizer};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn_ndarray::NdArrayDevice;
use serde::{Deserialize, Serialize};

use super::artifact;
#[cfg(feature = "cuda")]
use super::backend::CudaTraining;
use super::backend::{CpuTraining, Device};
use super::checkpoint::{Checkpoints, State};
use super::course::{Course, NetworkCourse, RegressionCourse, part};
use super::network::Network;
use super::predict;
use super::regression::Regression;
use super::statistics::Statistics;
use super::{Calibration, ModelKind, Reads};
use crate::LearningError;
use crate::codebase::Split;
use crate::graph::{FeatureSettings, Graph};
use crate::metrics;
use crate::observer::Observer;
use crate::random::Random;

/// How a model is fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitSettings {
    /// Width of the hidden layers; the regression has none.
    pub hidden: usize,
    /// Epochs at most.
    pub epochs_max: usize,
    /// Epochs without a better score on validation owners after which to stop.
    pub patience: usize,
    /// Step size of Adam.
    pub learning_rate: f64,
    /// Decay of the weights per step, times the step size.
    pub weight_decay: f32,
    /// Share of hidden values that are dropped while fitting.
    pub dropout: f64,
    /// Files per step, about.
    pub batch: usize,
    /// Start of everything random.
    pub seed: u64,
}

impl FitSettings {
    /// The settings for a kind of model.
    pub fn of(kind: ModelKind) -> Self {
        let base = Self {
            hidden: 96,
            epochs_max: 30,
            patience: 6,
            learning_rate: 3e-3,
            weight_decay: 0.05,
            dropout: 0.4,
            batch: 512,
            seed: 17,
        };
        match kind {
            ModelKind::Network | ModelKind::Ensemble => base,
            ModelKind::Regression => Self {
                // an epoch is cheap, and the validation part small enough for luck: so it waits longer
                epochs_max: 60,
                patience: 20,
                learning_rate: 0.02,
                weight_decay: 0.5,
                batch: 256,
                ..base
            },
        }
    }
}

/// How an epoch went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Mean loss over training files.
    pub loss: f64,
    /// Macro-F1 on validation owners.
    pub validation_macro_f1: f64,
    /// Seconds that it took.
    pub seconds: f64,
}

/// How the fitting of one model went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Which model.
    pub kind: ModelKind,
    /// Every epoch so far, those of earlier attempts among them.
    pub epochs: Vec<Epoch>,
    /// The one whose weights were kept, from 1.
    pub best_epoch: usize,
    /// Its macro-F1 on validation owners.
    pub validation_macro_f1: f64,
    /// Measured on validation owners.
    pub calibration: Calibration,
    /// The epoch after which this attempt went on; 0 for a fresh start.
    pub resumed_after: usize,
    /// Number of weights.
    pub parameters: usize,
}

/// What to fit, on what and where.
pub(crate) struct Job<'a> {
    pub kind: ModelKind,
    /// With words numbered as in `features`.
    pub graphs: &'a [Graph],
    pub features: &'a FeatureSettings,
    pub statistics: &'a Statistics,
    pub settings: &'a FitSettings,
    pub device: &'a Device,
    /// Directory for checkpoints.
    pub checkpoints: &'a Path,
    /// File for the weights.
    pub weights: &'a Path,
}

/// Fits a model, going on from its last checkpoint, and writes its weights as safetensors.
pub(crate) fn fit(job: &Job<'_>, observer: &mut dyn Observer) -> Result<Fit, LearningError> {
    if job.kind == ModelKind::Regression {
        return regression(job, observer);
    }
    match job.device {
        Device::Cpu { .. } => network::<CpuTraining>(job, &NdArrayDevice::Cpu, observer),
        #[cfg(feature = "cuda")]
        Device::Cuda { index } => {
            network::<CudaTraining>(job, &burn_cuda::CudaDevice::new(*index), observer)
        }
        #[cfg(not(feature = "cuda"))]
        Device::Cuda { .. } => {
            Err(LearningError::NoDevice { reason: "this build has no CUDA".to_owned() })
        }
    }
}

fn network<B: AutodiffBackend>(
    job: &Job<'_>,
    device: &B::Device,
    observer: &mut dyn Observer,
) -> Result<Fit, LearningError> {
    let FitSettings { hidden, dropout, seed, .. } = *job.settings;
    let reads = Reads::of_network(job.features);
    B::seed(device, seed);
    let network = Network::<B>::new(reads, hidden, dropout, device);
    let course = NetworkCourse::<B>::new(job.graphs, job.statistics, reads, device);
    run(job, &course, network, device, observer)
}

/// Its rows are sparse, and a GPU has nothing to gain.
fn regression(job: &Job<'_>, observer: &mut dyn Observer) -> Result<Fit, LearningError> {
    let device = NdArrayDevice::Cpu;
    let reads = Reads::of_regression(job.features);
    CpuTraining::seed(&device, job.settings.seed);
    let regression = Regression::<CpuTraining>::new(reads, &device);
    let course = RegressionCourse::<CpuTraining>::new(job.graphs, job.statistics, reads, &device);
    run(job, &course, regression, &device, observer)
}

fn run<B: AutodiffBackend, C: Course<B>>(
    job: &Job<'_>,
    course: &C,
    mut model: C::Model,
    device: &B::Device,
    observer: &mut dyn Observer,
) -> Result<Fit, LearningError> {
    let validation = part(job.graphs, Split::Validation);
    let checkpoints = Checkpoints::at(job.checkpoints);
    let adam = AdamWConfig::new()
        .with_weight_decay(job.settings.weight_decay)
        .with_grad_clipping(Some(GradientClippingConfig::Norm(1.0)));
    let mut optimiser = adam.init::<B, C::Model>();
    let mut state = State::default();
    if let Some(last) = checkpoints.last()? {
        state = last;
        model = checkpoints.model(&state, model, device)?;
        optimiser = optimiser.load_record(checkpoints.optimiser(&state, device)?);
    }
    let resumed_after = state.epochs.len();
    while !state.is_over(job.settings) {
        let epoch = state.epochs.len() + 1;
        observer.progress(epoch - 1, job.settings.epochs_max, &state.note(job.kind));
        let begun = std::time::Instant::now();
        let (fitted, loss) = epoch_of(job, course, model, &mut optimiser, epoch, device, observer)?;
        model = fitted;
        let answers = predict::predictions(&validation, &course.examine(&model), 1.0);
        let validation_macro_f1 = metrics::macro_f1_of(&answers);
        let seconds = begun.elapsed().as_secs_f64();
        state.add(Epoch { loss, validation_macro_f1, seconds });
        checkpoints.save(&state, &model, optimiser.to_record())?;
    }
    observer.progress(state.epochs.len(), state.epochs.len(), &state.note(job.kind));
    let best = checkpoints.best(&state, model, device)?;
    let logits = course.examine(&best);
    let best = best.valid();
    artifact::save_weights::<B::InnerBackend, _>(&best, job.weights)?;
    Ok(Fit {
        kind: job.kind,
        best_epoch: state.best_epoch,
        validation_macro_f1: state.best,
        calibration: Calibration::of(&validation, &logits),
        resumed_after,
        parameters: best.num_params(),
        epochs: state.epochs,
    })
}

/// One pass over the training graphs, in an order of its own; the model and the mean loss.
fn epoch_of<B: AutodiffBackend, C: Course<B>>(
    job: &Job<'_>,
    course: &C,
    mut model: C::Model,
    optimiser: &mut impl Optimizer<C::Model, B>,
    epoch: usize,
    device: &B::Device,
    observer: &mut dyn Observer,
) -> Result<(C::Model, f64), LearningError> {
    let seed = job.settings.seed.wrapping_add(epoch as u64);
    let mut random = Random::new(seed);
    // so that an epoch after a resume is the epoch that it would have been
    B::seed(device, seed);
    let (mut sum, mut weight) = (0.0, 0.0);
    for batch in course.batches(job.settings.batch, &mut random) {
        if observer.cancelled() {
            return Err(LearningError::Cancelled);
        }
        let Some(lesson) = course.lesson(&model, &batch, &mut random) else { continue };
        if !lesson.loss.is_finite() {
            return Err(LearningError::Diverged { epoch });
        }
        sum += f64::from(lesson.loss * lesson.weight);
        weight += f64::from(lesson.weight);
        model = optimiser.step(rate(job.settings, epoch), model, lesson.gradients);
    }
    Ok((model, sum / weight.max(1.0)))
}

/// Half a cosine from the full step size to a tenth of it.
fn rate(settings: &FitSettings, epoch: usize) -> f64 {
    let done = metrics::share(epoch - 1, settings.epochs_max);
    settings.learning_rate * (0.55 + 0.45 * (std::f64::consts::PI * done).cos())
}
