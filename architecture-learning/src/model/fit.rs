//! The loop that fits a model: Adam, clipping, a checkpoint every epoch, early stopping on validation owners. By hand,
//! as a durable step has to resume it, stop it between two batches and know at once when the loss is no number.

use std::path::Path;

use burn::grad_clipping::GradientClippingConfig;
use burn::module::{AutodiffModule, Module};
use burn::optim::{AdamWConfig, GradientsParams, Optimizer};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{ElementConversion, Tensor, activation};
use serde::{Deserialize, Serialize};

use super::artifact;
#[cfg(feature = "cuda")]
use super::backend::CudaTraining;
use super::backend::{CpuTraining, Device};
use super::batch::{Batch, Layout, output_weights, pack};
use super::checkpoint::{Checkpoints, State};
use super::network::{Network, Regression, Scorer};
use super::predict;
use super::statistics::Statistics;
use super::{Calibration, ModelKind};
use crate::LearningError;
use crate::codebase::Split;
use crate::graph::Graph;
use crate::metrics;
use crate::observer::Observer;
use crate::random::Random;
use crate::role::OUTPUTS;

/// Weight of the direction head's loss beside that of the roles.
const DIRECTION_WEIGHT: f32 = 0.3;

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
            ModelKind::Network => base,
            ModelKind::Regression => {
                // an epoch is cheap, and the validation part small enough for luck: so it waits longer
                Self { epochs_max: 60, patience: 20, learning_rate: 0.02, batch: 256, ..base }
            }
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
    pub graphs: &'a [Graph],
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
    match job.device {
        Device::Cpu { .. } => on::<CpuTraining>(job, &burn_ndarray::NdArrayDevice::Cpu, observer),
        #[cfg(feature = "cuda")]
        Device::Cuda { index } => {
            on::<CudaTraining>(job, &burn_cuda::CudaDevice::new(*index), observer)
        }
        #[cfg(not(feature = "cuda"))]
        Device::Cuda { .. } => {
            Err(LearningError::NoDevice { reason: "this build has no CUDA".to_owned() })
        }
    }
}

fn on<B: AutodiffBackend>(
    job: &Job<'_>,
    device: &B::Device,
    observer: &mut dyn Observer,
) -> Result<Fit, LearningError> {
    let width = job.statistics.width();
    B::seed(device, job.settings.seed);
    match job.kind {
        ModelKind::Regression => run(job, Regression::<B>::new(width, device), device, observer),
        ModelKind::Network => {
            let network =
                Network::<B>::new(width, job.settings.hidden, job.settings.dropout, device);
            run(job, network, device, observer)
        }
    }
}

fn run<B, M>(
    job: &Job<'_>,
    mut model: M,
    device: &B::Device,
    observer: &mut dyn Observer,
) -> Result<Fit, LearningError>
where
    B: AutodiffBackend,
    M: AutodiffModule<B> + Scorer<B>,
    M::InnerModule: Scorer<B::InnerBackend>,
{
    let parts = Parts::of(job, M::NEIGHBOURS);
    let checkpoints = Checkpoints::at(job.checkpoints);
    let adam = AdamWConfig::new()
        .with_weight_decay(job.settings.weight_decay)
        .with_grad_clipping(Some(GradientClippingConfig::Norm(1.0)));
    let mut optimiser = adam.init::<B, M>();
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
        let (fitted, loss) = epoch_of(job, &parts, model, &mut optimiser, epoch, device, observer)?;
        model = fitted;
        let scored = predict::logits(&model.valid(), &parts.validation, job.statistics, device);
        let validation_macro_f1 =
            metrics::macro_f1_of(&predict::predictions(&parts.validation, &scored, 1.0));
        let seconds = begun.elapsed().as_secs_f64();
        state.add(Epoch { loss, validation_macro_f1, seconds });
        checkpoints.save(&state, &model, optimiser.to_record())?;
    }
    observer.progress(state.epochs.len(), state.epochs.len(), &state.note(job.kind));
    let best = checkpoints.best(&state, model, device)?.valid();
    let scored = predict::logits(&best, &parts.validation, job.statistics, device);
    artifact::save_weights(&best, job.weights)?;
    Ok(Fit {
        kind: job.kind,
        best_epoch: state.best_epoch,
        validation_macro_f1: state.best,
        calibration: Calibration::of(&parts.validation, &scored),
        resumed_after,
        parameters: best.num_params(),
        epochs: state.epochs,
    })
}

