//! Measures of predictions: plain arithmetic over labels and probabilities, no model in sight.

use serde::{Deserialize, Serialize};

use crate::role::{OUTPUTS, ROLES, Role};

/// Bins of equal size for the calibration error.
const BINS: usize = 10;

/// What a model says of one labelled file.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Owner of the codebase, the unit of the bootstrap.
    pub owner: String,
    /// Whether the codebase builds a program.
    pub application: bool,
    /// The label.
    pub truth: Role,
    /// Probability of each role.
    pub probabilities: [f32; ROLES],
}

impl Prediction {
    /// The likeliest role, and its probability.
    pub fn top(&self) -> (Role, f32) {
        Role::likeliest(&self.probabilities)
    }

    /// Whether the likeliest role is the label.
    pub fn is_right(&self) -> bool {
        self.top().0 == self.truth
    }

    /// Probability of each role if there is one: names label no file without, so they can only test this.
    pub fn given_a_role(&self) -> [f32; ROLES] {
        let sum: f32 = self.probabilities.iter().sum();
        self.probabilities.map(|p| p / sum.max(f32::MIN_POSITIVE))
    }

    fn rank(&self) -> usize {
        let own = self.probabilities[self.truth.index()];
        self.probabilities.iter().filter(|p| **p > own).count()
    }
}

/// How one role does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoleScore {
    /// Share of its files that were found.
    pub recall: f64,
    /// Share of the files said to have it that do.
    pub precision: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Files that have it.
    pub files: usize,
}

/// F1, precision and recall of each role, in the order of [`Role::ALL`].
pub fn per_role<'p>(pairs: impl IntoIterator<Item = (Role, Role)> + 'p) -> [RoleScore; ROLES] {
    let (mut right, mut said, mut are) = ([0_usize; ROLES], [0_usize; ROLES], [0_usize; ROLES]);
    for (truth, guess) in pairs {
        are[truth.index()] += 1;
        said[guess.index()] += 1;
        right[truth.index()] += usize::from(truth == guess);
    }
    std::array::from_fn(|i| {
        let (recall, precision) = (share(right[i], are[i]), share(right[i], said[i]));
        let f1 = share(2 * right[i], are[i] + said[i]);
        RoleScore { recall, precision, f1, files: are[i] }
    })
}

/// Mean F1 over the roles that occur.
pub fn macro_f1(scores: &[RoleScore; ROLES]) -> f64 {
    let present: Vec<f64> = scores.iter().filter(|s| s.files > 0).map(|s| s.f1).collect();
    mean(&present)
}

/// Macro-F1 of predictions.
pub fn macro_f1_of(predictions: &[Prediction]) -> f64 {
    macro_f1(&per_role(predictions.iter().map(|p| (p.truth, p.top().0))))
}

/// Share of predictions whose likeliest role is right.
pub fn accuracy(predictions: &[Prediction]) -> f64 {
    share(predictions.iter().filter(|p| p.is_right()).count(), predictions.len())
}

/// Share of predictions with the label among the three likeliest roles.
pub fn top3(predictions: &[Prediction]) -> f64 {
    share(predictions.iter().filter(|p| p.rank() < 3).count(), predictions.len())
}

/// Expected calibration error, given that each file has a role, over ten bins of equally many predictions.
pub fn calibration_error(predictions: &[Prediction]) -> f64 {
    let said = |p: &Prediction| (Role::likeliest(&p.given_a_role()).1, p.is_right());
    calibration_error_of(predictions.iter().map(said).collect())
}

/// Expected calibration error of confidences and whether each was right, over ten bins of equally many.
pub fn calibration_error_of(mut said: Vec<(f32, bool)>) -> f64 {
    said.sort_by(|a, b| a.0.total_cmp(&b.0));
    let size = said.len().div_ceil(BINS).max(1);
    let gaps = said.chunks(size).map(|bin| {
        let confidence: f64 = bin.iter().map(|(c, _)| f64::from(*c)).sum();
        #[expect(clippy::cast_precision_loss, reason = "at most a bin's size")]
        let right = bin.iter().filter(|(_, right)| *right).count() as f64;
        (confidence - right).abs()
    });
    #[expect(clippy::cast_precision_loss, reason = "a count of files")]
    let n = said.len().max(1) as f64;
    gaps.sum::<f64>() / n
}

