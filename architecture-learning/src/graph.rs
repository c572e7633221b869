//! A codebase as the model reads it: files as bags of hashed words, without anything of their paths.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use crate::codebase::Split;
use crate::discovery::{EdgeKind, FileKind, STRUCTURE, Shard, SourceFile, path_words};
use crate::role::Role;
use crate::storage::hash64;
use crate::{parallel, words};

/// How words become numbers. A model can read only graphs of its own settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureSettings {
    /// Grows with every change of what a feature is.
    pub format: u32,
    /// Size of the hash space of words.
    pub buckets: u32,
}

/// Larger codebases go through in blocks: a dense adjacency grows with the square.
pub(crate) const BLOCK: usize = 2000;

impl Default for FeatureSettings {
    fn default() -> Self {
        Self { format: 2, buckets: 8192 }
    }
}

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
    /// Bucket and count of the words that neighbours may see as well.
    pub shared: Vec<(u32, u32)>,
    /// Bucket and count of words that are part of some path of the codebase, though not of this file's: for itself only.
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
    pub fn of(shard: &Shard, settings: &FeatureSettings) -> Self {
        let kept = |file: &SourceFile| {
            file.language.is_learnt()
                && matches!(
                    file.kind,
                    FileKind::Module | FileKind::CrateRoot | FileKind::EntryPoint
                )
        };
        let files: Vec<_> = shard.files.iter().enumerate().filter(|(_, f)| kept(f)).collect();
        let paths: Vec<_> = files.iter().map(|(_, file)| path_words(file)).collect();
        let every_path: HashSet<_> = paths.iter().flatten().map(String::as_str).collect();
        let lexicon = || Lexicon::of(&every_path, settings);
        let nodes = parallel::map_with(files.len(), lexicon, |lexicon, i| {
            node(files[i].1, &paths[i], lexicon)
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
            nodes,
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

    /// The neighbours of each node in both directions, in order; itself where it depends on itself.
    pub(crate) fn near(&self) -> Vec<Vec<u32>> {
        let mut near = vec![Vec::new(); self.nodes.len()];
        for (from, to) in &self.edges {
            near[*from as usize].push(*to);
            near[*to as usize].push(*from);
        }
        for nodes in &mut near {
            nodes.sort_unstable();
            nodes.dedup();
        }
        near
    }

    /// The nodes `asked` and those within so many steps of them.
    pub(crate) fn within(&self, asked: BTreeSet<u32>, steps: usize) -> BTreeSet<u32> {
        let near = self.near();
        let (mut all, mut last) = (asked.clone(), asked);
        for _ in 0..steps {
            let next = last.iter().flat_map(|node| &near[*node as usize]).copied();
            last = next.filter(|node| all.insert(*node)).collect();
        }
        all
    }

    /// The nodes that can be learnt from alone.
    pub(crate) fn only_labelled(&self) -> Self {
        let nodes = (0_u32..).zip(&self.nodes).filter(|(_, n)| n.role.is_some() || n.roleless);
        Self { edges: Vec::new(), ..self.part(&nodes.map(|(i, _)| i).collect()) }
    }

    /// The nodes `centre` and their neighbours, as many as a block holds.
    pub(crate) fn with_neighbours(&self, centre: &BTreeSet<u32>) -> BTreeSet<u32> {
        let mut keep = centre.clone();
        for (from, to) in &self.edges {
            if keep.len() >= BLOCK {
                break;
            }
            if centre.contains(from) {
                keep.insert(*to);
            } else if centre.contains(to) {
                keep.insert(*from);
            }
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

/// Words that occur in many files, each looked at once.
struct Lexicon<'s> {
    /// The words of all paths.
    every: &'s HashSet<&'s str>,
    settings: &'s FeatureSettings,
    words: HashMap<&'s str, Entry>,
    dependencies: HashMap<&'s str, Entry>,
}

/// What is known of a word whatever file it stands in.
struct Entry {
    bucket: u32,
    /// Its parts in the singular, where one of them is a word of some path; else none.
    parts: Vec<String>,
}

impl<'s> Lexicon<'s> {
    fn of(every: &'s HashSet<&'s str>, settings: &'s FeatureSettings) -> Self {
        Self { every, settings, words: HashMap::default(), dependencies: HashMap::default() }
    }

    fn word(&mut self, word: &'s str) -> &Entry {
        self.words.entry(word).or_insert_with(|| Entry::of(word, self.every, self.settings))
    }

    fn dependency(&mut self, name: &'s str) -> &Entry {
        let entry = || Entry::of(&format!("dep:{name}"), self.every, self.settings);
        self.dependencies.entry(name).or_insert_with(entry)
    }
}

impl Entry {
    fn of(word: &str, every: &HashSet<&str>, settings: &FeatureSettings) -> Self {
        let parts = words::split(word);
        let parts: Vec<_> = parts.iter().map(|part| words::singular(part).to_owned()).collect();
        let meets = parts.iter().any(|part| every.contains(part.as_str()));
        Self { bucket: bucket(word, settings), parts: if meets { parts } else { Vec::new() } }
    }
}

fn node<'s>(file: &'s SourceFile, path: &BTreeSet<String>, lexicon: &mut Lexicon<'s>) -> Node {
    let (mut shared, mut own) = (Vec::new(), Vec::new());
    let mut add = |entry: &Entry, n: u32| {
        if !entry.parts.iter().any(|part| path.contains(part)) {
            let into = if entry.parts.is_empty() { &mut shared } else { &mut own };
            into.push((entry.bucket, n));
        }
    };
    file.tokens.iter().for_each(|(word, n)| add(lexicon.word(word), n));
    file.dependencies.iter().for_each(|name| add(lexicon.dependency(name), 1));
    Node {
        path: file.path.clone(),
        shared: summed(shared),
        own: summed(own),
        structure: file.structure.clone(),
        role: None,
        roleless: false,
    }
}

/// Counts in the order of their buckets, one for each.
fn summed(mut counts: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    counts.sort_unstable();
    counts.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 += if same { next.1 } else { 0 };
        same
    });
    counts
}

/// The words of a file by their bucket; several may share one.
pub(crate) fn bucket_words(
    file: &SourceFile,
    settings: &FeatureSettings,
) -> BTreeMap<u32, Vec<String>> {
    let dependencies = file.dependencies.iter().map(|name| format!("dep:{name}"));
    let mut words: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for word in file.tokens.iter().map(|(word, _)| word.to_owned()).chain(dependencies) {
        words.entry(bucket(&word, settings)).or_default().push(word);
    }
    words
}

fn bucket(word: &str, settings: &FeatureSettings) -> u32 {
    u32::try_from(hash64(word) % u64::from(settings.buckets)).unwrap_or(0)
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
        let settings = FeatureSettings::default();
        let graph = Graph::of(&shard, &settings);
        let buckets = |words: &[&str]| {
            words.iter().map(|w| (bucket(w, &settings), 1)).collect::<BTreeSet<_>>()
        };
        let set = |pairs: &[(u32, u32)]| pairs.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(set(&graph.nodes[0].shared), buckets(&["plain", "dep:serde"]));
        assert_eq!(set(&graph.nodes[0].own), buckets(&["store"]));
        assert_eq!(set(&graph.nodes[1].shared), buckets(&["plain", "dep:serde"]));
        assert_eq!(set(&graph.nodes[1].own), buckets(&["parser", "dep:parser"]));
        assert_eq!(graph.edges, [(0, 1)]);
    }
}
