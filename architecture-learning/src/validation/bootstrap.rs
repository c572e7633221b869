//! Intervals by resampling owners: files of one owner resemble each other, so they come and go together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::{self, Prediction};
use crate::random::Random;
use crate::role::{ROLES, Role};

const RESAMPLES: usize = 1000;
const SEED: u64 = 95;

/// A value and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The value on all files.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Macro-F1 of a model.
pub(super) fn macro_f1(predictions: &[Prediction]) -> Interval {
    let tables = Tables::of(predictions);
    interval(metrics::macro_f1_of(predictions), tables.0.len(), |sample| f1(&tables, sample))
}

/// Macro-F1 of `ours` minus that of `other` on the same files, owners resampled alike.
pub(super) fn difference(ours: &[Prediction], other: &[Prediction]) -> Interval {
    let (a, b) = (Tables::of(ours), Tables::of(other));
    let value = metrics::macro_f1_of(ours) - metrics::macro_f1_of(other);
    interval(value, a.0.len(), |sample| f1(&a, sample) - f1(&b, sample))
}

/// Share of what is true, by owner.
pub(super) fn share<'a>(items: impl Iterator<Item = (&'a str, bool)>) -> Interval {
    let mut owners: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (owner, holds) in items {
        let counts = owners.entry(owner).or_default();
        counts[0] += usize::from(holds);
        counts[1] += 1;
    }
    let owners: Vec<_> = owners.into_values().collect();
    let of = |sample: &[usize]| {
        let sum = sample
            .iter()
            .fold([0, 0], |[holds, all], i| [holds + owners[*i][0], all + owners[*i][1]]);
        metrics::share(sum[0], sum[1])
    };
    interval(of(&(0..owners.len()).collect::<Vec<_>>()), owners.len(), of)
}

/// For each owner, and each role: files right, files said to have it, files that have it.
struct Tables(Vec<[[usize; 3]; ROLES]>);

impl Tables {
    fn of(predictions: &[Prediction]) -> Self {
        let mut owners: BTreeMap<&str, [[usize; 3]; ROLES]> = BTreeMap::new();
        for prediction in predictions {
            let table = owners.entry(&prediction.owner).or_insert([[0; 3]; ROLES]);
            let (truth, guess): (Role, Role) = (prediction.truth, prediction.top().0);
            table[guess.index()][1] += 1;
            table[truth.index()][2] += 1;
            table[truth.index()][0] += usize::from(truth == guess);
        }
        Self(owners.into_values().collect())
    }
}

fn f1(tables: &Tables, sample: &[usize]) -> f64 {
    let mut sum = [[0; 3]; ROLES];
    for owner in sample {
        for (into, from) in sum.iter_mut().zip(&tables.0[*owner]) {
            into.iter_mut().zip(from).for_each(|(a, b)| *a += b);
        }
    }
    let present = sum.iter().filter(|[_, _, are]| *are > 0);
    let scores: Vec<_> =
        present.map(|[right, said, are]| metrics::share(2 * right, said + are)).collect();
    #[expect(clippy::cast_precision_loss, reason = "a count of roles")]
    let n = scores.len().max(1) as f64;
    scores.iter().sum::<f64>() / n
}

fn interval(value: f64, owners: usize, measure: impl Fn(&[usize]) -> f64) -> Interval {
    let mut random = Random::new(SEED);
    let mut values: Vec<f64> = (0..RESAMPLES)
        .map(|_| measure(&(0..owners).map(|_| random.below(owners)).collect::<Vec<_>>()))
        .collect();
    values.sort_by(f64::total_cmp);
    Interval { value, low: values[RESAMPLES / 40], high: values[RESAMPLES - 1 - RESAMPLES / 40] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(right: impl Fn(usize) -> bool) -> Vec<Prediction> {
        let of = |i: usize| {
            let truth = Role::ALL[i % 3];
            let guess = if right(i) { truth } else { Role::ALL[(i + 1) % 3] };
            let mut probabilities = [0.0; ROLES];
            probabilities[guess.index()] = 1.0;
            Prediction { owner: format!("o{}", i % 20), application: false, truth, probabilities }
        };
        (0..400).map(of).collect()
    }

    #[test]
    fn a_better_model_has_a_positive_lower_bound_and_an_equal_one_none() {
        let (good, bad) = (predictions(|i| i % 4 != 0), predictions(|i| i % 2 != 0));
        let better = difference(&good, &bad);
        assert!(
            better.low > 0.0 && better.low < better.value && better.value < better.high,
            "{better:?}"
        );
        assert_eq!(difference(&good, &good), Interval { value: 0.0, low: 0.0, high: 0.0 });
        let score = macro_f1(&good);
        assert!(score.low < score.value && score.value < score.high);
    }
}
