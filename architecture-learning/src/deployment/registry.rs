//! Which model serves: a pointer file beside a list of all decisions, under a lock, so that two deployments at once see
//! each other.

use std::fs::{self, File};
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::gate::Decision;
use crate::LearningError;
use crate::champion::Champion;
use crate::storage::{self, DataDir};
use crate::validation::Report;

/// One line of the list of decisions.
#[derive(Serialize, Deserialize)]
struct Entry {
    champion: Champion,
    decision: Decision,
}

/// The champion that an artifact would be, from now on.
pub(super) fn contender(artifact: &str, report: &Report) -> Champion {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Champion {
        artifact: artifact.to_owned(),
        candidate: report.candidate.clone(),
        macro_f1: report.ours().map_or(0.0, |s| s.macro_f1.value),
        promoted_at: now,
    }
}

/// Records a decision and, where it promotes, moves the pointer. A decision taken before on the same artifact stands.
pub(super) fn record(
    data: &DataDir,
    champion: Champion,
    decision: Decision,
) -> Result<Decision, LearningError> {
    let _lock = lock(data)?;
    let path = data.decisions();
    let known = if path.is_file() {
        String::from_utf8_lossy(&storage::read(&path)?).into_owned()
    } else {
        String::new()
    };
    let entries = known.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok());
    let before = entries.into_iter().find(|e| e.champion.artifact == champion.artifact);
    if let Some(before) = before {
        return Ok(before.decision);
    }
    if decision.promoted {
        storage::write_json(&data.champion(), &champion)?;
    }
    let entry = Entry { champion, decision };
    let mut line = storage::to_json(&path, &entry)?;
    line.push(b'\n');
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(LearningError::write(&path))?;
    file.write_all(&line).map_err(LearningError::write(&path))?;
    Ok(entry.decision)
}

/// Held until it is dropped.
fn lock(data: &DataDir) -> Result<File, LearningError> {
    let path = data.registry_lock();
    let directory = path.parent().unwrap_or(data.root());
    fs::create_dir_all(directory).map_err(LearningError::write(directory))?;
    let file = File::create(&path).map_err(LearningError::write(&path))?;
    file.lock().map_err(LearningError::write(&path))?;
    Ok(file)
}
