//! Step 2: from shards to a dataset: weak labels, features, duplicates out, the frozen split by owner; and how often
//! patterns occur and go together.

mod duplicates;
mod gold;
mod labels;
mod patterns;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::codebase::Split;
use crate::discovery::{Discovery, FileKind, Shard};
use crate::graph::{BLOCK, Dictionary, Graph, Node};
use crate::observer::Observer;
use crate::role::Role;
use crate::storage::{self, DataDir};
use crate::{LearningError, words};
use duplicates::Duplicates;
use labels::Vote;
pub(crate) use labels::is_error_name;

pub use gold::{GoldGraph, GoldNode};
pub use labels::{LabelReport, Place};
pub use patterns::{PatternFrequency, PatternPair};

/// Part of every dataset's key.
const FORMAT: &str = "dataset 5";
/// Labels taken from one owner at most.
const OWNER_FILES_MAX: usize = 150;
/// Files taken from one owner at most whose name says that they have none of the roles.
const OWNER_ROLELESS_MAX: usize = 30;
/// Files with fewer words have nothing to learn from.
const WORDS_MIN: usize = 8;
/// Labels that training needs at least, as in the pipeline's sibling.
const SAMPLES_MIN: usize = 100;

/// What step 2 hands on: the dataset by id, and figures for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Id of the dataset: the hash of its shards and settings.
    pub dataset: String,
    /// Everything that was discovered.
    pub discovered: Discovered,
    /// Codebases with at least one label.
    pub codebases: usize,
    /// Different owners of these.
    pub owners: usize,
    /// Files in their graphs.
    pub files: usize,
    /// Labelled files in the training, validation and test part.
    pub labelled: Parts,
    /// Copies that lost their label.
    pub duplicates: usize,
    /// How the labelling functions did, before copies and the cap per owner went out.
    pub labels: LabelReport,
    /// How often each pattern occurs.
    pub patterns: Vec<PatternFrequency>,
    /// Patterns that go together, strongest first.
    pub relationships: Vec<PatternPair>,
}

/// Sums over all codebases, those without a label among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovered {
    /// Codebases.
    pub codebases: usize,
    /// Rust files.
    pub files: usize,
    /// Edges between them.
    pub edges: usize,
}

/// A count for each part of the corpus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Training owners.
    pub train: usize,
    /// Validation owners.
    pub validation: usize,
    /// Test owners.
    pub test: usize,
}

/// The graphs to learn from and to be judged on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dataset {
    /// The words of the graphs by their numbers.
    pub words: Vec<String>,
    /// Codebases with labels; large ones in several blocks.
    pub graphs: Vec<Graph>,
    /// Codebases with files of the gold set.
    #[serde(default)]
    pub gold: Vec<GoldGraph>,
}

impl Analysis {
    /// Reads what [`analyse`] answered when it made a dataset.
    ///
    /// # Errors
    /// When it is not there or damaged.
    pub fn open(data: &DataDir, dataset: &str) -> Result<Self, LearningError> {
        storage::read_json(&data.analysis(dataset))
    }
}

impl Dataset {
    /// Reads the dataset of an analysis.
    ///
    /// # Errors
    /// When it is not there or damaged.
    pub fn open(data: &DataDir, id: &str) -> Result<Self, LearningError> {
        storage::read_json(&data.dataset(id))
    }

    /// The graphs of one part of the corpus.
    pub fn part(&self, split: Split) -> impl Iterator<Item = &Graph> {
        self.graphs.iter().filter(move |g| g.split == split)
    }
}

/// Makes the dataset of `discoveries`, or finds it made.
///
/// # Errors
/// [`LearningError::TooLittle`] without enough labels in every part; when shards cannot be read or the dataset written.
pub fn analyse(
    data: &DataDir,
    discoveries: &[Discovery],
    observer: &mut dyn Observer,
) -> Result<Analysis, LearningError> {
    let shards = in_order(discoveries);
    let about = format!("{FORMAT} {:?}", crate::gold::files());
    let id = storage::hash([about.as_str()].into_iter().chain(shards.iter().copied()));
    let (path, about) = (data.dataset(&id), data.analysis(&id));
    if path.is_file() && about.is_file() {
        observer.progress(shards.len(), shards.len(), "known");
        return storage::read_json(&about);
    }
    let mut analyser = Analyser::default();
    for (done, shard) in shards.iter().enumerate() {
        if observer.cancelled() {
            return Err(LearningError::Cancelled);
        }
        let shard: Shard = storage::read_json(&data.shard(shard))?;
        observer.progress(done, shards.len(), &shard.codebase.name);
        analyser.add(&shard);
    }
    observer.progress(shards.len(), shards.len(), "labels");
    let (dataset, analysis) = analyser.finish(id)?;
    storage::write_json(&path, &dataset)?;
    storage::write_json(&about, &analysis)?;
    Ok(analysis)
}

/// The shards by name and version of their codebases: of copies the first keeps its label, so the order must not depend
/// on ids, which change with whatever else discovery writes into a shard.
fn in_order(discoveries: &[Discovery]) -> Vec<&str> {
    let named: BTreeSet<_> =
        discoveries.iter().map(|d| (&d.codebase, &d.version, d.shard.as_str())).collect();
    named.into_iter().map(|(_, _, shard)| shard).collect()
}

/// The role that the name of a module says, and the word that says it.
pub fn name_role(path: &str) -> Option<(Role, &'static str)> {
    match labels::vote(path) {
        Vote::For(role, word, _) => Some((role, word)),
        Vote::Conflict | Vote::Silent => None,
    }
}

