//! Copies: files that are the same but for comments, or nearly so. A copy keeps its place in the graph and loses its
//! label, so that no file is learnt from in one part of the corpus and scored in another.

use std::collections::{HashMap, HashSet};

use crate::discovery::SourceFile;
use crate::storage::hash64;

/// Near copies are looked for among files with at least this many different words.
const WORDS_MIN: usize = 25;
/// Similarity hashes that differ in at most this many of 64 bits are near copies.
const DISTANCE_MAX: u32 = 3;

/// Remembers what it has seen.
#[derive(Default)]
pub(super) struct Duplicates {
    exact: HashSet<String>,
    /// Similarity hashes by each of their four quarters: two at distance three share one.
    near: HashMap<(u8, u16), Vec<u64>>,
    words: HashMap<String, u64>,
}

impl Duplicates {
    /// Whether `file` is a copy of one that was asked about before.
    pub(super) fn is_copy(&mut self, file: &SourceFile) -> bool {
        if !self.exact.insert(file.fingerprint.clone()) {
            return true;
        }
        if file.tokens.len() < WORDS_MIN {
            return false;
        }
        let hash = self.similarity(file);
        let quarters =
            (0_u8..4).map(|i| (i, u16::try_from(hash >> (16 * i) & 0xffff).unwrap_or(0)));
        let mut copy = false;
        for quarter in quarters {
            let known = self.near.entry(quarter).or_default();
            copy |= known.iter().any(|other| (other ^ hash).count_ones() <= DISTANCE_MAX);
            known.push(hash);
        }
        copy
    }

    /// Each bit is what most of the words say.
    fn similarity(&mut self, file: &SourceFile) -> u64 {
        let mut balance = [0_i64; 64];
        for (word, n) in file.tokens.iter() {
            let hash = *self.words.entry(word.to_owned()).or_insert_with(|| hash64(word));
            let weight = i64::from(u32::BITS - n.leading_zeros());
            for (bit, sum) in balance.iter_mut().enumerate() {
                *sum += if hash >> bit & 1 == 1 { weight } else { -weight };
            }
        }
        balance.iter().enumerate().fold(0, |hash, (bit, sum)| hash | u64::from(*sum > 0) << bit)
    }
}
