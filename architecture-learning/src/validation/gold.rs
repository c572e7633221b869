//! Scores on the gold set: files whose role was read, those without any role among them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bootstrap::{self, Interval};
use crate::analysis::{GoldGraph, GoldNode};
use crate::gold;
use crate::metrics::{self, CoveragePoint};
use crate::role::{ROLES, Role};

/// The confidence that the published numbers on the gold set are about.
pub const CONFIDENCE: f32 = 0.5;

/// Scores of models on files whose role was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoldReport {
    /// Files of the set.
    pub files: usize,
    /// Files of the set that the corpus does not have.
    pub missing: usize,
    /// Cohen's kappa of the two readings, by the same reader.
    pub kappa: f64,
    /// By the model's name, by part: `all`, `named`, `unnamed`, `applications`, `libraries`. Beside the models of
    /// [`Report::scores`](super::Report::scores) `keywords`: the role that the name says, sure of itself.
    pub models: BTreeMap<String, BTreeMap<String, GoldScore>>,
}

/// How a model does on some of the files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoldScore {
    /// Files.
    pub files: usize,
    /// Files without any role among them: who always abstains is right on these.
    pub without_role: usize,
    /// Share whose likeliest role is the one that was read; wrong where there is none.
    pub accuracy: f64,
    /// What is answered with at least 0.5, and how much of that is right.
    pub answered: CoveragePoint,
    /// The accuracy of what is answered, with a 95 % interval over resampled owners.
    pub answered_accuracy: Interval,
    /// Mean distance of confidence and accuracy over ten bins of equal size, files without a role among them.
    pub calibration_error: f64,
    /// Share of files with the right answer or, where there is no role, none.
    pub decided_right: f64,
}

/// What a model says of each node of each graph.
pub(super) type Probabilities = Vec<Vec<[f32; ROLES]>>;

/// What a model says of a file that was read.
struct Answer<'g> {
    owner: &'g str,
    application: bool,
    named: bool,
    truth: Option<Role>,
    guess: Option<(Role, f32)>,
}

impl Answer<'_> {
    fn is_right(&self) -> bool {
        self.guess.is_some_and(|(role, _)| Some(role) == self.truth)
    }

    fn is_answered(&self) -> bool {
        self.guess.is_some_and(|(_, confidence)| confidence >= CONFIDENCE)
    }
}

/// Scores models on the gold files of a dataset, by what they say of its graphs; none where it has none.
pub(super) fn report(
    graphs: &[GoldGraph],
    models: &BTreeMap<String, Probabilities>,
) -> Option<GoldReport> {
    let files = gold::files();
    let here: usize = graphs.iter().map(|g| g.files.len()).sum();
    let scores = |(name, said): (&String, &Probabilities)| {
        let answers = graphs
            .iter()
            .zip(said)
            .flat_map(|(gold, said)| answers(gold, |file| Some(Role::likeliest(&said[file.node]))));
        (name.clone(), parts(&answers.collect::<Vec<_>>()))
    };
    let mut models: BTreeMap<_, _> = models.iter().map(scores).collect();
    let keywords = graphs.iter().flat_map(|g| answers(g, |file| file.named.map(|r| (r, 1.0))));
    models.insert("keywords".to_owned(), parts(&keywords.collect::<Vec<_>>()));
    (here > 0).then(|| GoldReport {
        files: files.len(),
        missing: files.len().saturating_sub(here),
        kappa: gold::kappa(&files),
        models,
    })
}

fn answers(gold: &GoldGraph, guess: impl Fn(&GoldNode) -> Option<(Role, f32)>) -> Vec<Answer<'_>> {
    let answer = |file: &GoldNode| Answer {
        owner: &gold.graph.owner,
        application: gold.graph.application,
        named: file.named.is_some(),
        truth: file.role,
        guess: guess(file),
    };
    gold.files.iter().map(answer).collect()
}

fn parts(answers: &[Answer<'_>]) -> BTreeMap<String, GoldScore> {
    let part = |name: &str, wanted: &dyn Fn(&Answer<'_>) -> bool| {
        let some: Vec<_> = answers.iter().filter(|a| wanted(a)).collect();
        (name.to_owned(), score(&some))
    };
    BTreeMap::from([
        part("all", &|_| true),
        part("named", &|a| a.named),
        part("unnamed", &|a| !a.named),
        part("applications", &|a| a.application),
        part("libraries", &|a| !a.application),
    ])
}

fn score(answers: &[&Answer<'_>]) -> GoldScore {
    let count = |wanted: &dyn Fn(&Answer<'_>) -> bool| answers.iter().filter(|a| wanted(a)).count();
    let share = |part| metrics::share(part, answers.len());
    let answered = count(&|a| a.is_answered());
    let right = count(&|a| a.is_answered() && a.is_right());
    let rightly_silent = count(&|a| !a.is_answered() && a.truth.is_none());
    let of_owners = answers.iter().filter(|a| a.is_answered()).map(|a| (a.owner, a.is_right()));
    GoldScore {
        files: answers.len(),
        without_role: count(&|a| a.truth.is_none()),
        accuracy: share(count(&|a| a.is_right())),
        answered: CoveragePoint {
            coverage: share(answered),
            accuracy: metrics::share(right, answered),
            confidence: f64::from(CONFIDENCE),
        },
        answered_accuracy: bootstrap::share(of_owners),
        calibration_error: metrics::calibration_error_of(
            answers.iter().filter_map(|a| Some((a.guess?.1, a.is_right()))).collect(),
        ),
        decided_right: share(right + rightly_silent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_right_where_there_is_no_role() {
        let answer =
            |truth, guess| Answer { owner: "o", application: false, named: false, truth, guess };
        let (cli, ui) = (Some(Role::Cli), Some((Role::Ui, 0.9)));
        let answers = [
            answer(cli, Some((Role::Cli, 0.8))),
            answer(cli, ui),
            answer(None, ui),
            answer(None, Some((Role::Ui, 0.4))),
        ];
        let score = score(&answers.iter().collect::<Vec<_>>());
        assert_eq!((score.files, score.without_role), (4, 2));
        assert!((score.accuracy - 0.25).abs() < 1e-9);
        assert!((score.answered.coverage - 0.75).abs() < 1e-9);
        assert!((score.answered.accuracy - 1.0 / 3.0).abs() < 1e-9);
        assert!((score.decided_right - 0.5).abs() < 1e-9);
    }
}
