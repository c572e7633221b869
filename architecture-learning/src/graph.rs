//! A codebase as the model reads it: files as bags of numbered words, without anything of their paths.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::codebase::Split;
use crate::discovery::{EdgeKind, FileKind, STRUCTURE, Shard, SourceFile, path_words};
use crate::language::directory;
use crate::role::Role;
use crate::storage::hash64;
use crate::words;

/// What a feature is: 2, where words are hashed and neither documentation nor directories are read, or 3.
pub(crate) const FORMATS: [u32; 2] = [2, 3];

/// How words become numbers in a model. It can read only graphs of its own settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureSettings {
    /// Grows with every change of what a feature is.
    pub format: u32,
    /// Size of the hash space of words, in format 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buckets: Option<u32>,
    /// The words by their numbers, from format 3 on: those that most owners use come first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

impl FeatureSettings {
    /// The settings of a vocabulary.
    pub fn of(words: Vec<String>) -> Self {
        Self { format: FORMATS[1], buckets: None, words }
    }

    /// How many numbers words have.
    pub(crate) fn size(&self) -> usize {
        self.buckets.map_or(self.words.len(), |buckets| buckets as usize)
    }
}

/// The numbers of a model's words.
#[derive(Debug)]
pub(crate) enum Vocabulary {
    Hashed(u32),
    Listed(HashMap<String, u32>),
}

impl Vocabulary {
    pub(crate) fn of(settings: &FeatureSettings) -> Self {
        match settings.buckets {
            Some(buckets) => Self::Hashed(buckets),
            None => Self::Listed(settings.words.iter().cloned().zip(0..).collect()),
        }
    }

    /// The number of a word that the model reads.
    pub(crate) fn number(&self, word: &str) -> Option<u32> {
        match self {
            Self::Hashed(_) if word.starts_with(DOCUMENTED) => None,
            Self::Hashed(buckets) => u32::try_from(hash64(word) % u64::from(*buckets)).ok(),
            Self::Listed(numbers) => numbers.get(word).copied(),
        }
    }

    /// The numbers that the model has for the words of a dataset.
    pub(crate) fn numbers(&self, words: &[String]) -> Vec<Option<u32>> {
        words.iter().map(|word| self.number(word)).collect()
    }
}

/// Numbers words in the order in which they come.
#[derive(Default)]
pub(crate) struct Dictionary(HashMap<String, u32>);

impl Dictionary {
    pub(crate) fn number(&mut self, word: &str) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        match self.0.get(word) {
            Some(known) => *known,
            None => *self.0.entry(word.to_owned()).or_insert(next),
        }
    }

    pub(crate) fn words(self) -> Vec<String> {
        let mut words: Vec<_> = self.0.into_iter().collect();
        words.sort_by_key(|(_, number)| *number);
        words.into_iter().map(|(word, _)| word).collect()
    }
}

/// Before a word of documentation.
const DOCUMENTED: &str = "doc:";

/// Larger codebases go through in blocks: a dense adjacency grows with the square.
pub(crate) const BLOCK: usize = 2000;

/// One codebase.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Graph {
    /// Name of the codebase.
    pub codebase: String,
    /// Owner, by which splits and bootstrap go.
    pub owner: String,
    /// Part of the corpus.
    pub split: Split,
    /// Whether it builds a program.
    pub application: bool,
    /// Its files.
    pub nodes: Vec<Node>,
    /// Dependencies between [`Graph::nodes`], from the file that depends to the one it depends on.
    pub edges: Vec<(u32, u32)>,
}

/// One file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    /// Path relative to the codebase; for people, the model does not see it.
    pub path: String,
    /// Which of the codebase's directories it is in.
    pub directory: u32,
    /// Number and count of the words that neighbours may see as well.
    pub shared: Vec<(u32, u32)>,
    /// Number and count of words that are part of some path of the codebase, though not of this file's: for itself only.
    pub own: Vec<(u32, u32)>,
    /// Counts of constructs, then lines.
    pub structure: Vec<u32>,
    /// Weak label.
    pub role: Option<Role>,
    /// Whether its name says that it has none of the roles: learnt from, never scored.
    #[serde(default)]
    pub roleless: bool,
}

