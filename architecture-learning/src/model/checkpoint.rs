//! Checkpoints: after every epoch the weights, the optimiser's state and the story so far, in one directory that appears
//! whole. The last one and the best one stay.

use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::record::{BinBytesRecorder, FullPrecisionSettings, Record, Recorder};
use burn::tensor::backend::Backend;
use serde::{Deserialize, Serialize};

use super::ModelKind;
use super::fit::{Epoch, FitSettings};
use crate::LearningError;
use crate::storage;

const MODEL: &str = "model.bin";
const OPTIMISER: &str = "optimiser.bin";
const STATE: &str = "state.json";

/// The story of a fit up to an epoch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    pub epochs: Vec<Epoch>,
    /// From 1; 0 before the first.
    pub best_epoch: usize,
    pub best: f64,
}

impl State {
    pub(super) fn add(&mut self, epoch: Epoch) {
        self.epochs.push(epoch);
        if self.best_epoch == 0 || epoch.validation_macro_f1 > self.best {
            self.best = epoch.validation_macro_f1;
            self.best_epoch = self.epochs.len();
        }
    }

    pub(super) fn is_over(&self, settings: &FitSettings) -> bool {
        let done = self.epochs.len();
        done >= settings.epochs_max || done >= self.best_epoch + settings.patience && done > 0
    }

    pub(super) fn note(&self, kind: ModelKind) -> String {
        match self.epochs.last() {
            None => kind.name().to_owned(),
            Some(last) => format!(
                "{}: loss {:.3}, F1 {:.3}, best {:.3}",
                kind.name(),
                last.loss,
                last.validation_macro_f1,
                self.best
            ),
        }
    }
}

/// The checkpoints of one fit.
pub(super) struct Checkpoints {
    directory: PathBuf,
}

impl Checkpoints {
    pub(super) fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The story up to the last whole checkpoint.
    pub(super) fn last(&self) -> Result<Option<State>, LearningError> {
        let Some(epoch) = self.epochs().pop() else { return Ok(None) };
        storage::read_json(&self.epoch(epoch).join(STATE)).map(Some)
    }

    pub(super) fn save<B: Backend, M: Module<B>>(
        &self,
        state: &State,
        model: &M,
        optimiser: impl Record<B>,
    ) -> Result<(), LearningError> {
        let epoch = state.epochs.len();
        storage::write_dir(&self.epoch(epoch), |directory| {
            storage::write(&directory.join(MODEL), &to_bytes(model.clone().into_record(), MODEL)?)?;
            storage::write(&directory.join(OPTIMISER), &to_bytes(optimiser, OPTIMISER)?)?;
            storage::write_json(&directory.join(STATE), state)
        })?;
        for old in self.epochs().into_iter().filter(|e| *e != epoch && *e != state.best_epoch) {
            let old = self.epoch(old);
            fs::remove_dir_all(&old).map_err(LearningError::write(&old))?;
        }
        Ok(())
    }

    pub(super) fn model<B: Backend, M: Module<B>>(
        &self,
        state: &State,
        model: M,
        device: &B::Device,
    ) -> Result<M, LearningError> {
        self.weights(state.epochs.len(), model, device)
    }

    pub(super) fn best<B: Backend, M: Module<B>>(
        &self,
        state: &State,
        model: M,
        device: &B::Device,
    ) -> Result<M, LearningError> {
        self.weights(state.best_epoch, model, device)
    }

    pub(super) fn optimiser<B: Backend, R: Record<B>>(
        &self,
        state: &State,
        device: &B::Device,
    ) -> Result<R, LearningError> {
        from_bytes(&self.epoch(state.epochs.len()).join(OPTIMISER), device)
    }

    fn weights<B: Backend, M: Module<B>>(
        &self,
        epoch: usize,
        model: M,
        device: &B::Device,
    ) -> Result<M, LearningError> {
        Ok(model.load_record(from_bytes(&self.epoch(epoch).join(MODEL), device)?))
    }

    fn epoch(&self, epoch: usize) -> PathBuf {
        self.directory.join(format!("epoch-{epoch:04}"))
    }

    /// Numbers of the checkpoints, in order. Unfinished ones have another name.
    fn epochs(&self) -> Vec<usize> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().filter_map(Result::ok);
        let number = |e: fs::DirEntry| e.file_name().to_str()?.strip_prefix("epoch-")?.parse().ok();
        let mut epochs: Vec<_> = entries.into_iter().filter_map(number).collect();
        epochs.sort_unstable();
        epochs
    }
}

fn recorder() -> BinBytesRecorder<FullPrecisionSettings> {
    BinBytesRecorder::default()
}

fn to_bytes<B: Backend>(record: impl Record<B>, what: &str) -> Result<Vec<u8>, LearningError> {
    Recorder::<B>::record(&recorder(), record, ())
        .map_err(|e| LearningError::Weights { what: what.to_owned(), reason: e.to_string() })
}

fn from_bytes<B: Backend, R: Record<B>>(
    path: &Path,
    device: &B::Device,
) -> Result<R, LearningError> {
    let bytes = storage::read(path)?;
    Recorder::<B>::load(&recorder(), bytes, device).map_err(|e| LearningError::damaged(path, e))
}
