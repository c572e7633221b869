//! Why the model says what it says of a file: each word is taken away in turn, and the odds of the likeliest role are
//! looked at again. True of any model, as it only asks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::graph::{Graph, bucket_words};
use crate::metrics;
use crate::model::ModelKind;
use crate::role::{ROLES, Role};
use crate::serving::Serving;
use crate::survey::Survey;

/// Words that are taken away: the commonest ones of long files.
const WORDS_MAX: usize = 400;
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
    /// Words that spoke for the likeliest role, the loudest first.
    pub speak_for: Vec<Witness>,
    /// Words that spoke against it.
    pub speak_against: Vec<Witness>,
}

/// A word that spoke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// The word, or the few that share a place in the model.
    pub word: String,
    /// By what the odds of the role are multiplied when the word is there.
    pub odds: f64,
}

/// Explains the file of the given path; none where the model was not asked about it.
pub fn explain(serving: &Serving, survey: &Survey, path: &str) -> Option<Explanation> {
    let graph = &survey.graph;
    let node = u32::try_from(graph.nodes.iter().position(|n| n.path == path)?).ok()?;
    let file = survey.shard.files.iter().find(|f| f.path == path)?;
    let asked = neighbourhood(serving, graph, node);
    let at = asked.nodes.iter().position(|n| n.path == path)?;
    let temperature = serving.model.config.calibration.temperature;
    let ask = |graphs: &[Graph]| -> Vec<[f32; ROLES]> {
        let logits = serving.model.logits(graphs);
        logits.iter().map(|rows| metrics::probabilities(&rows[at], temperature)).collect()
    };
    let full = *ask(std::slice::from_ref(&asked)).first()?;
    let (role, _) = Role::likeliest(&full);
    let mut buckets: Vec<_> =
        asked.nodes[at].shared.iter().chain(&asked.nodes[at].own).copied().collect();
    buckets.sort_by_key(|(bucket, n)| (u32::MAX - n, *bucket));
    buckets.truncate(WORDS_MAX);
    let without: Vec<_> = buckets.iter().map(|(bucket, _)| silenced(&asked, at, *bucket)).collect();
    let words = bucket_words(file, &serving.model.config.features);
    let weights = ask(&without).into_iter().map(|p| log_odds(&full, role) - log_odds(&p, role));
    let mut witnesses: Vec<_> = buckets
        .iter()
        .zip(weights)
        .filter(|(_, weight)| weight.abs() >= WEIGHT_MIN)
        .map(|((bucket, _), weight)| (weight, told(&words, *bucket)))
        .collect();
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

/// What the model reads of a file: itself alone, or with its neighbours.
fn neighbourhood(serving: &Serving, graph: &Graph, node: u32) -> Graph {
    let centre = BTreeSet::from([node]);
    match serving.model.config.kind {
        ModelKind::Regression => graph.part(&centre),
        ModelKind::Network => graph.part(&graph.with_neighbours(&centre)),
    }
}

fn silenced(graph: &Graph, at: usize, bucket: u32) -> Graph {
    let mut graph = graph.clone();
    graph.nodes[at].shared.retain(|(b, _)| *b != bucket);
    graph.nodes[at].own.retain(|(b, _)| *b != bucket);
    graph
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

/// Words as people write them.
fn told(words: &BTreeMap<u32, Vec<String>>, bucket: u32) -> String {
    let plain = |word: &String| match word.split_once(':') {
        Some(("macro", name)) => format!("{name}!"),
        Some(("derive", name)) => format!("derive({name})"),
        Some(("attr", name)) => format!("#[{name}]"),
        Some(("dep", name)) => format!("crate {name}"),
        _ => word.clone(),
    };
    let words = words.get(&bucket).into_iter().flatten().map(plain).take(3);
    words.collect::<Vec<_>>().join(" or ")
}
