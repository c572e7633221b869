//! Serving one token: load what its slice reads, run it, decide what follows, and evaluate the pure code that follows at
//! once, so that it travels in the same flush.

mod cached;
mod commit;
mod follow;
mod load;
mod wake;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::PgPool;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::{
    context::{Attempt, Gpu, GpuSlot, HostState, StepContext, TransactionSlot},
    failure::{Failure, FailureKind},
    lifecycle::{AttemptStatus, Decision, Event, Position, RunState},
    payload::Json,
    registry::{TaskPlan, Version},
    spec::{NodeRun, Outcome, Stored, WorkflowSpec},
    store::{
        HeldSlot, RunId, StoreError, TokenKey,
        end::{Holder, failure_text},
        flush::{ArrivalRow, AttemptRow, ChildRow, Fate, Settled},
    },
};

use super::token::{Token, Verdict};

use follow::{Moved, finish};
pub(super) use load::{Reader, RunCache};
use load::{Trouble, env};

/// Workers that may die of one task before it fails.
pub(super) const LOSSES_MAX: i16 = 5;
/// How long a cancelled step may take to stop by itself.
const CANCEL_GRACE: Duration = Duration::from_secs(2);

/// What all tokens of a session share.
pub(super) struct Shared {
    pub worker: i32,
    pub state: HostState,
    pub gpus: Vec<(i32, Gpu)>,
    pub payload_max: usize,
    pub reader: tokio::sync::Mutex<Reader>,
    pub runs: Mutex<HashMap<RunId, RunCache>>,
    pub draining: watch::Receiver<bool>,
    /// The workflows that those served here start as children, by name and version.
    pub children: HashMap<(&'static str, u32), Arc<Version>>,
    /// Connections for transactional steps.
    pub transactions: PgPool,
    /// Queues whose joins go on here.
    pub join_direct: Vec<i32>,
}

impl Shared {
    /// A run of a child to start.
    fn child(
        &self,
        spec: &'static WorkflowSpec,
        input: Json,
        priority: i16,
    ) -> Result<ChildRow, Trouble> {
        let version = self.children.get(&(spec.id, spec.version)).ok_or_else(|| {
            Trouble::in_body(format!(
                "child `{}` version {} is not registered",
                spec.id, spec.version
            ))
        })?;
        let first = version.first(false);
        Ok(ChildRow {
            entry: version.entry(first),
            input,
            timeout: version.timeout,
            head: version.head(first, priority),
        })
    }
}

/// How a token is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Goes on.
    No,
    /// Its run has ended; what it does now is for nobody.
    Ended,
    /// Its worker stops; it goes back.
    HandBack,
}

/// What served a token needs beside the verdict: work that may still hold its slots.
pub(super) struct Served {
    pub verdict: Verdict,
    /// Ends when the step has really ended; `None`: it has.
    pub lingering: Option<JoinHandle<()>>,
}

impl From<Verdict> for Served {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, lingering: None }
    }
}

/// Serves a token to its end.
pub(super) async fn serve(
    shared: Arc<Shared>,
    token: Token,
    stop: watch::Receiver<Stop>,
    context: ContextSlot,
) -> Served {
    if token.deadline.is_some_and(|at| at <= Instant::now()) {
        return end_run(&shared, &token, None, RunState::TimedOut, deadline_failure(&token)).into();
    }
    // pure code that kills its workers cannot be tolerated, and what follows a lost step may be just that
    if token.losses > LOSSES_MAX || (token.losses == LOSSES_MAX && !token.at.is_task()) {
        return end_run(&shared, &token, None, RunState::Failed, lost_failure(&token)).into();
    }
    if token.losses == LOSSES_MAX {
        let failure = lost_failure(&token);
        let row = attempt_row(&token, AttemptStatus::Lost, None, Some(&failure));
        return conclude(&shared, &token, row, Err(failure)).await.into();
    }
    match token.at {
        Position::Step(_) | Position::Element(..) => serve_task(shared, token, stop, context).await,
        Position::Wake(node) => wake::wake(&shared, &token, node).await.into(),
        Position::Gather(node) => wake::gather(&shared, &token, node).await.into(),
        Position::Start => {
            let moves = Moved::along(&token.version, token.at, Event::Passed);
            finish(&shared, &token, None, moves).await.into()
        }
        Position::Enter(_) | Position::End => {
            finish(&shared, &token, None, Moved::at(token.at)).await.into()
        }
    }
}

