//! The models and everything that touches burn: softmax regression, the graph network, the loop that fits them, and how
//! they are kept. Nothing outside names a tensor; a move to another version of burn is here and nowhere else.

mod artifact;
mod backend;
mod batch;
mod checkpoint;
mod fit;
mod forward;
mod network;
pub mod parity;
mod predict;
mod statistics;

use serde::{Deserialize, Serialize};

pub(crate) use artifact::{CONFIG, weights_file};
pub use artifact::{Calibration, LoadedModel, ModelConfig};
pub use backend::{Device, DeviceChoice, probe_cuda};
pub use fit::{Epoch, Fit, FitSettings};
pub(crate) use fit::{Job, fit};
pub(crate) use statistics::Statistics;

/// Which of the two models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Softmax regression over the file's own features: the baseline.
    Regression,
    /// Two `GraphSAGE` blocks over the file and its neighbours.
    Network,
}

impl ModelKind {
    /// How many steps along dependencies it looks.
    pub(crate) fn reach(self) -> usize {
        match self {
            Self::Regression => 0,
            Self::Network => 2,
        }
    }

    /// The name in files and on the terminal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Network => "network",
        }
    }
}
