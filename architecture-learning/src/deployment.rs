//! Step 5: puts the proposed model and its numbers into a directory named by the hash of its content. Whether it serves is
//! decided by the rule in [`gate`]; a refusal is a result, with its reasons. Where decisions are kept is not known here.

mod card;
pub mod gate;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::graph::Graph;
use crate::model::{CONFIG, LoadedModel, weights_file};
use crate::storage::{self, DataDir};
use crate::training::TrainedModel;
use crate::validation::{METRICS, Report};
use gate::{Decision, Integrity};

/// What step 5 hands on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// The artifact: the hash of its files.
    pub artifact: String,
    /// The candidate that it was made of.
    pub candidate: String,
    /// Its directory.
    pub path: PathBuf,
    /// Promoted or refused, and why.
    pub decision: Decision,
}

/// The saved model, under the name of its content.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The hash of its files.
    pub hash: String,
    /// Its directory.
    pub path: PathBuf,
    /// What is known of its files.
    pub files: Integrity,
}

/// Writes the artifact of a validated model and looks whether it is sound. A repeat finds it.
///
/// # Errors
/// When files cannot be read or written.
pub fn publish(
    data: &DataDir,
    trained: &TrainedModel,
    report: &Report,
) -> Result<Artifact, LearningError> {
    let files = files(data, trained, report)?;
    let hash = storage::hash_named(&files);
    let path = data.artifact(&hash);
    storage::write_dir(&path, |directory| {
        files.iter().try_for_each(|(name, bytes)| storage::write(&directory.join(name), bytes))
    })?;
    let verified = report.verified && storage::hash_dir(&path)? == hash;
    let files = Integrity { verified, smoke: smoke(&path) };
    Ok(Artifact { hash, path, files })
}

/// The content of the artifact, by file name.
fn files(
    data: &DataDir,
    trained: &TrainedModel,
    report: &Report,
) -> Result<Vec<(String, Vec<u8>)>, LearningError> {
    let candidate = data.candidate(&trained.candidate);
    let weights = weights_file(report.kind);
    let metrics = storage::to_json(&candidate, report)?;
    Ok(vec![
        ("MODEL_CARD.md".to_owned(), card::card(trained, report).into_bytes()),
        (CONFIG.to_owned(), storage::read(&candidate.join(CONFIG))?),
        (METRICS.to_owned(), metrics),
        (weights.clone(), storage::read(&candidate.join(weights))?),
    ])
}

/// Whether the artifact loads and answers a tiny codebase with probabilities.
fn smoke(artifact: &std::path::Path) -> bool {
    let answers = |model: &LoadedModel| {
        let sums = model.probabilities(&Graph::tiny()).into_iter().map(|p| p.iter().sum::<f32>());
        // what they lack to one is the probability of none of the roles
        sums.into_iter().all(|sum| sum > 0.0 && sum < 1.001)
    };
    LoadedModel::open(artifact).is_ok_and(|model| answers(&model))
}
