//! What became of an attempt, and what that means for its token: on, again, or the end of the run.

use std::time::Duration;

use crate::{
    failure::{Failure, FailureKind},
    lifecycle::{AttemptStatus, Decision, Event, Position, RunState},
    payload::Json,
    redact::Secrets,
    registry::TaskPlan,
    spec::{Outcome, Stored},
    store::{
        StoreError,
        end::{Holder, failure_text},
        flush::{AttemptRow, Fate, Settled},
    },
};

use super::{
    super::token::{Token, Verdict},
    Ended, Shared, Stop,
    follow::{Moved, finish},
};

pub(super) async fn judge(
    shared: &Shared,
    token: &Token,
    plan: &TaskPlan,
    secrets: &Secrets,
    ended: Ended,
) -> Verdict {
    let failure = |kind, text: String| Err((kind, Failure::new(plan.step, kind, text)));
    let result = match hidden(secrets, ended) {
        Ended::Stopped(Stop::HandBack) => return Verdict::HandBack,
        Ended::Stopped(_) => return Verdict::Dropped,
        Ended::Overdue => {
            let failure = deadline_failure(token);
            let row = attempt_row(token, AttemptStatus::TimedOut, None, Some(&failure));
            return end_run(shared, token, Some(row), RunState::TimedOut, failure);
        }
        Ended::TimedOut => failure(
            FailureKind::TimedOut,
            format!("`{}` ran out of its {:?}", plan.step, plan.timeout.unwrap_or_default()),
        ),
        Ended::Panicked(text) => failure(FailureKind::Panicked, text),
        Ended::Outcome(Outcome::Done(output)) => match too_large(shared, plan, &output) {
            None => Ok(output),
            Some(failure) => Err((FailureKind::Failed, failure)),
        },
        Ended::Outcome(Outcome::Failed(f)) if f.kind == FailureKind::Body => {
            let row = attempt_row(token, AttemptStatus::Failed, None, Some(&f));
            return end_run(shared, token, Some(row), RunState::Failed, f);
        }
        Ended::Outcome(Outcome::Failed(f)) => Err((f.kind, f)),
        Ended::Outcome(other @ (Outcome::Items(_) | Outcome::Arm(_) | Outcome::Wait(_))) => {
            return broken(shared, token, format!("a step came to {other:?}"));
        }
        Ended::Outcome(Outcome::Broken(why)) => return broken(shared, token, why),
    };
    match result {
        Ok(output) => {
            let row = attempt_row(token, AttemptStatus::Done, Some(output.clone()), None);
            conclude(shared, token, row, Ok(output)).await
        }
        Err((kind, failure)) => failed(shared, token, plan, kind, failure).await,
    }
}

/// What an attempt came to, with nothing in its errors that must not be shown.
fn hidden(secrets: &Secrets, ended: Ended) -> Ended {
    match ended {
        Ended::Panicked(text) => Ended::Panicked(secrets.hide(&text)),
        Ended::Outcome(Outcome::Failed(failure)) => {
            Ended::Outcome(Outcome::Failed(secrets.hide_in_failure(failure)))
        }
        Ended::Outcome(Outcome::Broken(why)) => Ended::Outcome(Outcome::Broken(secrets.hide(&why))),
        other => other,
    }
}

/// An attempt that failed: another one, or the last.
pub(super) async fn failed(
    shared: &Shared,
    token: &Token,
    plan: &TaskPlan,
    kind: FailureKind,
    failure: Failure,
) -> Verdict {
    let status =
        if kind == FailureKind::TimedOut { AttemptStatus::TimedOut } else { AttemptStatus::Failed };
    let row = attempt_row(token, status, None, Some(&failure));
    let tries = u32::try_from(token.attempt - token.losses).unwrap_or(1);
    match plan.retry.decide(&failure, tries, chance()) {
        Decision::Retry(wait) => retry(token, row, wait),
        Decision::Last => conclude(shared, token, row, Err(failure)).await,
    }
}

/// A number in [0, 1) for jitter; nothing rests on its quality.
fn chance() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let bits = RandomState::new().hash_one(0) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let unit = bits as f64 / (1_u64 << 53) as f64;
    unit
}

