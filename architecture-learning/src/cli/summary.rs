//! What a person reads at the end of `learn`.

use std::fmt::Write as _;

use architecture_learning::analysis::Analysis;
use architecture_learning::deployment::Deployment;
use architecture_learning::validation::{Report, Score};

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
    let mut rows: Vec<_> = report.scores.iter().collect();
    rows.sort_by(|a, b| b.1.macro_f1.value.total_cmp(&a.1.macro_f1.value));
    for (name, score) in rows {
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
    let leak = format!(
        "  (files split at random would give {:.3}: a leak, not a result)",
        report.leaky_macro_f1
    );
    let _ = writeln!(text, "{}", paint.dim(&leak));
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
