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
//! `build_script`, `generated`, `dead` for those that no `mod` declares, and `unread`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::codebase::Codebase;
use crate::discovery::{self, FileKind, Shard};
use crate::graph::Graph;
use crate::model::ModelKind;
use crate::role::Role;
use crate::serving::Serving;
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

/// Classifies the files of `codebase` with the champion of `data`, else with the bundled model.
///
/// # Errors
/// When the champion's files are damaged.
pub fn classify(data: &DataDir, codebase: &Codebase) -> Result<Classification, LearningError> {
    Ok(of_shard(&Serving::open(Some(data))?, &discovery::scan(codebase)?).0)
}

/// Classifies the files of a shard; beside it the graph that was asked about.
pub(crate) fn of_shard(serving: &Serving, shard: &Shard) -> (Classification, Graph) {
    let model = &serving.model;
    let graph = Graph::of(shard, &model.config.features);
    let threshold = model.config.calibration.threshold;
    let kinds: BTreeMap<_, _> = shard.files.iter().map(|f| (f.path.as_str(), f.kind)).collect();
    let answers = graph.nodes.iter().zip(model.probabilities(&graph));
    let files = answers.filter(|(node, _)| kinds[node.path.as_str()] == FileKind::Module).map(
        |(node, p)| {
            let (likeliest, confidence) = Role::likeliest(&p);
            let role = (confidence >= threshold).then_some(likeliest);
            let confidence = (f64::from(confidence) * 1000.0).round() / 1000.0;
            FileRole { path: node.path.clone(), role, confidence, likeliest }
        },
    );
    let known = shard.files.iter().filter(|f| f.kind != FileKind::Module);
    let classification = Classification {
        version: VERSION,
        files: files.collect(),
        known: known.map(|f| KnownFile { path: f.path.clone(), kind: f.kind }).collect(),
        model: ModelName {
            artifact: serving.champion.artifact.clone(),
            kind: model.config.kind,
            threshold,
        },
    };
    (classification, graph)
}
