//! Everything that is told of a codebase, in one piece: what discovery found, what the model says, what follows from both.

use std::time::{Duration, Instant};

use crate::architecture::{self, Architecture, Assigned};
use crate::classify::{self, Asked, Classification};
use crate::discovery::{CacheDir, Shard};
use crate::graph::Graph;
use crate::serving::Serving;
use crate::settings::Settings;

/// What is told of a codebase.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Its files, dependencies and patterns.
    pub shard: Shard,
    /// What the model says of each file.
    pub classification: Classification,
    /// What follows.
    pub architecture: Architecture,
    /// The role of each file of the shard, where it is assigned one.
    pub assigned: Vec<Option<Assigned>>,
    /// What the model was asked about.
    pub(crate) graph: Graph,
    /// Of how many files the model's answer was known.
    pub known: usize,
    /// How long the model took, and the rules after it.
    pub seconds: (Duration, Duration),
}

impl Survey {
    /// Asks the model about a shard and derives the rest.
    pub fn of(serving: &Serving, settings: &Settings, shard: Shard) -> Self {
        Self::cached(serving, settings, shard, &CacheDir::off())
    }

    /// [`Survey::of`], and the model is not asked what it answered before.
    pub fn cached(serving: &Serving, settings: &Settings, shard: Shard, cache: &CacheDir) -> Self {
        let begun = Instant::now();
        let Asked { classification, graph, known } = classify::of_shard(serving, &shard, cache);
        let asked = begun.elapsed();
        let assigned = architecture::assigned(&shard, &classification, settings);
        let architecture = Architecture::with(&shard, &classification, settings, &assigned);
        let seconds = (asked, begun.elapsed().saturating_sub(asked));
        Self { shard, classification, architecture, assigned, graph, known, seconds }
    }

    /// How many files have an answer of the model: modules and roots in the languages that it has learnt.
    pub fn answers(&self) -> usize {
        self.graph.nodes.len()
    }

    /// How many modules that the model was asked about have a role from it, and from it together with the name or from a
    /// person.
    pub fn covered(&self) -> (usize, usize) {
        let sure = self.classification.files.iter().filter(|f| f.role.is_some()).count();
        let files = self.shard.files.iter().zip(&self.assigned);
        let assigned = files.filter(|(f, a)| f.language.is_learnt() && a.is_some()).count();
        (sure, assigned.saturating_sub(sure))
    }
}
