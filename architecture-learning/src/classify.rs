//! What the learnt model says of a codebase: seconds on a CPU, no database.
//!
//! # The JSON
//! [`Classification`] as `archlearn classify PATH --json FILE` writes it. It is an interface: fields are added, never
//! changed or removed, without a new `version`.
//!
//! ```json
//! {
//!   "version": 1,
//!   "model": { "artifact": "9f2c…", "kind": "network", "threshold": 0.5 },
//!   "files": [
//!     { "path": "src/args.rs", "role": "cli", "confidence": 0.83, "likeliest": "cli" },
//!     { "path": "src/misc.rs", "role": null, "confidence": 0.31, "likeliest": "codec" }
//!   ],
//!   "known": [{ "path": "src/main.rs", "kind": "entry_point" }]
//! }
//! ```
//!
//! `path` is relative to the classified directory, with `/`, sorted. `confidence` is the calibrated probability of
//! `likeliest`, 0 to 1. `role` is `null` where the confidence is below the model's `threshold`: it abstains. `known`
//! lists the files whose place cargo or the module tree tells: `crate_root`, `entry_point`, `test`, `bench`, `example`,
//! `build_script`, `generated`, and `dead` for those that no `mod` declares.

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::champion::Champion;
use crate::codebase::Codebase;
use crate::discovery::{self, FileKind};
use crate::graph::Graph;
use crate::model::{LoadedModel, ModelKind};
use crate::role::Role;
use crate::storage::DataDir;

/// Version of the JSON.
pub const VERSION: u32 = 1;

/// What the model says of a codebase; see the module for the JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// [`VERSION`].
    pub version: u32,
    /// The model that says it.
    pub model: ModelName,
    /// Modules, with what the model says of each.
    pub files: Vec<FileRole>,
    /// Files that need no model.
    pub known: Vec<KnownFile>,
}

/// Which model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelName {
    /// Its artifact.
    pub artifact: String,
    /// Its kind.
    pub kind: ModelKind,
    /// Confidence below which it abstains.
    pub threshold: f32,
}

/// What the model says of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRole {
    /// Relative to the codebase, with `/`.
    pub path: String,
    /// The role, or none where the model abstains.
    pub role: Option<Role>,
    /// Probability of the likeliest role, to three digits.
    pub confidence: f64,
    /// The likeliest role, also where the model abstains.
    pub likeliest: Role,
}

/// A file whose place is known without learning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFile {
    /// Relative to the codebase, with `/`.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
}

/// Classifies the files of `codebase` with the champion of `data`.
///
/// # Errors
/// [`LearningError::NoModel`] before the first promotion; when files cannot be read.
pub fn classify(data: &DataDir, codebase: &Codebase) -> Result<Classification, LearningError> {
    let champion = Champion::read(data)?;
    let champion =
        champion.ok_or_else(|| LearningError::NoModel { data_dir: data.root().to_owned() })?;
    let model = LoadedModel::open(&data.artifact(&champion.artifact))?;
    let shard = discovery::scan(codebase)?;
    let graph = Graph::of(&shard, &model.config.features);
    let threshold = model.config.calibration.threshold;
    let kind_of = |path: &str| shard.files.iter().find(|f| f.path == path).map(|f| f.kind);
    let answers = graph.nodes.iter().zip(model.probabilities(&graph));
    let files = answers.filter(|(node, _)| kind_of(&node.path) == Some(FileKind::Module)).map(
        |(node, p)| {
            let (likeliest, confidence) = Role::likeliest(&p);
            let role = (confidence >= threshold).then_some(likeliest);
            let confidence = (f64::from(confidence) * 1000.0).round() / 1000.0;
            FileRole { path: node.path.clone(), role, confidence, likeliest }
        },
    );
    let known = shard.files.iter().filter(|f| f.kind != FileKind::Module);
    Ok(Classification {
        version: VERSION,
        files: files.collect(),
        known: known.map(|f| KnownFile { path: f.path.clone(), kind: f.kind }).collect(),
        model: ModelName { artifact: champion.artifact, kind: model.config.kind, threshold },
    })
}
