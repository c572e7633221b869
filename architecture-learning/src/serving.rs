//! The model that answers: the one that was promoted here, else the one that travels in this crate.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::analysis::{Analysis, PatternFrequency};
use crate::champion::Champion;
use crate::model::{CONFIG, LoadedModel, weights_file};
use crate::storage::{self, DataDir};
use crate::validation::{METRICS, Report};

const CHAMPION: &str = "champion.json";
const CARD: &str = "MODEL_CARD.md";
const PATTERNS: &str = "patterns.json";
const WEIGHTS: &str = "weights.safetensors";

/// The files of `model/`; `archlearn model export` writes them.
mod bundle {
    pub(super) const CHAMPION: &[u8] = include_bytes!("../model/champion.json");
    pub(super) const CONFIG: &[u8] = include_bytes!("../model/config.json");
    pub(super) const METRICS: &[u8] = include_bytes!("../model/metrics.json");
    pub(super) const CARD: &str = include_str!("../model/MODEL_CARD.md");
    pub(super) const PATTERNS: &[u8] = include_bytes!("../model/patterns.json");
    pub(super) const WEIGHTS: &[u8] = include_bytes!("../model/weights.safetensors");
}

/// Where a model comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Promoted in this data directory.
    Promoted,
    /// Travels in the crate.
    Bundled,
}

/// The model that answers, with what is known of it.
#[derive(Debug)]
pub struct Serving {
    /// Which it is.
    pub champion: Champion,
    /// Where it comes from.
    pub origin: Origin,
    /// What it scored on owners that it never saw.
    pub report: Report,
    /// Its card.
    pub card: String,
    /// How common each pattern is over the codebases that it learnt from; nothing where that is not known any more.
    pub patterns: Vec<PatternFrequency>,
    /// The model itself.
    pub model: LoadedModel,
}

impl Serving {
    /// The champion of `data`, else the bundled model.
    ///
    /// # Errors
    /// When the champion's files are damaged; the bundled ones are checked by a test.
    pub fn open(data: Option<&DataDir>) -> Result<Self, LearningError> {
        let champion = data.map(Champion::read).transpose()?.flatten();
        match data.zip(champion) {
            Some((data, champion)) => Self::promoted(data, champion),
            None => Self::bundled(),
        }
    }

    /// The bundled model.
    ///
    /// # Errors
    /// When this build's features are not those that it was trained on, which a test rules out.
    pub fn bundled() -> Result<Self, LearningError> {
        let name = |file: &str| PathBuf::from(format!("the bundled {file}"));
        let config = storage::from_json(&name(CONFIG), bundle::CONFIG)?;
        let weights = bundle::WEIGHTS.to_vec();
        Ok(Self {
            champion: storage::from_json(&name(CHAMPION), bundle::CHAMPION)?,
            origin: Origin::Bundled,
            report: storage::from_json(&name(METRICS), bundle::METRICS)?,
            card: bundle::CARD.to_owned(),
            patterns: storage::from_json(&name(PATTERNS), bundle::PATTERNS)?,
            model: LoadedModel::from_bytes(config, &name(WEIGHTS), weights)?,
        })
    }

    fn promoted(data: &DataDir, champion: Champion) -> Result<Self, LearningError> {
        let artifact = data.artifact(&champion.artifact);
        let card = storage::read(&artifact.join(CARD))?;
        let model = LoadedModel::open(&artifact)?;
        let analysis = Analysis::open(data, &model.config.dataset).ok();
        Ok(Self {
            champion,
            origin: Origin::Promoted,
            report: Report::open(&artifact)?,
            card: String::from_utf8_lossy(&card).into_owned(),
            patterns: analysis.map_or_else(Vec::new, |a| a.patterns),
            model,
        })
    }
}

/// Writes the champion of `data` to `directory`, as the crate carries it in `model/`.
///
/// # Errors
/// [`LearningError::NoChampion`] before the first promotion; when files cannot be read or written.
pub fn export(data: &DataDir, directory: &Path) -> Result<Champion, LearningError> {
    let champion = Champion::read(data)?;
    let champion =
        champion.ok_or_else(|| LearningError::NoChampion { data_dir: data.root().to_owned() })?;
    let artifact = data.artifact(&champion.artifact);
    let serving = Serving::promoted(data, champion)?;
    let weights = weights_file(serving.model.config.kind);
    for (from, to) in
        [(CONFIG, CONFIG), (METRICS, METRICS), (CARD, CARD), (weights.as_str(), WEIGHTS)]
    {
        storage::write(&directory.join(to), &storage::read(&artifact.join(from))?)?;
    }
    storage::write_json(&directory.join(PATTERNS), &serving.patterns)?;
    storage::write_json(&directory.join(CHAMPION), &serving.champion)?;
    Ok(serving.champion)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::storage::hash_named;

    #[test]
    fn the_bundled_model_loads_answers_and_is_the_artifact_that_it_says()
    -> Result<(), LearningError> {
        let serving = Serving::bundled()?;
        let config = &serving.model.config;
        let sums = serving.model.probabilities(&Graph::tiny());
        assert!(sums.iter().all(|p| (0.0..1.001).contains(&p.iter().sum::<f32>())));
        let files = [
            (CONFIG.to_owned(), bundle::CONFIG.to_vec()),
            (METRICS.to_owned(), bundle::METRICS.to_vec()),
            (CARD.to_owned(), bundle::CARD.as_bytes().to_vec()),
            (weights_file(config.kind), bundle::WEIGHTS.to_vec()),
        ];
        assert_eq!(hash_named(&files), serving.champion.artifact);
        let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes < 8_000_000, "{bytes} bytes travel in the crate");
        Ok(())
    }
}
