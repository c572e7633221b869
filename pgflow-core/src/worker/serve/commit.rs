//! The completion of a transactional step, in the step's own transaction.

use crate::{
    context::TransactionSlot,
    failure::{Failure, FailureKind},
    redact::Secrets,
    registry::TaskPlan,
    store::{During, StoreError, answered, flush::flush_within},
};

use super::{
    super::{
        flusher::Pending,
        token::{Token, Verdict},
    },
    Shared,
    judge::failed,
};

/// Commits the completion with what the step wrote. A step that failed, or that wrote nothing through its transaction, is
/// settled like any other.
pub(super) async fn commit(
    shared: &Shared,
    token: &Token,
    plan: &TaskPlan,
    secrets: &Secrets,
    slot: &TransactionSlot,
    verdict: Verdict,
    over: bool,
) -> Verdict {
    let Ok(begun) = slot.take() else {
        let text = format!("`{}` returned while its transaction was still in use", plan.step);
        let failure = Failure::new(plan.step, FailureKind::Failed, text);
        return failed(shared, token, plan, FailureKind::Failed, failure).await;
    };
    let Some(mut transaction) = begun else { return verdict };
    let Verdict::Settled { mut settled, next, arrivals, results } = verdict else {
        return verdict;
    };
    // another attempt: what this one wrote goes
    if settled.is_retry() {
        return Verdict::Settled { settled, next, arrivals, results };
    }
    if over {
        settled.free.clone_from(&token.slots);
    }
    let batch = [settled];
    let written =
        answered(flush_within(&mut transaction, shared.worker, &batch, &shared.join_direct)).await;
    let flushed = match written {
        Ok(flushed) if flushed.taken == [true] => flushed,
        Ok(_) => return Verdict::Dropped,
        Err(error) => return refused(shared, token, plan, secrets, &error).await,
    };
    match answered(async { transaction.commit().await.during("commit a step") }).await {
        Ok(()) => {
            let [settled] = batch;
            let pending = Pending { settled, next, arrivals, results, log: None };
            Verdict::Committed { pending, flushed }
        }
        Err(error) if error.is_refusal() => refused(shared, token, plan, secrets, &error).await,
        // the session asks the database what became of it
        Err(_) => Verdict::InDoubt,
    }
}

/// A database that refuses is a failure of the step; one that is not there costs no attempt.
async fn refused(
    shared: &Shared,
    token: &Token,
    plan: &TaskPlan,
    secrets: &Secrets,
    error: &StoreError,
) -> Verdict {
    if !error.is_refusal() && !error.is_aborted_transaction() {
        tracing::warn!(step = plan.step, %error, source = %error.source, "a transactional step is run again");
        return Verdict::HandBack;
    }
    let text = format!("the transaction of `{}` was refused: {}", plan.step, error.source);
    let failure = Failure::new(plan.step, FailureKind::Failed, secrets.hide(&text));
    failed(shared, token, plan, FailureKind::Failed, failure).await
}