/// Where a running step's context is left for the heartbeat and for cancelling.
pub(super) type ContextSlot = Arc<Mutex<Option<StepContext>>>;

enum Ended {
    Outcome(Outcome),
    Panicked(String),
    TimedOut,
    Overdue,
    Stopped(Stop),
}

async fn serve_task(
    shared: Arc<Shared>,
    token: Token,
    stop: watch::Receiver<Stop>,
    slot: ContextSlot,
) -> Served {
    let Some(node) = token.at.node() else { return Verdict::Dropped.into() };
    let spec = &token.version.spec.nodes[node];
    let reads =
        if matches!(token.at, Position::Element(..)) { spec.each_loads } else { spec.loads };
    let env = match env(&shared, &token, reads, &[]).await {
        Ok(env) => env,
        Err(Trouble::Unreadable(error)) => return unreadable(&token, &error).into(),
        Err(Trouble::Failed(failure)) => return fail_run(&shared, &token, failure).into(),
    };
    let Some(plan) = token.version.plan(token.at) else { return Verdict::Dropped.into() };
    let waits = Arc::new(Notify::new());
    let transaction = plan.transactional.then(|| TransactionSlot::new(shared.transactions.clone()));
    let deadline = plan.timeout.and_then(|t| Instant::now().checked_add(t));
    let (context, mut busy) = StepContext::for_attempt(Attempt {
        run: token.run(),
        step: plan.step.into(),
        number: u32::try_from(token.attempt).unwrap_or(1),
        deadline: [deadline, token.deadline].into_iter().flatten().min(),
        gpu: gpu_slot(&shared, &token, plan),
        state: shared.state.clone(),
        transaction: transaction.clone(),
        cache: plan.cached.then(|| cached::slot(&shared, &token, plan, &waits)),
    });
    let call = match (spec.run, &token.input) {
        (NodeRun::Map { each, .. }, Some(item)) => each(env, item.clone()),
        (NodeRun::Step(run), _) => run(env),
        (NodeRun::Map { .. } | NodeRun::Pure(_), _) => {
            return broken(&shared, &token, "a task without its code or its element".into()).into();
        }
    };
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.clone());
    let mut task = tokio::spawn(context.clone().scope(call));
    let ended = tokio::select! {
        ended = supervise(&mut task, &context, plan.timeout, token.deadline, stop) => ended,
        () = waits.notified() => Ended::Stopped(Stop::HandBack),
    };
    slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    context.cancel();
    drop(context);
    let over = task.is_finished()
        && busy.try_recv() == Err(tokio::sync::mpsc::error::TryRecvError::Disconnected);
    let mut verdict = judge(&shared, &token, plan, ended).await;
    if let Some(transaction) = transaction {
        verdict = commit::commit(&shared, &token, plan, &transaction, verdict, over).await;
    }
    let step = plan.step;
    let lingering = if over {
        None
    } else {
        task.abort();
        Some(tokio::spawn(async move {
            let patience = tokio::time::sleep(CANCEL_GRACE);
            let end = async {
                // a handle that has answered must not be asked again
                if !task.is_finished() {
                    let _ = task.await;
                }
                let _ = busy.recv().await;
            };
            tokio::pin!(patience, end);
            tokio::select! {
                () = &mut end => return,
                () = &mut patience => tracing::warn!(step, "the step ignores its cancellation; it keeps its slots until it ends"),
            }
            end.await;
        }))
    };
    Served { verdict, lingering }
}

