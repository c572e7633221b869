//! Serving one token: load what its slice reads, run it, decide what follows, and evaluate the pure code that follows at
//! once, so that it travels in the same flush.

mod cached;
mod commit;
mod follow;
mod judge;
mod load;
mod secrets;
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
use tracing::Instrument;

use crate::{
    context::{Attempt, Gpu, GpuSlot, HostState, StepContext, TransactionSlot},
    lifecycle::{AttemptStatus, Event, Position, RunState},
    logs::{Tail, heard_by},
    payload::Json,
    registry::{TaskPlan, Version},
    spec::{NodeRun, Outcome, WorkflowSpec},
    store::{
        HeldSlot, RunId, TokenKey,
        flush::{ArrivalRow, ChildRow},
        log::LogRow,
    },
    stubs::Stubs,
};

use super::{
    begun::AllBegun,
    logs::Looked,
    token::{Token, Verdict},
};

use follow::{Moved, finish};
use judge::{
    attempt_row, broken, conclude, deadline_failure, end_run, fail_run, judge, lost_failure,
    unreadable,
};
pub(super) use load::{Reader, RunCache};
use load::{Trouble, env};
use secrets::secrets;

/// Workers that may die of one task before it fails.
pub(super) const LOSSES_MAX: i16 = 5;
/// How long a cancelled step may take to stop by itself.
const CANCEL_GRACE: Duration = Duration::from_secs(2);

/// What all tokens of a session share.
pub(super) struct Shared {
    pub worker: i32,
    pub state: HostState,
    /// What a test gives in place of steps.
    pub stubs: Stubs,
    pub gpus: Vec<(i32, Gpu)>,
    pub payload_max: usize,
    pub reader: tokio::sync::Mutex<Reader>,
    pub runs: Mutex<HashMap<RunId, RunCache>>,
    pub begun: AllBegun,
    pub draining: watch::Receiver<bool>,
    /// The workflows that those served here start as children, by name and version.
    pub children: HashMap<(&'static str, u32), Arc<Version>>,
    /// Connections for transactional steps.
    pub transactions: PgPool,
    /// Queues whose joins go on here.
    pub join_direct: Vec<i32>,
    /// Whose log lines are looked at.
    pub looked: Looked,
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
    /// What its attempt said, where that is written down.
    pub log: Option<LogRow>,
}

impl From<Verdict> for Served {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, lingering: None, log: None }
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
    let reads = match token.at {
        // an element is a part of what its list was made of, which is to be known where some of that is hidden
        Position::Element(..) if token.version.definition.redacts() => {
            [spec.each_loads, spec.loads].concat()
        }
        Position::Element(..) => spec.each_loads.to_vec(),
        _ => spec.loads.to_vec(),
    };
    let env = match env(&shared, &token, &reads, &[]).await {
        Ok(env) => env,
        Err(Trouble::Unreadable(error)) => return unreadable(&token, &error).into(),
        Err(Trouble::Failed(failure)) => return fail_run(&shared, &token, failure).into(),
    };
    let Some(plan) = token.version.plan(token.at) else { return Verdict::Dropped.into() };
    let waits = Arc::new(Notify::new());
    let hidden = secrets(&shared, &token, &[]);
    let log = Tail::begin(&hidden);
    let transaction = plan.transactional.then(|| TransactionSlot::new(shared.transactions.clone()));
    let deadline = plan.timeout.and_then(|t| Instant::now().checked_add(t));
    let (context, mut busy) = StepContext::for_attempt(Attempt {
        run: token.run(),
        step: plan.step.into(),
        task: match token.element() {
            Some(element) => format!("{}/{element}", token.node()),
            None => token.node().into(),
        },
        number: token.number(),
        trace: token.span(),
        deadline: [deadline, token.deadline].into_iter().flatten().min(),
        gpu: gpu_slot(&shared, &token, plan),
        state: shared.state.clone(),
        transaction: transaction.clone(),
        cache: plan.cached.then(|| cached::slot(&shared, &token, plan, &waits)),
        log: log.clone(),
        hidden: hidden.clone(),
    });
    let stub = shared.stubs.of(&token.version.definition.nodes[node].id, &spec.kind);
    let call = match (stub, spec.run, &token.input) {
        (Some(stub), ..) => stub,
        (None, NodeRun::Map { each, .. }, Some(item)) => each(env, item.clone()),
        (None, NodeRun::Step(run), _) => run(env),
        (None, NodeRun::Map { .. } | NodeRun::Pure(_), _) => {
            return broken(&shared, &token, "a task without its code or its element".into()).into();
        }
    };
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.clone());
    let mut task = tokio::spawn(
        context.clone().scope(call).instrument(heard_by(log.as_ref(), || span(&token, plan))),
    );
    let ended = tokio::select! {
        ended = supervise(&mut task, &context, plan.timeout, token.deadline, stop) => ended,
        () = waits.notified() => Ended::Stopped(Stop::HandBack),
    };
    slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    context.cancel();
    drop(context);
    let over = task.is_finished()
        && busy.try_recv() == Err(tokio::sync::mpsc::error::TryRecvError::Disconnected);
    let mut verdict = judge(&shared, &token, plan, &hidden, ended).await;
    if let Some(transaction) = transaction {
        verdict = commit::commit(&shared, &token, plan, &hidden, &transaction, verdict, over).await;
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
    let log = log.and_then(|tail| shared.looked.due(&token, &tail, &verdict));
    Served { verdict, lingering, log }
}

/// What the step's own log lines stand in.
fn span(token: &Token, plan: &TaskPlan) -> tracing::Span {
    let trace = token.trace.map(|trace| format!("{:032x}", trace.trace));
    let definition = &token.version.definition;
    tracing::info_span!(
        "step",
        workflow = definition.name,
        version = definition.version,
        run = token.run().0,
        step = plan.step,
        node = token.node(),
        element = token.element(),
        attempt = token.attempt,
        trace_id = trace,
    )
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
