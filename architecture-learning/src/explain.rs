//! Why the model says what it says of a file: each word, each neighbour and the rest of its directory are taken away in
//! turn, and the odds of the likeliest role are looked at again. True of any model, as it only asks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::graph::Graph;
use crate::metrics;
use crate::role::{ROLES, Role};
use crate::serving::Serving;
use crate::survey::Survey;

/// Words that are taken away: the commonest ones of long files.
const WORDS_MAX: usize = 400;
/// Neighbours that are taken away.
const NEIGHBOURS_MAX: usize = 50;
/// Witnesses told for each side.
const WITNESSES: usize = 8;
/// A change of the log-odds below it is noise.
const WEIGHT_MIN: f32 = 0.01;

/// Why a file has its role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The file.
    pub path: String,
    /// The three likeliest roles with their probabilities.
    pub likeliest: Vec<(Role, f64)>,
    /// What spoke for the likeliest role, the loudest first.
    pub speak_for: Vec<Witness>,
    /// What spoke against it.
    pub speak_against: Vec<Witness>,
}

/// A word that spoke, a neighbour, or the rest of the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// The word, in quotes where it is one of documentation; or what it is, in words.
    pub word: String,
    /// By what the odds of the role are multiplied when it is there.
    pub odds: f64,
}

/// Explains the file of the given path; none where the model was not asked about it.
pub fn explain(serving: &Serving, survey: &Survey, path: &str) -> Option<Explanation> {
    let graph = &survey.graph;
    let node = u32::try_from(graph.nodes.iter().position(|n| n.path == path)?).ok()?;
    let file = survey.shard.files.iter().find(|f| f.path == path)?;
    let asked = graph.part(&graph.with_surroundings(&BTreeSet::from([node])));
    let at = asked.nodes.iter().position(|n| n.path == path)?;
    let temperature = serving.model.config.calibration.temperature;
    let ask = |graph: &Graph| -> Option<[f32; ROLES]> {
        let logits = serving.model.logits(std::slice::from_ref(graph)).pop()?;
        Some(metrics::probabilities(logits.get(at)?, temperature))
    };
    let full = ask(&asked)?;
    let (role, _) = Role::likeliest(&full);
    let words = serving.model.words(file);
    let weighed = |evidence: Evidence| {
        let without = ask(&evidence.silenced(&asked, at))?;
        let weight = log_odds(&full, role) - log_odds(&without, role);
        (weight.abs() >= WEIGHT_MIN).then(|| (weight, evidence.told(&words, &asked)))
    };
    let mut witnesses: Vec<_> = Evidence::of(&asked, at).into_iter().filter_map(weighed).collect();
    witnesses.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let witness = |(weight, word): &(f32, String)| Witness {
        word: word.clone(),
        odds: (f64::from(*weight).exp() * 100.0).round() / 100.0,
    };
    let speaking = |sign: f32| witnesses.iter().filter(move |(weight, _)| weight * sign > 0.0);
    Some(Explanation {
        path: path.to_owned(),
        likeliest: likeliest(&full),
        speak_for: speaking(1.0).take(WITNESSES).map(witness).collect(),
        speak_against: speaking(-1.0).rev().take(WITNESSES).map(witness).collect(),
    })
}

/// Something that can be taken away from a file.
#[derive(Clone, Copy)]
enum Evidence {
    Word(u32),
    Neighbour(u32),
    /// The other files of its directory.
    Directory,
}

impl Evidence {
    /// All that the file at a place of the graph is known by, but for its structure.
    fn of(graph: &Graph, at: usize) -> Vec<Self> {
        let node = &graph.nodes[at];
        let mut words: Vec<_> = node.shared.iter().chain(&node.own).copied().collect();
        words.sort_by_key(|(word, n)| (u32::MAX - n, *word));
        let words = words.into_iter().take(WORDS_MAX).map(|(word, _)| Self::Word(word));
        let neighbours = graph.neighbours().swap_remove(at).into_iter().take(NEIGHBOURS_MAX);
        words.chain(neighbours.map(Self::Neighbour)).chain([Self::Directory]).collect()
    }

    /// The graph without it.
    fn silenced(self, graph: &Graph, at: usize) -> Graph {
        let mut graph = graph.clone();
        let node = &mut graph.nodes[at];
        match self {
            Self::Word(word) => {
                node.shared.retain(|(w, _)| *w != word);
                node.own.retain(|(w, _)| *w != word);
            }
            Self::Neighbour(other) => graph.edges.retain(|(from, to)| {
                let ends = (*from as usize, *to as usize);
                ends != (at, other as usize) && ends != (other as usize, at)
            }),
            Self::Directory => node.directory = u32::MAX,
        }
        graph
    }

    /// As people write it.
    fn told(self, words: &BTreeMap<u32, Vec<String>>, graph: &Graph) -> String {
        match self {
            Self::Word(word) => {
                let words = words.get(&word).into_iter().flatten().take(3).map(|word| plain(word));
                words.collect::<Vec<_>>().join(" or ")
            }
            Self::Neighbour(other) => format!("its link with {}", graph.nodes[other as usize].path),
            Self::Directory => "the other files of its directory".to_owned(),
        }
    }
}

fn plain(word: &str) -> String {
    match word.split_once(':') {
        Some(("macro", name)) => format!("{name}!"),
        Some(("derive", name)) => format!("derive({name})"),
        Some(("attr", name)) => format!("#[{name}]"),
        Some(("dep", name)) => format!("crate {name}"),
        Some(("doc", word)) => format!("\"{word}\""),
        _ => word.to_owned(),
    }
}

fn log_odds(p: &[f32; ROLES], role: Role) -> f32 {
    let p = p[role.index()].clamp(1e-6, 1.0 - 1e-6);
    (p / (1.0 - p)).ln()
}

fn likeliest(p: &[f32; ROLES]) -> Vec<(Role, f64)> {
    let mut all: Vec<_> = Role::ALL.into_iter().zip(p.map(f64::from)).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(3);
    all
}