impl Graph {
    /// The graph of a shard, without labels: modules and roots in the languages that are learnt, with what discovery knows of them.
    pub(crate) fn of(shard: &Shard, mut number: impl FnMut(&str) -> Option<u32>) -> Self {
        let kept = |file: &SourceFile| {
            file.language.is_learnt()
                && matches!(
                    file.kind,
                    FileKind::Module | FileKind::CrateRoot | FileKind::EntryPoint
                )
        };
        let files: Vec<_> = shard.files.iter().enumerate().filter(|(_, f)| kept(f)).collect();
        let paths: Vec<_> = files.iter().map(|(_, file)| path_words(file)).collect();
        let every_path: BTreeSet<_> = paths.iter().flatten().map(String::as_str).collect();
        let directories: BTreeSet<_> =
            files.iter().map(|(_, file)| directory(&file.path)).collect();
        let directories: BTreeMap<_, _> = directories.into_iter().zip(0..).collect();
        let nodes = files.iter().zip(&paths).map(|((_, file), path)| {
            let path = path.iter().map(String::as_str).collect();
            let (shared, own) = words(file, &path, &every_path, &mut number);
            Node {
                path: file.path.clone(),
                directory: directories[directory(&file.path)],
                shared,
                own,
                structure: file.structure.clone(),
                role: None,
                roleless: false,
            }
        });
        let place: BTreeMap<_, _> =
            (0_u32..).zip(&files).map(|(new, (old, _))| (*old, new)).collect();
        let mut edges: Vec<_> = shard
            .edges
            .iter()
            .filter(|edge| edge.kind != EdgeKind::Child)
            .filter_map(|e| Some((*place.get(&(e.from as usize))?, *place.get(&(e.to as usize))?)))
            .collect();
        edges.sort_unstable();
        edges.dedup();
        Self {
            codebase: shard.codebase.name.clone(),
            owner: shard.codebase.owner.clone(),
            split: shard.codebase.split(),
            application: shard.is_application(),
            nodes: nodes.collect(),
            edges,
        }
    }

    /// How many nodes have a label.
    pub fn labelled(&self) -> usize {
        self.nodes.iter().filter(|n| n.role.is_some()).count()
    }

    /// Two files and an edge: something to ask a model about.
    pub(crate) fn tiny() -> Self {
        let node = |path: &str, shared| Node {
            path: path.to_owned(),
            directory: 0,
            shared,
            own: Vec::new(),
            structure: vec![1; STRUCTURE],
            role: None,
            roleless: false,
        };
        Self {
            codebase: "tiny".to_owned(),
            owner: String::new(),
            split: Split::Test,
            application: false,
            nodes: vec![node("a.rs", vec![(1, 2), (5, 1)]), node("b.rs", vec![(3, 1)])],
            edges: vec![(0, 1)],
        }
    }

    /// The same with other numbers of words, without the words that have none.
    pub(crate) fn renumbered(&self, numbers: &[Option<u32>]) -> Self {
        let list = |words: &[(u32, u32)]| {
            let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
            for (word, n) in words {
                if let Some(number) = numbers.get(*word as usize).copied().flatten() {
                    *counts.entry(number).or_default() += n;
                }
            }
            counts.into_iter().collect()
        };
        let node = |node: &Node| Node {
            path: node.path.clone(),
            shared: list(&node.shared),
            own: list(&node.own),
            structure: node.structure.clone(),
            ..*node
        };
        Self {
            nodes: self.nodes.iter().map(node).collect(),
            edges: self.edges.clone(),
            codebase: self.codebase.clone(),
            owner: self.owner.clone(),
            ..*self
        }
    }

