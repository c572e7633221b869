//! The model card: what a person should know before trusting the model.

use std::fmt::Write as _;

use crate::training::TrainedModel;
use crate::validation::{Report, Score};

pub(super) fn card(trained: &TrainedModel, report: &Report) -> String {
    let mut card = format!(
        "# Role of a Rust source file\n\nModel: {}. Trained on: {}. Dataset `{}`.\n\n\
         Input: words of identifiers, names of dependencies and counts of constructs, of a file and of its neighbours in \
         the dependency graph; never its path. Output: a probability for each of 15 roles.\n\n\
         Labels are weak: they come from file names, and are about 80 % right. Half of this is therefore about how well the \
         model agrees with names.\n\n## On owners that were never trained on\n\n\
         | model | macro-F1 | 95 % | accuracy | top 3 | calibration error |\n|---|---|---|---|---|---|\n",
        report.kind.name(),
        trained.device.name(),
        report.dataset
    );
    for (name, score) in &report.scores {
        let Score { macro_f1, accuracy, top3, calibration_error, .. } = score;
        let _ = writeln!(
            card,
            "| {name} | {:.3} | {:.3} to {:.3} | {accuracy:.3} | {top3:.3} | {calibration_error:.3} |",
            macro_f1.value, macro_f1.low, macro_f1.high
        );
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
    card
}