/// Share of files answered, share of these that are right, and the confidence that draws the line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoveragePoint {
    /// Share of files with at least this confidence.
    pub coverage: f64,
    /// Share of these that are right.
    pub accuracy: f64,
    /// The confidence.
    pub confidence: f64,
}

/// Accuracy of the surest 10, 20, … 100 % of predictions.
pub fn coverage_curve(predictions: &[Prediction]) -> Vec<CoveragePoint> {
    let mut sorted: Vec<_> =
        predictions.iter().map(|p| (f64::from(p.top().1), p.is_right())).collect();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let point = |tenth: usize| {
        let n = (sorted.len() * tenth).div_ceil(10);
        let right = sorted[..n].iter().filter(|(_, right)| *right).count();
        let confidence = sorted[..n].last().map_or(1.0, |(c, _)| *c);
        CoveragePoint { coverage: share(n, sorted.len()), accuracy: share(right, n), confidence }
    };
    (1..=10).map(point).collect()
}

/// `part / whole`, and 0 for nothing of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of files")]
pub fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn mean(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of roles")]
    let n = values.len().max(1) as f64;
    values.iter().sum::<f64>() / n
}

/// Probabilities of the roles by the softmax of `logits` at a temperature; what they lack to one is that of none of them.
pub fn probabilities(logits: &[f32; OUTPUTS], temperature: f32) -> [f32; ROLES] {
    let max = logits.iter().copied().fold(f32::MIN, f32::max);
    let exp = logits.map(|logit| ((logit - max) / temperature).exp());
    let sum: f32 = exp.iter().sum();
    std::array::from_fn(|i| exp[i] / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(truth: Role, guess: Role, confidence: f32) -> Prediction {
        let mut probabilities = [(1.0 - confidence) / 14.0; ROLES];
        probabilities[guess.index()] = confidence;
        Prediction { owner: "o".to_owned(), application: false, truth, probabilities }
    }

    #[test]
    fn macro_f1_counts_each_role_once() {
        let cli = prediction(Role::Cli, Role::Cli, 0.9);
        let wrong = prediction(Role::Ui, Role::Cli, 0.9);
        let predictions = [cli.clone(), cli, wrong];
        assert!((macro_f1_of(&predictions) - 0.4).abs() < 1e-9);
        assert!((accuracy(&predictions) - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_calibrated_model_has_no_error() {
        let right = prediction(Role::Cli, Role::Cli, 0.5);
        let wrong = prediction(Role::Ui, Role::Cli, 0.5);
        assert!(
            calibration_error(&[right.clone(), wrong]) > 0.4,
            "bins of one file are never calibrated"
        );
        let half: Vec<_> = (0..200)
            .map(|i| prediction(if i % 2 == 0 { Role::Cli } else { Role::Ui }, Role::Cli, 0.5))
            .collect();
        assert!(calibration_error(&half) < 1e-6);
        assert!((calibration_error(&vec![right; 200]) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn the_curve_ends_at_everything() {
        let predictions =
            [prediction(Role::Cli, Role::Cli, 0.9), prediction(Role::Ui, Role::Cli, 0.4)];
        let curve = coverage_curve(&predictions);
        assert!((curve[0].accuracy - 1.0).abs() < 1e-9);
        assert!((curve[9].accuracy - 0.5).abs() < 1e-9 && (curve[9].coverage - 1.0).abs() < 1e-9);
    }

    #[test]
    fn temperature_flattens() {
        let mut logits = [0.0; OUTPUTS];
        logits[3] = 2.0;
        assert!(probabilities(&logits, 1.0)[3] > probabilities(&logits, 2.0)[3]);
        logits[ROLES] = f32::MIN;
        assert!((probabilities(&logits, 1.5).iter().sum::<f32>() - 1.0).abs() < 1e-5);
        logits[ROLES] = 30.0;
        assert!(probabilities(&logits, 1.0).iter().sum::<f32>() < 1e-5, "none of the roles");
    }
}
