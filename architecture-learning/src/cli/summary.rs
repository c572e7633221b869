//! What a person reads at the end of `learn`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use architecture_learning::analysis::Analysis;
use architecture_learning::deployment::Deployment;
use architecture_learning::validation::{GoldScore, Report, Score};

use super::learn::Outcome;
use super::paint::Paint;

pub(super) fn print(outcome: &Outcome) {
    super::print(&text(outcome, Paint::stdout()));
}

fn text(outcome: &Outcome, paint: Paint) -> String {
    let Outcome { standing, analysis, trained, report, deployment, .. } = outcome;
    let found = analysis.discovered;
    let mut text = format!(
        "\n{} from {} codebases with {} files and {} dependencies between them, in {:.0} s on {}\n",
        paint.bold("Learnt"),
        found.codebases,
        found.files,
        found.edges,
        standing.steps.values().map(|s| s.seconds).sum::<f64>(),
        trained.device.name()
    );
    corpus(&mut text, analysis);
    patterns(&mut text, analysis);
    table(&mut text, report, paint);
    roles(&mut text, report);
    kinds(&mut text, report);
    gold(&mut text, report, paint);
    decision(&mut text, deployment, paint);
    text
}

fn corpus(text: &mut String, analysis: &Analysis) {
    let parts = analysis.labelled;
    let _ = writeln!(
        text,
        "  {} labels from names of {} owners: {} to train, {} to validate, {} to test; {} copies and {} conflicts left out",
        parts.train + parts.validation + parts.test,
        analysis.owners,
        parts.train,
        parts.validation,
        parts.test,
        analysis.duplicates,
        analysis.labels.conflicts
    );
}

fn patterns(text: &mut String, analysis: &Analysis) {
    let common = |name: &&str| analysis.patterns.iter().find(|p| p.name == **name);
    let names = ["builder", "visitor", "type_state", "facade", "layered", "cycle", "god_module"];
    let shares: Vec<_> = names
        .iter()
        .filter_map(common)
        .map(|p| format!("{} {:.0} %", p.name, p.frequency * 100.0))
        .collect();
    let _ = writeln!(text, "  patterns: {}", shares.join(", "));
}

fn table(text: &mut String, report: &Report, paint: Paint) {
    let files = report.ours().map_or(0, |s| s.files);
    let _ = writeln!(
        text,
        "\n{} on {files} files of {} owners never trained on",
        paint.bold("Scores"),
        report.owners
    );
    let _ = writeln!(
        text,
        "  {:<12} {:>8}  {:<15} {:>8} {:>6} {:>12}",
        "model", "macro-F1", "95 % interval", "accuracy", "top 3", "calibration"
    );
    for (name, score) in sorted(&report.scores) {
        let ours = name == report.kind.name();
        let line = row(name, score);
        let _ = writeln!(
            text,
            "{} {}",
            if ours { ">" } else { " " },
            if ours { paint.bold(&line) } else { line }
        );
    }
    for (name, gain) in &report.differences {
        let _ = writeln!(
            text,
            "  {:+.3} [{:+.3}, {:+.3}] against {name}",
            gain.value, gain.low, gain.high
        );
    }
    let answered = report.answered;
    let _ = writeln!(
        text,
        "  sure of {:.0} % of files, and right on {:.0} % of these; abstains on the others",
        answered.coverage * 100.0,
        answered.accuracy * 100.0
    );
    if let Some(point) = report.coverage.get(3) {
        let _ = writeln!(
            text,
            "  the surest 40 % of files: {:.0} % right, from confidence {:.2} on",
            point.accuracy * 100.0,
            point.confidence
        );
    }
    let leak = format!(
        "  (files split at random would give {:.3}: a leak, not a result)",
        report.leaky_macro_f1
    );
    let _ = writeln!(text, "{}", paint.dim(&leak));
}