fn too_large(shared: &Shared, plan: &TaskPlan, output: &Json) -> Option<Failure> {
    let size = output.as_str().len();
    (size > shared.payload_max).then(|| {
        let text = format!(
            "the output of `{}` has {size} bytes, more than the limit of {}; store it elsewhere and return where, or raise the worker's `payload_max`",
            plan.step, shared.payload_max
        );
        Failure::new(plan.step, FailureKind::Failed, text).fatal()
    })
}

fn retry(token: &Token, row: AttemptRow, wait: Duration) -> Verdict {
    let fate = Fate::Retry {
        node: token.version.number(token.at),
        queue: token.version.queue(token.at),
        wait,
        head: token.version.head(token.at, token.priority),
    };
    stays(token, Some(row), fate)
}

/// A token that goes nowhere now.
pub(super) fn stays(token: &Token, attempt: Option<AttemptRow>, fate: Fate) -> Verdict {
    let settled = Settled {
        key: token.key,
        epoch: token.epoch,
        attempt,
        records: Vec::new(),
        fate,
        arrivals: Vec::new(),
        leaves_start: None,
        next_of: None,
        free: Vec::new(),
    };
    Verdict::Settled { settled, next: None, arrivals: Vec::new(), results: Vec::new() }
}

/// The task is over: with a value, or with a failure that the body tolerates or that ends the run.
pub(super) async fn conclude(
    shared: &Shared,
    token: &Token,
    row: AttemptRow,
    result: Result<Json, Failure>,
) -> Verdict {
    let Some(node) = token.at.node() else { return Verdict::Dropped };
    let spec = &token.version.spec.nodes[node];
    let is_element = matches!(token.at, Position::Element(..));
    // of a map that may lose some its gather decides
    let may_fail =
        spec.tolerated || is_element && token.version.definition.nodes[node].at_least.is_some();
    let stored = match result {
        Ok(output) => Stored::Done(output),
        Err(failure) if may_fail => Stored::Failed(failure),
        Err(failure) => return end_run(shared, token, Some(row), RunState::Failed, failure),
    };
    let mut moves = Moved::along(&token.version, token.at, Event::Passed);
    // the result of an element is read from the database, with those of its siblings
    if !is_element {
        moves = moves.with(node, stored);
    }
    finish(shared, token, Some(row), moves).await
}

pub(super) fn attempt_row(
    token: &Token,
    status: AttemptStatus,
    output: Option<Json>,
    failure: Option<&Failure>,
) -> AttemptRow {
    AttemptRow {
        node: token.version.number(token.at),
        elem: token.at.elem().max(0),
        attempt: token.attempt,
        status,
        ready_at: token.ready_at,
        started_at: token.started_at,
        output,
        error: failure.map(failure_text),
    }
}

pub(super) fn end_run(
    shared: &Shared,
    token: &Token,
    attempt: Option<AttemptRow>,
    state: RunState,
    failure: Failure,
) -> Verdict {
    let holder = Holder { worker: shared.worker, key: token.key, epoch: token.epoch, attempt };
    Verdict::EndRun { state, failure, holder }
}

pub(super) fn fail_run(shared: &Shared, token: &Token, failure: Failure) -> Verdict {
    end_run(shared, token, None, RunState::Failed, failure)
}

pub(super) fn broken(shared: &Shared, token: &Token, why: String) -> Verdict {
    fail_run(shared, token, Failure::new(crate::record::BODY, FailureKind::Body, why))
}

/// A read that failed for good reason of the database's: the token goes back and comes again.
pub(super) fn unreadable(token: &Token, error: &StoreError) -> Verdict {
    tracing::warn!(run = %token.run(), %error, "stored results cannot be loaded now; the task goes back to its queue");
    Verdict::HandBack
}

pub(super) fn deadline_failure(token: &Token) -> Failure {
    let timeout = token.version.timeout.unwrap_or_default();
    Failure::new(
        crate::record::BODY,
        FailureKind::TimedOut,
        format!("the run passed its deadline of {timeout:?}"),
    )
    .fatal()
}

pub(super) fn lost_failure(token: &Token) -> Failure {
    let step = token.at.node().map_or("", |n| &token.version.definition.nodes[n].id);
    Failure::new(
        step,
        FailureKind::Lost,
        format!("{} workers died while they ran `{step}`", token.losses),
    )
}
