//! The rule of promotion: pure, over a report and two facts about files.

use serde::{Deserialize, Serialize};

use crate::validation::{Report, Score};

/// Calibration error above which a model is refused.
pub const CALIBRATION_ERROR_MAX: f64 = 0.05;
/// Labelled test files below which no number means anything.
pub const FILES_MIN: usize = 100;
/// A role may lose this much F1 against the champion, where it has enough test files.
pub const ROLE_LOSS_MAX: f64 = 0.10;
/// Test files from which on a role's F1 means something.
pub const ROLE_FILES_MIN: usize = 20;

/// Whether a model was promoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether it serves from now on.
    pub promoted: bool,
    /// Every check in words, those that failed first.
    pub reasons: Vec<String>,
}

/// What is known of the artifact's files.
#[derive(Clone, Copy, Debug)]
pub struct Integrity {
    /// Its files hash to its name.
    pub verified: bool,
    /// It loads and answers.
    pub smoke: bool,
}

/// Promotes when every check holds.
pub fn decide(report: &Report, files: Integrity) -> Decision {
    let mut checks = vec![
        (files.verified, "the files hash to the artifact's name".to_owned()),
        (files.smoke, "the artifact loads and answers".to_owned()),
        better(report),
    ];
    if let Some(ours) = report.ours() {
        checks.push((
            ours.files >= FILES_MIN,
            format!("{} labelled test files ({FILES_MIN} needed)", ours.files),
        ));
        let error = ours.calibration_error;
        let text = format!("calibration error {error:.3} (at most {CALIBRATION_ERROR_MAX})");
        checks.push((error <= CALIBRATION_ERROR_MAX, text));
        checks
            .extend(report.scores.get("champion").and_then(|champion| much_worse(ours, champion)));
    }
    let promoted = checks.iter().all(|(held, _)| *held);
    checks.sort_by_key(|(held, _)| *held);
    let word = |held| if held { "holds" } else { "fails" };
    Decision {
        promoted,
        reasons: checks.into_iter().map(|(held, text)| format!("{}: {text}", word(held))).collect(),
    }
}

/// Better than the champion, or than always saying the commonest role where there is none.
fn better(report: &Report) -> (bool, String) {
    let base = if report.differences.contains_key("champion") { "champion" } else { "majority" };
    let Some(gain) = report.differences.get(base) else {
        return (false, "nothing to compare with".to_owned());
    };
    let text = format!("macro-F1 {:+.3} against {base}, lower bound {:+.3}", gain.value, gain.low);
    (gain.low > 0.0, text)
}

/// The role that lost most, if it lost too much.
fn much_worse(ours: &Score, champion: &Score) -> Option<(bool, String)> {
    let losses =
        champion.roles.iter().filter(|(_, before)| before.files >= ROLE_FILES_MIN).filter_map(
            |(role, before)| {
                let loss = before.f1 - ours.roles.get(role)?.f1;
                (loss > ROLE_LOSS_MAX).then_some((loss, role))
            },
        );
    let (loss, role) = losses.max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some((false, format!("role {role} loses {loss:.2} F1 (at most {ROLE_LOSS_MAX})")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{CoveragePoint, RoleScore};
    use crate::model::ModelKind;
    use crate::validation::Interval;

    const SOUND: Integrity = Integrity { verified: true, smoke: true };

    fn score(f1: f64) -> Score {
        let role = RoleScore { recall: f1, precision: f1, f1, files: 40 };
        Score {
            files: 400,
            macro_f1: Interval { value: f1, low: f1 - 0.02, high: f1 + 0.02 },
            accuracy: f1,
            top3: f1,
            calibration_error: 0.03,
            roles: [("cli".to_owned(), role)].into(),
        }
    }

    fn report(against: &str, low: f64) -> Report {
        let gain = Interval { value: low + 0.02, low, high: low + 0.04 };
        Report {
            candidate: "c".to_owned(),
            dataset: "d".to_owned(),
            kind: ModelKind::Network,
            champion: None,
            verified: true,
            owners: 20,
            scores: [("network".to_owned(), score(0.5)), (against.to_owned(), score(0.48))].into(),
            differences: [(against.to_owned(), gain)].into(),
            kinds: [].into(),
            gold: None,
            coverage: Vec::new(),
            answered: CoveragePoint { coverage: 0.4, accuracy: 0.8, confidence: 0.5 },
            leaky_macro_f1: 0.6,
        }
    }

    #[test]
    fn the_lower_bound_decides() {
        assert!(decide(&report("majority", 0.01), SOUND).promoted);
        assert!(decide(&report("champion", 0.01), SOUND).promoted);
        let refused = decide(&report("champion", 0.0), SOUND);
        assert!(!refused.promoted);
        assert!(refused.reasons[0].starts_with("fails: macro-F1"), "{:?}", refused.reasons);
    }

    #[test]
    fn each_check_can_refuse() {
        for broken in [Integrity { verified: false, ..SOUND }, Integrity { smoke: false, ..SOUND }]
        {
            assert!(!decide(&report("majority", 0.1), broken).promoted);
        }
        let spoil = |how: &dyn Fn(&mut Score)| {
            let mut report = report("champion", 0.1);
            report.scores.get_mut("network").into_iter().for_each(how);
            decide(&report, SOUND).promoted
        };
        assert!(spoil(&|_| {}));
        assert!(!spoil(&|s| s.files = 99));
        assert!(!spoil(&|s| s.calibration_error = 0.06));
        assert!(!spoil(&|s| s.roles.values_mut().for_each(|r| r.f1 = 0.3)));
    }
}
