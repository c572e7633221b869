//! The model card: what a person should know before trusting the model.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::training::TrainedModel;
use crate::validation::{Report, Score};

pub(super) fn card(trained: &TrainedModel, report: &Report) -> String {
    let mut card = format!(
        "# Role of a Rust source file\n\nModel: {}. Trained on: {}. Dataset `{}`.\n\n\
         Input: words of identifiers and of documentation, names of dependencies and counts of constructs, of a file; words \
         of its neighbours in the dependency graph and of the other files of its directory; never its path. Output: a probability for each of 15 roles, and what \
         they lack to one is that of none of them.\n\n\
         Labels are weak: they come from file names, which readers found right on two files in three. So most of this is \
         about how well the model agrees with names; the second table is about what readers found.\n\n## On owners that were never trained on\n\n\
         | model | macro-F1 | 95 % | accuracy | top 3 | calibration error |\n|---|---|---|---|---|---|\n",
        report.kind.name(),
        trained.device.name(),
        report.dataset
    );
    rows(&mut card, "", &report.scores);
    for (kind, scores) in &report.kinds {
        rows(&mut card, &format!("{kind}: "), &scores.scores);
    }
    let answered = report.answered;
    let _ = write!(
        card,
        "\n{} owners. Files split at random give {:.3} instead: a leak, shown as a warning.\n\n\
         At confidence {:.2} it answers {:.0} % of files, {:.0} % of these right; below it abstains.\n",
        report.owners,
        report.leaky_macro_f1,
        answered.confidence,
        answered.coverage * 100.0,
        answered.accuracy * 100.0
    );
    gold(&mut card, report);
    card
}

fn rows(card: &mut String, part: &str, scores: &BTreeMap<String, Score>) {
    for (name, score) in scores {
        let Score { macro_f1, accuracy, top3, calibration_error, .. } = score;
        let _ = writeln!(
            card,
            "| {part}{name} | {:.3} | {:.3} to {:.3} | {accuracy:.3} | {top3:.3} | {calibration_error:.3} |",
            macro_f1.value, macro_f1.low, macro_f1.high
        );
    }
}

/// Scores on files that were read.
fn gold(card: &mut String, report: &Report) {
    let Some(gold) = &report.gold else { return };
    let _ = write!(
        card,
        "\n## On {} files whose role was read\n\nOf test owners; read twice by the same reader, kappa {:.2}. \
         A file without any role is right where the model abstains.\n\n\
         | files | model | accuracy | answered at 0.5 | of these right | 95 % | decided right | calibration error |\n\
         |---|---|---|---|---|---|---|---|\n",
        gold.files - gold.missing,
        gold.kappa
    );
    for part in ["all", "named", "unnamed", "applications", "libraries"] {
        for (name, scores) in &gold.models {
            let Some(score) = scores.get(part) else { continue };
            let (answered, interval) = (score.answered, score.answered_accuracy);
            let _ = writeln!(
                card,
                "| {part} | {name} | {:.3} | {:.3} | {:.3} | {:.3} to {:.3} | {:.3} | {:.3} |",
                score.accuracy,
                answered.coverage,
                answered.accuracy,
                interval.low,
                interval.high,
                score.decided_right,
                score.calibration_error
            );
        }
    }
}
