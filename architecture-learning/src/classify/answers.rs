//! What the model answered before, by the hash of all that it was asked: one file per codebase, in the cache directory.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::discovery::CacheDir;
use crate::graph::Graph;
use crate::role::ROLES;
use crate::serving::Serving;
use crate::storage;

/// Answers kept of one codebase: the branches that somebody works on side by side.
const KEPT: usize = 4;

/// SHA-256 of a model, of the program that asks it, and of a graph.
type Key = [u8; 32];

#[derive(Serialize, Deserialize)]
struct Answer {
    key: Key,
    probabilities: Vec<[f32; ROLES]>,
}

/// The probabilities of each node's roles, and whether they were known.
pub(super) fn probabilities(
    serving: &Serving,
    graph: &Graph,
    cache: &CacheDir,
    root: &Path,
) -> (Vec<[f32; ROLES]>, bool) {
    if graph.nodes.is_empty() {
        return (Vec::new(), false);
    }
    let ask = || serving.model.probabilities(graph);
    let known = cache.file(root, "answers").and_then(|file| Some((file, key(serving, graph)?)));
    let Some((file, key)) = known else { return (ask(), false) };
    let mut answers = read(&file).unwrap_or_default();
    if let Some(place) = answers.iter().position(|answer| answer.key == key) {
        let answer = answers.swap_remove(place);
        if answer.probabilities.len() == graph.nodes.len() {
            return (answer.probabilities, true);
        }
    }
    let probabilities = ask();
    answers.insert(0, Answer { key, probabilities });
    answers.truncate(KEPT);
    write(&file, &answers);
    (answers.swap_remove(0).probabilities, false)
}

/// Another build may round otherwise, so the program is part of the question; none where it cannot be told.
fn key(serving: &Serving, graph: &Graph) -> Option<Key> {
    let program = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    let built = program.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let mut sha = Sha256::new();
    sha.update(postcard::to_allocvec(&(program.len(), built)).ok()?);
    sha.update(postcard::to_allocvec(&serving.champion.artifact).ok()?);
    for node in &graph.nodes {
        let asked = (node.directory, &node.shared, &node.own, &node.structure);
        sha.update(postcard::to_allocvec(&asked).ok()?);
    }
    sha.update(postcard::to_allocvec(&graph.edges).ok()?);
    Some(sha.finalize().into())
}

/// The answers in `file`; none where it is damaged.
fn read(file: &Path) -> Option<Vec<Answer>> {
    let bytes = std::fs::read(file).ok()?;
    let (sum, answers) = bytes.split_at_checked(32)?;
    (Sha256::digest(answers).as_slice() == sum).then(|| postcard::from_bytes(answers).ok())?
}

/// Not being able to write is no error.
fn write(file: &Path, answers: &[Answer]) {
    if let Ok(bytes) = postcard::to_allocvec(answers) {
        let whole = [Sha256::digest(&bytes).as_slice(), &bytes].concat();
        let _ = storage::write(file, &whole);
    }
}