/// The graphs that a kind of model is fitted on and watched by.
struct Parts {
    training: Vec<Graph>,
    validation: Vec<Graph>,
    weights: [f32; OUTPUTS],
}

impl Parts {
    /// Without neighbours only labelled files matter.
    fn of(job: &Job<'_>, neighbours: bool) -> Self {
        let part = |split| {
            let graphs = job.graphs.iter().filter(move |g| g.split == split);
            graphs
                .map(|g| if neighbours { g.clone() } else { g.only_labelled() })
                .collect::<Vec<_>>()
        };
        let training = part(Split::Train);
        let weights = output_weights(&training.iter().collect::<Vec<_>>());
        Self { training, validation: part(Split::Validation), weights }
    }
}

/// One pass over the training graphs, in an order of its own; the model and the mean loss.
fn epoch_of<B, M>(
    job: &Job<'_>,
    parts: &Parts,
    mut model: M,
    optimiser: &mut impl Optimizer<M, B>,
    epoch: usize,
    device: &B::Device,
    observer: &mut dyn Observer,
) -> Result<(M, f64), LearningError>
where
    B: AutodiffBackend,
    M: AutodiffModule<B> + Scorer<B>,
{
    let seed = job.settings.seed.wrapping_add(epoch as u64);
    let mut random = Random::new(seed);
    // so that an epoch after a resume is the epoch that it would have been
    B::seed(device, seed);
    let layout =
        Layout { statistics: job.statistics, neighbours: M::NEIGHBOURS, weights: &parts.weights };
    let mut order: Vec<&Graph> = parts.training.iter().collect();
    random.shuffle(&mut order);
    let (mut sum, mut weight) = (0.0, 0.0);
    for graphs in pack(&order, job.settings.batch) {
        if observer.cancelled() {
            return Err(LearningError::Cancelled);
        }
        let batch = Batch::<B>::new(&graphs, layout, &mut random, device);
        if batch.weight <= 0.0 {
            continue;
        }
        let (roles, loss) = loss(&model, &batch);
        let value: f32 = roles.into_scalar().elem();
        if !value.is_finite() {
            return Err(LearningError::Diverged { epoch });
        }
        sum += f64::from(value * batch.weight);
        weight += f64::from(batch.weight);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimiser.step(rate(job.settings, epoch), model, gradients);
    }
    Ok((model, sum / weight.max(1.0)))
}

/// Half a cosine from the full step size to a tenth of it.
fn rate(settings: &FitSettings, epoch: usize) -> f64 {
    let done = metrics::share(epoch - 1, settings.epochs_max);
    settings.learning_rate * (0.55 + 0.45 * (std::f64::consts::PI * done).cos())
}

/// Loss of the roles, and that of roles and directions together.
fn loss<B: Backend>(model: &impl Scorer<B>, batch: &Batch<B>) -> (Tensor<B, 1>, Tensor<B, 1>) {
    let scores = model.score(batch);
    let likelihood = activation::log_softmax(scores.roles, 1) * batch.targets.clone();
    let roles = likelihood.sum().neg().div_scalar(batch.weight);
    let mut all = roles.clone();
    if let (Some(logits), Some(pairs)) = (scores.direction, &batch.pairs) {
        let likelihood = activation::log_softmax(logits, 1) * pairs.targets.clone();
        all = all + likelihood.sum_dim(1).mean().neg().mul_scalar(DIRECTION_WEIGHT);
    }
    (roles, all)
}
