//! Whether two devices train and answer alike: a few epochs on made-up codebases on each, then the same weights asked on
//! both.

use std::path::Path;
use std::time::Instant;

use burn::store::ModuleSnapshot;
use burn::tensor::backend::Backend;
use serde::{Deserialize, Serialize};

use super::backend::{Cpu, Device};
use super::fit::{FitSettings, Job, fit};
use super::network::Network;
use super::predict::{self, Logits};
use super::statistics::Statistics;
use super::{ModelKind, Reads, artifact};
use crate::LearningError;
use crate::codebase::Split;
use crate::discovery::STRUCTURE;
use crate::graph::{FeatureSettings, Graph, Node};
use crate::random::Random;
use crate::role::{ROLES, Role};

/// Logits that differ by more than this are not the same model.
pub const DIFFERENCE_MAX: f32 = 1e-2;
const EPOCHS: usize = 3;
const CODEBASES: usize = 24;
const FILES: u32 = 96;
const WORDS: u32 = 2048;

/// How a device compares with the CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parity {
    /// The device.
    pub device: String,
    /// Seconds of training on it; the first epoch compiles its kernels.
    pub device_seconds: f64,
    /// Seconds of the same on the CPU.
    pub cpu_seconds: f64,
    /// Largest difference between logits of equal weights.
    pub difference: f32,
    /// Epochs on each.
    pub epochs: usize,
}

/// Compares `device` with the CPU; checkpoints go below `directory`.
///
/// # Errors
/// When training fails or files cannot be written.
pub fn compare(device: &Device, directory: &Path) -> Result<Parity, LearningError> {
    let features = FeatureSettings::of((0..WORDS).map(|word| word.to_string()).collect());
    let mut random = Random::new(3);
    let graphs: Vec<_> = (0..CODEBASES).map(|i| made_up(i, &mut random)).collect();
    let statistics = Statistics::of(&graphs, &features);
    let settings =
        FitSettings { epochs_max: EPOCHS, patience: EPOCHS, ..FitSettings::of(ModelKind::Network) };
    let time = |device: &Device, name: &str| {
        let begun = Instant::now();
        let job = Job {
            kind: ModelKind::Network,
            graphs: &graphs,
            features: &features,
            statistics: &statistics,
            settings: &settings,
            device,
            checkpoints: &directory.join(name),
            weights: &directory.join(format!("{name}.safetensors")),
        };
        fit(&job, &mut crate::observer::Unobserved)?;
        Ok(begun.elapsed().as_secs_f64())
    };
    let device_seconds = time(device, "device")?;
    let cpu_seconds = time(&Device::Cpu { stand_in: None }, "cpu")?;
    let weights = directory.join("device.safetensors");
    let model = Asked { graphs: &graphs, features: &features, statistics: &statistics };
    let ask = |device: &Device| model.logits(device, &weights, settings.hidden);
    let difference = largest_difference(&ask(device)?, &ask(&Device::Cpu { stand_in: None })?);
    Ok(Parity { device: device.name(), device_seconds, cpu_seconds, difference, epochs: EPOCHS })
}

struct Asked<'a> {
    graphs: &'a [Graph],
    features: &'a FeatureSettings,
    statistics: &'a Statistics,
}

impl Asked<'_> {
    fn logits(
        &self,
        device: &Device,
        weights: &Path,
        hidden: usize,
    ) -> Result<Logits, LearningError> {
        match device {
            Device::Cpu { .. } => {
                self.on::<Cpu>(&burn_ndarray::NdArrayDevice::Cpu, weights, hidden)
            }
            #[cfg(feature = "cuda")]
            Device::Cuda { index } => {
                let device = burn_cuda::CudaDevice::new(*index);
                self.on::<super::backend::Cuda>(&device, weights, hidden)
            }
            #[cfg(not(feature = "cuda"))]
            Device::Cuda { .. } => {
                Err(LearningError::NoDevice { reason: "this build has no CUDA".to_owned() })
            }
        }
    }

    fn on<B: Backend>(
        &self,
        device: &B::Device,
        weights: &Path,
        hidden: usize,
    ) -> Result<Logits, LearningError>
    where
        Network<B>: ModuleSnapshot<B>,
    {
        let reads = Reads::of_network(self.features);
        let model = artifact::load(Network::<B>::new(reads, hidden, 0.0, device), weights)?;
        let graphs: Vec<_> = self.graphs.iter().collect();
        Ok(predict::of_network(&model, &graphs, self.statistics, reads, device))
    }
}

fn largest_difference(a: &Logits, b: &Logits) -> f32 {
    let pairs = a.iter().flatten().flatten().zip(b.iter().flatten().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Files whose words depend on their role, and edges at random.
fn made_up(number: usize, random: &mut Random) -> Graph {
    let mut node = |i: u32| {
        let role = random.below(ROLES);
        let shared = (0..30).map(|w| {
            let word =
                if w < 10 { role * 40 + random.below(40) } else { random.below(WORDS as usize) };
            (u32::try_from(word).unwrap_or(0), 1)
        });
        Node {
            path: format!("{i}.rs"),
            directory: i / 8,
            shared: shared.collect(),
            own: Vec::new(),
            structure: (0..STRUCTURE)
                .map(|_| u32::try_from(random.below(20)).unwrap_or(0))
                .collect(),
            role: Some(Role::ALL[role]),
            roleless: false,
        }
    };
    let nodes = (0..FILES).map(&mut node).collect();
    let mut file = || u32::try_from(random.below(FILES as usize)).unwrap_or(0);
    let edges = (0..3 * FILES).map(|_| (file(), file())).collect();
    let split = if number.is_multiple_of(4) { Split::Validation } else { Split::Train };
    Graph {
        codebase: number.to_string(),
        owner: number.to_string(),
        split,
        application: false,
        nodes,
        edges,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_agrees_with_itself() -> Result<(), LearningError> {
        let directory =
            std::env::temp_dir().join(format!("archlearn-parity-{}", std::process::id()));
        let parity = compare(&Device::Cpu { stand_in: None }, &directory)?;
        assert!(parity.difference < 1e-6, "{parity:?}");
        std::fs::remove_dir_all(&directory).map_err(LearningError::write(&directory))
    }
}