    /// The neighbours of each node in both directions, in order, without itself.
    pub(crate) fn neighbours(&self) -> Vec<Vec<u32>> {
        let mut all = vec![Vec::new(); self.nodes.len()];
        for (from, to) in self.edges.iter().filter(|(from, to)| from != to) {
            all[*from as usize].push(*to);
            all[*to as usize].push(*from);
        }
        for neighbours in &mut all {
            neighbours.sort_unstable();
            neighbours.dedup();
        }
        all
    }

    /// The nodes of each directory, in order.
    pub(crate) fn directories(&self) -> BTreeMap<u32, Vec<u32>> {
        let mut all: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (place, node) in (0_u32..).zip(&self.nodes) {
            all.entry(node.directory).or_default().push(place);
        }
        all
    }

    /// The nodes `centre` with what stands around them, as many as a block holds: their neighbours, then the other files
    /// of their directories.
    pub(crate) fn with_surroundings(&self, centre: &BTreeSet<u32>) -> BTreeSet<u32> {
        let neighbours = self.edges.iter().filter_map(|(from, to)| {
            let inside = (centre.contains(from), centre.contains(to));
            match inside {
                (true, _) => Some(*to),
                (false, true) => Some(*from),
                (false, false) => None,
            }
        });
        let own: BTreeSet<_> = centre.iter().map(|n| self.nodes[*n as usize].directory).collect();
        let nodes = (0_u32..).zip(&self.nodes);
        let siblings = nodes.filter(|(_, node)| own.contains(&node.directory)).map(|(i, _)| i);
        let mut keep = centre.clone();
        for node in neighbours.chain(siblings) {
            if keep.len() >= BLOCK {
                break;
            }
            keep.insert(node);
        }
        keep
    }

    /// The nodes `keep`, with the edges between them.
    pub(crate) fn part(&self, keep: &BTreeSet<u32>) -> Self {
        let place: BTreeMap<_, _> = (0_u32..).zip(keep).map(|(new, old)| (*old, new)).collect();
        let edge = |(from, to): &(u32, u32)| Some((*place.get(from)?, *place.get(to)?));
        Self {
            nodes: keep.iter().map(|n| self.nodes[*n as usize].clone()).collect(),
            edges: self.edges.iter().filter_map(edge).collect(),
            codebase: self.codebase.clone(),
            owner: self.owner.clone(),
            ..*self
        }
    }
}

/// The words of a file that neighbours may see too, and those for itself only, by number, with their counts.
fn words(
    file: &SourceFile,
    path: &BTreeSet<&str>,
    every: &BTreeSet<&str>,
    number: &mut impl FnMut(&str) -> Option<u32>,
) -> (Vec<(u32, u32)>, Vec<(u32, u32)>) {
    let (mut shared, mut own) = (BTreeMap::new(), BTreeMap::new());
    for (word, n) in all_words(file) {
        let Some(number) = number(&word) else { continue };
        let parts = words::split(word.strip_prefix(DOCUMENTED).unwrap_or(&word));
        let meets =
            |names: &BTreeSet<&str>| parts.iter().any(|part| names.contains(words::singular(part)));
        if meets(path) {
            continue;
        }
        let into = if meets(every) { &mut own } else { &mut shared };
        *into.entry(number).or_insert(0) += n;
    }
    (shared.into_iter().collect(), own.into_iter().collect())
}

/// Words of identifiers, of documentation and the names of dependencies, with their counts.
fn all_words(file: &SourceFile) -> impl Iterator<Item = (Cow<'_, str>, u32)> {
    let words = file.tokens.iter().map(|(word, n)| (Cow::from(word), *n));
    let told = |(word, n): (&String, &u32)| (Cow::from(format!("{DOCUMENTED}{word}")), *n);
    let named = |name: &String| (Cow::from(format!("dep:{name}")), 1);
    words.chain(file.documentation.iter().map(told)).chain(file.dependencies.iter().map(named))
}

