//! What the model answered before, file by file: one file of answers per codebase, in the cache directory. The key of an
//! answer is the hash of all that it depends on: the model, the program, the file as the model reads it, and as many steps
//! along dependencies as the model looks. So after a change only what stands around it is asked again, and no answer of
//! another model is ever given.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::discovery::CacheDir;
use crate::graph::Graph;
use crate::parallel;
use crate::role::ROLES;
use crate::serving::Serving;
use crate::storage;

/// Answers kept beside those of the last look, as many times its files: the branches that somebody works on side by side.
const KEPT: usize = 3;

const KEY: usize = 32;
const PROBABILITY: usize = 4;
const RECORD: usize = KEY + ROLES * PROBABILITY;

/// SHA-256 of all that an answer depends on.
type Key = [u8; KEY];
type Answer = [f32; ROLES];

/// The probabilities of each node's roles, and how many of them were known.
pub(super) fn probabilities(
    serving: &Serving,
    graph: &Graph,
    cache: &CacheDir,
    root: &Path,
) -> (Vec<Answer>, usize) {
    if graph.nodes.is_empty() {
        return (Vec::new(), 0);
    }
    let known = cache.file(root, "answers").and_then(|file| Some((file, keys(serving, graph)?)));
    let Some((file, keys)) = known else { return (serving.model.probabilities(graph), 0) };
    let bytes = std::fs::read(&file).unwrap_or_default();
    let records = records(&bytes).unwrap_or_default();
    let before: HashMap<&[u8], &[u8]> = records.iter().map(|r| r.split_at(KEY)).collect();
    let known: Vec<_> =
        keys.iter().map(|key| before.get(key.as_slice()).map(|bytes| answer(bytes))).collect();
    let unknown = (0..).zip(&known).filter(|(_, answer)| answer.is_none());
    let unknown: BTreeSet<u32> = unknown.map(|(node, _)| node).collect();
    let mut fresh = ask(serving, graph, &unknown).into_iter();
    let answers: Vec<Answer> =
        known.into_iter().filter_map(|known| known.or_else(|| fresh.next())).collect();
    if !unknown.is_empty() {
        write(&file, &keys, &answers, &records);
    }
    (answers, keys.len() - unknown.len())
}

/// The answers for the nodes `asked`, in order. Only what these see goes through the model.
fn ask(serving: &Serving, graph: &Graph, asked: &BTreeSet<u32>) -> Vec<Answer> {
    if asked.is_empty() {
        return Vec::new();
    }
    let beside = graph.within(asked.clone(), serving.model.config.kind.reach());
    let answers = serving.model.probabilities(&graph.part(&beside));
    let answers = beside.iter().zip(answers).filter(|(node, _)| asked.contains(node));
    answers.map(|(_, answer)| answer).collect()
}

/// The key of each node's answer. Another build may round otherwise, so the program is part of the question; none where
/// it cannot be told.
fn keys(serving: &Serving, graph: &Graph) -> Option<Vec<Key>> {
    let program = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    let built = program.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let program = [u128::from(program.len()), built.as_nanos()].map(u128::to_le_bytes);
    let asked =
        storage::digest([serving.champion.artifact.as_bytes(), program.concat().as_slice()]);
    Some(keys_of(graph, &asked, serving.model.config.kind.reach()))
}

/// In each round a key takes in those of the node's neighbours, in the order in which their words are summed.
fn keys_of(graph: &Graph, asked: &Key, reach: usize) -> Vec<Key> {
    let nodes = graph.nodes.len();
    let mut keys = parallel::map(nodes, |node| {
        let node = &graph.nodes[node];
        let mut bytes = asked.to_vec();
        let counts = |list: &[(u32, u32)]| list.iter().map(|(word, n)| [*word, *n]).collect();
        let lists: [Vec<[u32; 2]>; 2] = [counts(&node.shared), counts(&node.own)];
        for list in [lists[0].as_flattened(), lists[1].as_flattened(), node.structure.as_slice()] {
            bytes.extend((list.len() as u64).to_le_bytes());
            bytes.extend(list.iter().flat_map(|number| number.to_le_bytes()));
        }
        Sha256::digest(bytes).into()
    });
    let near = graph.near();
    for _ in 0..reach {
        keys = parallel::map(nodes, |node| {
            let mut sha = Sha256::new_with_prefix(keys[node]);
            near[node].iter().for_each(|other| sha.update(keys[*other as usize]));
            sha.finalize().into()
        });
    }
    keys
}