/// Waits for the step, its timeout, its run's deadline, or a word to stop, whichever comes first.
async fn supervise(
    task: &mut JoinHandle<Outcome>,
    context: &StepContext,
    timeout: Option<Duration>,
    overdue: Option<Instant>,
    mut stop: watch::Receiver<Stop>,
) -> Ended {
    let word = async {
        let word = stop.wait_for(|s| *s != Stop::No).await.map(|word| *word);
        match word {
            Ok(word) => word,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        joined = &mut *task => match joined {
            Ok(outcome) => Ended::Outcome(outcome),
            Err(e) => Ended::Panicked(panic_text(e)),
        },
        () = elapse(overdue) => Ended::Overdue,
        () = elapse(timeout.and_then(|t| Instant::now().checked_add(t))) => Ended::TimedOut,
        word = word => {
            context.cancel();
            // a step that listens may clean up; what it returns is for nobody
            let _ = tokio::time::timeout(CANCEL_GRACE, &mut *task).await;
            Ended::Stopped(word)
        }
    }
}

async fn elapse(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn panic_text(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => text_of_panic(&*payload),
        Err(_) => "the task was aborted".into(),
    }
}

fn text_of_panic(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into())
}

async fn judge(shared: &Shared, token: &Token, plan: &TaskPlan, ended: Ended) -> Verdict {
    let failure = |kind, text: String| Err((kind, Failure::new(plan.step, kind, text)));
    let result = match ended {
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

/// An attempt that failed: another one, or the last.
async fn failed(
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
fn stays(token: &Token, attempt: Option<AttemptRow>, fate: Fate) -> Verdict {
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
async fn conclude(
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

fn attempt_row(
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

fn end_run(
    shared: &Shared,
    token: &Token,
    attempt: Option<AttemptRow>,
    state: RunState,
    failure: Failure,
) -> Verdict {
    let holder = Holder { worker: shared.worker, key: token.key, epoch: token.epoch, attempt };
    Verdict::EndRun { state, failure, holder }
}

fn fail_run(shared: &Shared, token: &Token, failure: Failure) -> Verdict {
    end_run(shared, token, None, RunState::Failed, failure)
}

fn broken(shared: &Shared, token: &Token, why: String) -> Verdict {
    fail_run(shared, token, Failure::new(crate::record::BODY, FailureKind::Body, why))
}

/// A read that failed for good reason of the database's: the token goes back and comes again.
fn unreadable(token: &Token, error: &StoreError) -> Verdict {
    tracing::warn!(run = %token.run(), %error, "stored results cannot be loaded now; the task goes back to its queue");
    Verdict::HandBack
}

fn deadline_failure(token: &Token) -> Failure {
    let timeout = token.version.timeout.unwrap_or_default();
    Failure::new(
        crate::record::BODY,
        FailureKind::TimedOut,
        format!("the run passed its deadline of {timeout:?}"),
    )
    .fatal()
}

fn lost_failure(token: &Token) -> Failure {
    let step = token.at.node().map_or("", |n| &token.version.definition.nodes[n].id);
    Failure::new(
        step,
        FailureKind::Lost,
        format!("{} workers died while they ran `{step}`", token.losses),
    )
}

fn gpu_slot(shared: &Shared, token: &Token, plan: &TaskPlan) -> Option<GpuSlot> {
    if plan.gpus == 0 {
        return None;
    }
    let held = |slot: &HeldSlot| {
        shared.gpus.iter().find(|(pool, _)| *pool == slot.pool).map(|(_, gpu)| gpu.clone())
    };
    let devices: Vec<Gpu> = token.slots.iter().filter_map(held).collect();
    if token.share.is_stand_in() || devices.is_empty() {
        Some(GpuSlot::StandIn)
    } else {
        Some(GpuSlot::Devices(devices))
    }
}

/// The key of an arrival's token.
pub(super) fn arrival_key(run: RunId, row: &ArrivalRow) -> TokenKey {
    TokenKey { run, lane: row.lane, elem: row.elem }
}