/// The best first.
fn sorted(scores: &BTreeMap<String, Score>) -> Vec<(&str, &Score)> {
    let mut rows: Vec<_> = scores.iter().map(|(name, score)| (name.as_str(), score)).collect();
    rows.sort_by(|a, b| b.1.macro_f1.value.total_cmp(&a.1.macro_f1.value));
    rows
}

fn row(name: &str, score: &Score) -> String {
    let Score { macro_f1, accuracy, top3, calibration_error, .. } = score;
    let interval = format!("{:.3} to {:.3}", macro_f1.low, macro_f1.high);
    format!(
        "{name:<12} {:>8.3}  {interval:<15} {accuracy:>8.3} {top3:>6.3} {calibration_error:>12.3}",
        macro_f1.value
    )
}

fn roles(text: &mut String, report: &Report) {
    let Some(ours) = report.ours() else { return };
    let mut roles: Vec<_> = ours.roles.iter().filter(|(_, s)| s.files > 0).collect();
    roles.sort_by(|a, b| b.1.f1.total_cmp(&a.1.f1));
    let words: Vec<_> = roles.iter().map(|(name, s)| format!("{name} {:.2}", s.f1)).collect();
    let _ = writeln!(text, "  F1 per role: {}", words.join(", "));
}

fn kinds(text: &mut String, report: &Report) {
    for (name, kind) in &report.kinds {
        let files = kind.scores.values().next().map_or(0, |s| s.files);
        let _ = writeln!(
            text,
            "  {name}, {files} files of {} owners: sure of {:.0} %, right on {:.0} % of these",
            kind.owners,
            kind.answered.coverage * 100.0,
            kind.answered.accuracy * 100.0
        );
        for (name, score) in sorted(&kind.scores) {
            let _ = writeln!(text, "    {}", row(name, score));
        }
    }
}

fn gold(text: &mut String, report: &Report, paint: Paint) {
    let Some(gold) = &report.gold else { return };
    let _ = writeln!(
        text,
        "\n{} on {} files whose role was read (kappa of two readings {:.2})",
        paint.bold("Scores"),
        gold.files - gold.missing,
        gold.kappa
    );
    let _ = writeln!(
        text,
        "  {:<26} {:>8}  {:<34} {:>13} {:>12}",
        "model", "accuracy", "at confidence 0.5", "decided right", "calibration"
    );
    for part in ["all", "named", "unnamed", "applications", "libraries"] {
        for (name, scores) in &gold.models {
            let Some(score) = scores.get(part) else { continue };
            let _ = writeln!(text, "  {}", gold_row(&format!("{part}: {name}"), score));
        }
        let silent = gold.models.values().next().and_then(|scores| scores.get(part));
        if let Some(GoldScore { files, without_role, .. }) = silent {
            let _ = writeln!(
                text,
                "  {part}: {without_role} of {files} have no role: who always abstains is right on these"
            );
        }
    }
}

fn gold_row(name: &str, score: &GoldScore) -> String {
    let GoldScore { accuracy, answered, answered_accuracy: interval, decided_right, .. } = score;
    let sure = format!(
        "{:.0} % right [{:.0}, {:.0}] of {:.0} %",
        answered.accuracy * 100.0,
        interval.low * 100.0,
        interval.high * 100.0,
        answered.coverage * 100.0
    );
    let error = score.calibration_error;
    format!("{name:<26} {accuracy:>8.3}  {sure:<34} {decided_right:>13.3} {error:>12.3}")
}

fn decision(text: &mut String, deployment: &Deployment, paint: Paint) {
    let word =
        if deployment.decision.promoted { paint.good("Promoted") } else { paint.bad("Refused") };
    let _ = writeln!(text, "\n{word}");
    for reason in &deployment.decision.reasons {
        let _ = writeln!(text, "  {reason}");
    }
    let _ = writeln!(text, "  artifact {}", deployment.path.display());
    if deployment.decision.promoted {
        let _ = writeln!(text, "  try it: archlearn classify PATH");
    }
}