/// The words of a file by the number that a model has for them; several may share one.
pub(crate) fn words_by_number(
    file: &SourceFile,
    vocabulary: &Vocabulary,
) -> BTreeMap<u32, Vec<String>> {
    let mut words: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (word, _) in all_words(file) {
        if let Some(number) = vocabulary.number(&word) {
            words.entry(number).or_default().push(word.into_owned());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codebase::Codebase;
    use crate::discovery::{Blind, Edge};
    use crate::language::Language;

    fn file(path: &str, tokens: &[&str]) -> SourceFile {
        SourceFile {
            path: path.to_owned(),
            language: Language::Rust,
            kind: FileKind::Module,
            package: "acme-tool".to_owned(),
            lines: 10,
            fingerprint: String::new(),
            tokens: tokens.iter().map(|t| ((*t).to_owned(), 1)).collect(),
            documentation: tokens.iter().map(|t| ((*t).to_owned(), 1)).collect(),
            dependencies: BTreeSet::from(["parser".to_owned(), "serde".to_owned()]),
            structure: vec![0; STRUCTURE],
            blind: Blind::default(),
            sign: None,
        }
    }

    /// The leak check: nothing of a path, whole, in part, in a compound or in the plural, reaches its own features, and
    /// nothing of any path reaches a neighbour.
    #[test]
    fn nothing_of_a_path_reaches_the_features() {
        let shard = Shard {
            codebase: Codebase {
                root: "/x".into(),
                name: "acme-tool".into(),
                version: String::new(),
                owner: "o".into(),
                kind: None,
            },
            files: vec![
                file(
                    "src/parsers/json.rs",
                    &["parser", "parsers", "json_value", "acme", "plain", "store"],
                ),
                file("src/store.rs", &["parser", "plain", "stores"]),
            ],
            edges: vec![Edge { from: 0, to: 1, kind: EdgeKind::Use, line: 1 }],
            patterns: Vec::new(),
            unresolved: 0,
            application: false,
            unread: Vec::new(),
            skipped: Vec::new(),
        };
        let mut dictionary = Dictionary::default();
        let graph = Graph::of(&shard, |word| Some(dictionary.number(word)));
        let words = dictionary.words();
        let said = |pairs: &[(u32, u32)]| -> BTreeSet<_> {
            pairs.iter().map(|(word, _)| words[*word as usize].as_str()).collect()
        };
        let set = |words: &[&'static str]| words.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(said(&graph.nodes[0].shared), set(&["plain", "doc:plain", "dep:serde"]));
        assert_eq!(said(&graph.nodes[0].own), set(&["store", "doc:store"]));
        assert_eq!(said(&graph.nodes[1].shared), set(&["plain", "doc:plain", "dep:serde"]));
        assert_eq!(said(&graph.nodes[1].own), set(&["parser", "doc:parser", "dep:parser"]));
        assert_eq!(graph.edges, [(0, 1)]);
        assert_ne!(graph.nodes[0].directory, graph.nodes[1].directory);
    }

    #[test]
    fn a_model_reads_the_words_of_a_dataset_by_its_own_numbers() {
        let dataset = ["rare", "common", "doc:common", "dep:serde"].map(str::to_owned);
        let mut graph = Graph::tiny();
        graph.nodes[0].shared = vec![(0, 1), (1, 2), (2, 3), (3, 4)];
        let read = |settings: &FeatureSettings| {
            let vocabulary = Vocabulary::of(settings);
            graph.renumbered(&vocabulary.numbers(&dataset)).nodes[0].shared.clone()
        };
        let listed = ["dep:serde", "common", "unused"].map(str::to_owned).to_vec();
        assert_eq!(read(&FeatureSettings::of(listed)), [(0, 4), (1, 2)]);
        let one_bucket = FeatureSettings { format: 2, buckets: Some(1), words: Vec::new() };
        assert_eq!(read(&one_bucket), [(0, 7)], "hashed words have no documentation");
    }
}
