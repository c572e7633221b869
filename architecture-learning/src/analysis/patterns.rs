//! How often each pattern occurs over codebases, and which occur together more often than chance has it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::discovery::Shard;

/// Pairs are reported from this many codebases on.
const TOGETHER_MIN: usize = 3;
/// Pairs reported, the strongest first.
const PAIRS_MAX: usize = 20;
/// Uses after which a pattern may be put up for review, and the confidence below which it is.
const USES_MIN: usize = 3;
const REVIEW_BELOW: f64 = 0.35;

/// One pattern over the corpus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatternFrequency {
    /// Which.
    pub name: String,
    /// Codebases that show it.
    pub codebases: usize,
    /// Their share of all codebases, 0 to 1.
    pub frequency: f64,
    /// Confidence after all uses: each moves it a tenth of the way to what its detector saw.
    pub confidence: f64,
    /// Whether a person should look at the detector.
    pub review: bool,
}

/// Two patterns that occur together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatternPair {
    /// The two names, in alphabetical order.
    pub names: (String, String),
    /// Codebases that show both.
    pub codebases: usize,
    /// How many times as often as if they were independent.
    pub lift: f64,
}

/// Gathers the patterns of codebases, one after the other.
#[derive(Debug, Default)]
pub(super) struct PatternTable {
    codebases: usize,
    single: BTreeMap<String, (usize, f64)>,
    pairs: BTreeMap<(String, String), usize>,
}

impl PatternTable {
    pub(super) fn add(&mut self, shard: &Shard) {
        self.codebases += 1;
        for pattern in &shard.patterns {
            let (count, confidence) =
                self.single.entry(pattern.name.clone()).or_insert((0, pattern.confidence));
            *count += 1;
            *confidence = learned(*confidence, pattern.confidence >= 0.5);
        }
        let names: BTreeSet<_> = shard.patterns.iter().map(|p| &p.name).collect();
        for (i, a) in names.iter().enumerate() {
            for b in names.iter().skip(i + 1) {
                *self.pairs.entry(((*a).clone(), (*b).clone())).or_default() += 1;
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of codebases")]
    pub(super) fn frequencies(&self) -> Vec<PatternFrequency> {
        let of = |(name, (codebases, confidence)): (&String, &(usize, f64))| PatternFrequency {
            name: name.clone(),
            codebases: *codebases,
            frequency: *codebases as f64 / self.codebases.max(1) as f64,
            confidence: *confidence,
            review: *codebases >= USES_MIN && *confidence < REVIEW_BELOW,
        };
        self.single.iter().map(of).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of codebases")]
    pub(super) fn relationships(&self) -> Vec<PatternPair> {
        let lift = |(a, b): &(String, String), both: usize| {
            let alone = self.single[a].0 as f64 * self.single[b].0 as f64;
            both as f64 * self.codebases as f64 / alone
        };
        let often = self.pairs.iter().filter(|(_, n)| **n >= TOGETHER_MIN);
        let mut pairs: Vec<_> = often
            .map(|(names, n)| PatternPair {
                names: names.clone(),
                codebases: *n,
                lift: lift(names, *n),
            })
            .collect();
        pairs.sort_by(|a, b| b.lift.total_cmp(&a.lift));
        pairs.truncate(PAIRS_MAX);
        pairs
    }
}

/// The original pipeline's rule: nine tenths of what was believed, one tenth of what was seen.
fn learned(confidence: f64, confirmed: bool) -> f64 {
    0.9 * confidence + if confirmed { 0.1 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_moves_a_tenth_of_the_way() {
        assert!((learned(0.5, true) - 0.55).abs() < 1e-9);
        assert!((learned(0.5, false) - 0.45).abs() < 1e-9);
    }
}
