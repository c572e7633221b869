//! Step 5: puts the proposed model and its numbers into a directory named by the hash of its content, and promotes it or
//! not, by the rule in [`gate`]. A refusal is a result, with its reasons. Promotion replaces one pointer file.

mod card;
pub mod gate;
mod registry;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::graph::Graph;
use crate::model::{CONFIG, LoadedModel, weights_file};
use crate::storage::{self, DataDir};
use crate::training::TrainedModel;
use crate::validation::{METRICS, Report};
use gate::Decision;

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

/// Writes the artifact of a validated model and decides on it. A repeat finds its own decision.
///
/// # Errors
/// When files cannot be read or written.
pub fn deploy(
    data: &DataDir,
    trained: &TrainedModel,
    report: &Report,
) -> Result<Deployment, LearningError> {
    let files = files(data, trained, report)?;
    let artifact = storage::hash_named(&files);
    let path = data.artifact(&artifact);
    storage::write_dir(&path, |directory| {
        files.iter().try_for_each(|(name, bytes)| storage::write(&directory.join(name), bytes))
    })?;
    let checks = gate::Integrity {
        verified: report.verified && storage::hash_dir(&path)? == artifact,
        smoke: smoke(&path),
    };
    let decision = gate::decide(report, checks);
    let champion = registry::contender(&artifact, report);
    let decision = registry::record(data, champion, decision)?;
    let candidate = trained.candidate.clone();
    Ok(Deployment { artifact, candidate, path, decision })
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
        sums.into_iter().all(|sum| (sum - 1.0).abs() < 1e-3)
    };
    LoadedModel::open(artifact).is_ok_and(|model| answers(&model))
}
