//! The models and everything that touches burn: softmax regression, the graph network, both together, the loop that fits
//! them, and how they are kept. Nothing outside names a tensor; a move to another version of burn is here and nowhere else.

mod artifact;
mod backend;
mod batch;
mod checkpoint;
mod course;
mod ensemble;
mod fit;
mod layers;
mod network;
pub mod parity;
mod predict;
mod regression;
mod rows;
mod statistics;

use serde::{Deserialize, Serialize};

pub(crate) use artifact::{CONFIG, weights_file};
pub use artifact::{Calibration, LoadedModel, ModelConfig};
pub use backend::{Device, DeviceChoice, probe_cuda};
pub use ensemble::Joined;
pub(crate) use ensemble::join;
pub use fit::{Epoch, Fit, FitSettings};
pub(crate) use fit::{Job, fit};
pub(crate) use statistics::{Statistics, commonest};

use crate::graph::FeatureSettings;

/// Words of a vocabulary: of those that most owners use.
pub(crate) const WORDS: usize = 16_384;
/// Words that are read of what stands around a file, and by the network of the file itself, as its features are dense.
const WORDS_AROUND: usize = 8192;

/// Which model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Softmax regression over the words of the file, of its neighbours and of its directory: the baseline.
    Regression,
    /// Two `GraphSAGE` blocks over the file, its neighbours and its directory.
    Network,
    /// The mean of both.
    Ensemble,
}

/// What a model reads of the vocabulary: a beginning, as the commonest words come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reads {
    /// Words of the file itself.
    own: usize,
    /// Words of its neighbours.
    around: usize,
    /// Whether it reads the other files of the directory, too.
    directory: bool,
}

impl ModelKind {
    /// The name in files and on the terminal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Network => "network",
            Self::Ensemble => "ensemble",
        }
    }
}

impl Reads {
    pub(crate) fn of_regression(settings: &FeatureSettings) -> Self {
        let own = settings.size();
        match settings.buckets {
            Some(_) => Self { own, around: 0, directory: false },
            None => Self { own, around: own.min(WORDS_AROUND), directory: true },
        }
    }

    pub(crate) fn of_network(settings: &FeatureSettings) -> Self {
        let size = settings.size();
        match settings.buckets {
            Some(_) => Self { own: size, around: size, directory: false },
            None => {
                let words = size.min(WORDS_AROUND);
                Self { own: words, around: words, directory: true }
            }
        }
    }
}
