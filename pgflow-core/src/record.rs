//! Errors and refusals as they are stored.

use std::time::Duration;

use crate::{
    builtins::Sealed,
    failure::{Failure, FailureKind},
    payload::{Json, PayloadError},
    traits::BoxError,
};

/// The name under which failures of pure code are stored.
pub const BODY: &str = "body";

/// An error with its sources. One that [`fatal`](crate::builtins::fatal) marked anywhere in its chain is not retried.
pub fn failure(
    step: &str,
    kind: FailureKind,
    error: &BoxError,
    data: Option<Json>,
    retryable: bool,
) -> Failure {
    let mut failure = Failure::new(step, kind, error.to_string());
    failure.retryable &= retryable;
    failure.data = data.map(|d| d.as_str().to_owned());
    let mut at = error.source();
    while let Some(source) = at {
        if source.is::<Sealed>() {
            failure.retryable = false;
        } else {
            failure.sources.push(source.to_string());
        }
        at = source.source();
    }
    failure
}

/// The failure of a step whose output cannot be stored: another attempt would give the like.
pub fn unstorable(step: &str, error: &PayloadError) -> Failure {
    Failure::new(
        step,
        FailureKind::Failed,
        format!("the output of `{step}` cannot be stored: {error}"),
    )
    .fatal()
}

/// The failure of a body whose `what` cannot be stored.
pub fn unstorable_in_body(what: &str, error: &PayloadError) -> Failure {
    Failure::new(BODY, FailureKind::Body, format!("{what} cannot be stored: {error}"))
}

/// The failure of a map of which fewer elements succeeded than the share that must; `first` is the first failure's text.
pub fn too_few(node: &str, done: usize, all: usize, share: f64, first: &str) -> Option<Failure> {
    #[expect(clippy::cast_precision_loss, reason = "elements fit")]
    let enough = done as f64 >= share * all as f64 - 1e-9;
    let text = format!(
        "{done} of {all} elements succeeded, fewer than the {} % that must; the first failure: {first}",
        share * 100.0
    );
    (!enough).then(|| Failure::new(node, FailureKind::Failed, text).fatal())
}

/// The failure of a signal that did not come in time.
pub fn late_signal(node: &str, name: &str, limit: Duration) -> Failure {
    let text = format!("signal `{name}` did not come within {limit:?}");
    Failure::new(node, FailureKind::TimedOut, text).fatal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtins::fatal;

    #[derive(Debug, thiserror::Error)]
    #[error("no disk")]
    struct Disk(#[source] std::num::ParseIntError);

    fn record(error: impl Into<BoxError>) -> Failure {
        failure("s", FailureKind::Failed, &error.into(), None, true)
    }

    #[test]
    fn sources_are_kept_outermost_first() {
        let failure = record(Disk("x".parse::<u32>().unwrap_err()));
        assert_eq!(failure.message, "no disk");
        assert_eq!(failure.sources, ["invalid digit found in string"]);
        assert!(failure.retryable);
    }

    #[test]
    fn a_fatal_error_is_not_retried_and_reads_as_itself() {
        let failure = record(fatal(Disk("x".parse::<u32>().unwrap_err())));
        assert!(!failure.retryable);
        assert_eq!(failure.message, "no disk");
        assert_eq!(failure.sources, ["invalid digit found in string"]);
    }

    #[test]
    fn an_unstorable_output_names_step_and_place() {
        let error = Json::encode(&[1.0, f64::NAN]).unwrap_err();
        let failure = unstorable("score", &error);
        assert!(failure.message.starts_with("the output of `score` cannot be stored: [1]: NaN"));
        assert!(!failure.retryable);
    }
}