#[derive(Default)]
struct Analyser {
    dictionary: Dictionary,
    labels: LabelReport,
    patterns: patterns::PatternTable,
    duplicates: Duplicates,
    copies: usize,
    discovered: Discovered,
    graphs: Vec<Graph>,
    gold: Vec<GoldGraph>,
}

impl Analyser {
    fn add(&mut self, shard: &Shard) {
        self.patterns.add(shard);
        self.discovered.codebases += 1;
        self.discovered.files += shard.files.len();
        self.discovered.edges += shard.edges.len();
        let mut graph = Graph::of(shard, |word| Some(self.dictionary.number(word)));
        self.gold.extend(gold::find(shard, &graph));
        let files = shard.files.iter().map(|f| (f.path.as_str(), f)).collect::<BTreeMap<_, _>>();
        for node in &mut graph.nodes {
            let file = files[node.path.as_str()];
            let few = file.tokens.keys().filter(|t| words::split(t).len() == 1).count() < WORDS_MIN;
            if file.kind != FileKind::Module || few {
                continue;
            }
            let vote = labels::vote(&file.path);
            self.labels.add(vote);
            if self.duplicates.is_copy(file) {
                self.copies += 1;
            } else if let Vote::For(role, ..) = vote {
                node.role = Some(role);
            } else {
                node.roleless = labels::is_roleless(&file.path);
            }
        }
        if graph.labelled() > 0 {
            self.graphs.push(graph);
        }
    }

    fn finish(mut self, id: String) -> Result<(Dataset, Analysis), LearningError> {
        cap_owners(&mut self.graphs);
        self.graphs.retain(|g| g.labelled() > 0);
        let count =
            |split| self.graphs.iter().filter(|g| g.split == split).map(Graph::labelled).sum();
        let labelled = Parts {
            train: count(Split::Train),
            validation: count(Split::Validation),
            test: count(Split::Test),
        };
        enough(labelled)?;
        let analysis = Analysis {
            dataset: id,
            discovered: self.discovered,
            codebases: self.graphs.len(),
            owners: self.graphs.iter().map(|g| &g.owner).collect::<BTreeSet<_>>().len(),
            files: self.graphs.iter().map(|g| g.nodes.len()).sum(),
            labelled,
            duplicates: self.copies,
            labels: self.labels,
            patterns: self.patterns.frequencies(),
            relationships: self.patterns.relationships(),
        };
        let graphs = self.graphs.iter().flat_map(blocks).collect();
        Ok((Dataset { words: self.dictionary.words(), graphs, gold: self.gold }, analysis))
    }
}

fn enough(labelled: Parts) -> Result<(), LearningError> {
    let parts = [
        ("labelled files of training owners", labelled.train, SAMPLES_MIN),
        ("labelled files of validation owners", labelled.validation, SAMPLES_MIN / 5),
        ("labelled files of test owners", labelled.test, SAMPLES_MIN / 5),
    ];
    match parts.into_iter().find(|(_, have, need)| have < need) {
        Some((what, have, need)) => Err(LearningError::TooLittle { what, have, need }),
        None => Ok(()),
    }
}

/// Takes labels away from owners with too many, by the hash of the path, so the same ones each time.
fn cap_owners(graphs: &mut [Graph]) {
    for (_, graph, node) in beyond(graphs, OWNER_FILES_MAX, |n| n.role.is_some()) {
        graphs[graph].nodes[node].role = None;
    }
    for (_, graph, node) in beyond(graphs, OWNER_ROLELESS_MAX, |n| n.roleless) {
        graphs[graph].nodes[node].roleless = false;
    }
}

/// Hash, graph and node of those that an owner has beyond `most`.
fn beyond(
    graphs: &[Graph],
    most: usize,
    wanted: impl Fn(&Node) -> bool,
) -> Vec<(u64, usize, usize)> {
    let mut owned: BTreeMap<&str, Vec<(u64, usize, usize)>> = BTreeMap::new();
    for (g, graph) in graphs.iter().enumerate() {
        let some = graph.nodes.iter().enumerate().filter(|(_, node)| wanted(node));
        let keys = some
            .map(|(n, node)| (storage::hash64(&format!("{} {}", graph.codebase, node.path)), g, n));
        owned.entry(&graph.owner).or_default().extend(keys);
    }
    let mut all = Vec::new();
    for mut files in owned.into_values() {
        files.sort_unstable();
        all.extend(files.into_iter().skip(most));
    }
    all
}

/// A codebase as it is, or in blocks: labelled nodes with what stands around them, each label in one block.
fn blocks(graph: &Graph) -> Vec<Graph> {
    if graph.nodes.len() <= BLOCK {
        return vec![graph.clone()];
    }
    let numbered = (0_u32..).zip(&graph.nodes);
    let labelled: Vec<u32> = numbered.filter(|(_, n)| n.role.is_some()).map(|(i, _)| i).collect();
    labelled.chunks(OWNER_FILES_MAX).map(|chunk| block(graph, chunk)).collect()
}

fn block(graph: &Graph, centre: &[u32]) -> Graph {
    let centre = centre.iter().copied().collect();
    let mut bare = graph.part(&graph.with_surroundings(&centre));
    let paths: BTreeSet<_> =
        centre.iter().map(|n| graph.nodes[*n as usize].path.as_str()).collect();
    for node in bare.nodes.iter_mut().filter(|n| !paths.contains(n.path.as_str())) {
        (node.role, node.roleless) = (None, false);
    }
    bare
}