/// The answers in a file, each a key with what it stands for; none where it is damaged.
fn records(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let (sum, records) = bytes.split_at_checked(KEY)?;
    (records.len().is_multiple_of(RECORD) && Sha256::digest(records).as_slice() == sum)
        .then(|| records.chunks_exact(RECORD).collect())
}

fn answer(bytes: &[u8]) -> Answer {
    let mut numbers = bytes.chunks_exact(PROBABILITY);
    std::array::from_fn(|_| {
        let bytes = numbers.next().and_then(|bytes| bytes.try_into().ok());
        f32::from_le_bytes(bytes.unwrap_or_default())
    })
}

/// Writes these answers, then of the others those asked for last. Not being able to is no error.
fn write(file: &Path, keys: &[Key], answers: &[Answer], before: &[&[u8]]) {
    let mut written = HashSet::new();
    let mut records = Vec::new();
    for (key, answer) in keys.iter().zip(answers).filter(|(key, _)| written.insert(key.as_slice()))
    {
        records.extend(key);
        records.extend(answer.iter().flat_map(|p| p.to_le_bytes()));
    }
    let others = before.iter().filter(|record| !written.contains(&record[..KEY]));
    others.take(KEPT * keys.len()).for_each(|record| records.extend(*record));
    let whole = [Sha256::digest(&records).as_slice(), &records].concat();
    let _ = storage::write(file, &whole);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Node;

    fn chain(nodes: usize) -> Graph {
        let node = Graph::tiny().nodes[0].clone();
        let edges = (1..u32::try_from(nodes).unwrap_or(0)).map(|n| (n - 1, n)).collect();
        Graph { nodes: vec![node; nodes], edges, ..Graph::tiny() }
    }

    /// Places whose keys differ.
    fn asked_again(a: &Graph, b: &Graph, reach: usize) -> Vec<usize> {
        let keys = [a, b].map(|graph| keys_of(graph, &Key::default(), reach));
        (0..keys[0].len()).filter(|n| keys[0][*n] != keys[1][*n]).collect()
    }

    #[test]
    fn a_change_is_asked_about_as_far_as_the_model_looks() {
        let before = chain(9);
        let mut after = before.clone();
        after.nodes[4].own.push((7, 1));
        assert_eq!(asked_again(&before, &after, 2), [2, 3, 4, 5, 6]);
        assert_eq!(asked_again(&before, &after, 0), [4]);
        let mut after = before.clone();
        after.edges.pop();
        assert_eq!(asked_again(&before, &after, 2), [6, 7, 8]);
        assert_ne!(keys_of(&before, &Key::default(), 2), keys_of(&before, &[1; KEY], 2));
    }

    #[test]
    fn what_moves_from_one_list_to_another_is_another_question() {
        let node = |shared: &[(u32, u32)], own: &[(u32, u32)]| Graph {
            nodes: vec![Node {
                shared: shared.to_vec(),
                own: own.to_vec(),
                ..Graph::tiny().nodes[0].clone()
            }],
            edges: Vec::new(),
            ..Graph::tiny()
        };
        let nodes =
            [node(&[(1, 2), (3, 4)], &[]), node(&[(1, 2)], &[(3, 4)]), node(&[(1, 2)], &[])];
        let keys = nodes.map(|graph| keys_of(&graph, &Key::default(), 0));
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
    }

    #[test]
    fn known_answers_are_those_of_a_first_look_to_the_last_bit() -> Result<(), crate::LearningError>
    {
        let directory =
            std::env::temp_dir().join(format!("archlearn-answers-{}", std::process::id()));
        let (serving, cache) = (Serving::bundled()?, CacheDir::at(&directory));
        let ask = |graph: &Graph| probabilities(&serving, graph, &cache, Path::new("/code"));
        let before = chain(9);
        assert_eq!(ask(&before), (serving.model.probabilities(&before), 0));
        let mut after = before.clone();
        after.nodes[0].shared.push((5, 3));
        assert_eq!(ask(&after), (serving.model.probabilities(&after), 6));
        assert_eq!(ask(&before), (serving.model.probabilities(&before), 9), "kept beside");
        let file = cache.file(Path::new("/code"), "answers").unwrap_or_default();
        let mut bytes = storage::read(&file)?;
        bytes[100] ^= 1;
        storage::write(&file, &bytes)?;
        assert_eq!(ask(&before), (serving.model.probabilities(&before), 0), "a damaged file");
        std::fs::remove_dir_all(&directory).map_err(crate::LearningError::write(&directory))
    }
}
