//! One run in memory. Where tokens go is [`settle`]'s to say; this holds them and runs what they reach.

use std::{collections::HashMap, time::Duration};

use tokio::task::{Id, JoinError, JoinSet};

use super::{Provided, RunError, run_in_memory};
use crate::{
    context::StepContext,
    definition::Definition,
    env::Env,
    failure::{Failure, FailureKind},
    lifecycle::{Event, Graph, Position, settle},
    payload::Json,
    record,
    spec::{BoxFuture, NodeKindSpec, NodeRun, Outcome, Stored, WorkflowSpec},
};

pub(super) struct Memory<'a> {
    spec: &'a WorkflowSpec,
    definition: &'a Definition,
    graph: &'a Graph,
    provided: &'a Provided,
    input: Json,
    stored: HashMap<usize, Stored>,
    /// The elements of a map, then what became of each.
    items: HashMap<usize, Vec<Json>>,
    elements: HashMap<usize, Vec<Option<Result<Json, Failure>>>>,
    /// What sleeps, signals and children come to.
    waits: HashMap<usize, BoxFuture<Outcome>>,
    /// Arrivals that a place still waits for.
    waiting: HashMap<Position, u32>,
    ready: Vec<Position>,
    tasks: JoinSet<Outcome>,
    running: HashMap<Id, Position>,
}

impl<'a> Memory<'a> {
    pub(super) fn new(
        spec: &'a WorkflowSpec,
        definition: &'a Definition,
        graph: &'a Graph,
        provided: &'a Provided,
        input: Json,
    ) -> Self {
        Self {
            spec,
            definition,
            graph,
            provided,
            input,
            stored: HashMap::new(),
            items: HashMap::new(),
            elements: HashMap::new(),
            waits: HashMap::new(),
            waiting: HashMap::new(),
            ready: vec![graph.first()],
            tasks: JoinSet::new(),
            running: HashMap::new(),
        }
    }

    /// The final value.
    pub(super) async fn run(mut self) -> Result<Json, RunError> {
        loop {
            while let Some(position) = self.ready.pop() {
                if position == Position::End {
                    return self.value();
                }
                self.enter(position)?;
            }
            match self.tasks.join_next_with_id().await {
                Some(Ok((id, outcome))) => self.completed(id, outcome)?,
                Some(Err(panic)) => self.panicked(&panic)?,
                None => {
                    return Err(RunError::Broken(
                        "no token is left, but the run has no end".into(),
                    ));
                }
            }
        }
    }

    fn value(&self) -> Result<Json, RunError> {
        match (self.spec.output)(&self.env(self.spec.output_loads)) {
            Outcome::Done(value) => Ok(value),
            Outcome::Failed(failure) => Err(RunError::Failed(failure)),
            Outcome::Broken(why) => Err(RunError::Broken(why)),
            other => Err(RunError::Broken(format!("the value came as {other:?}"))),
        }
    }

    fn enter(&mut self, position: Position) -> Result<(), RunError> {
        match position {
            Position::Start | Position::End => self.settle(position, Event::Passed),
            Position::Step(node) => self.step(node),
            Position::Enter(node) => return self.condition(node),
            Position::Wake(node) => {
                if let Some(wait) = self.waits.remove(&node) {
                    self.spawn(position, wait);
                }
            }
            Position::Element(node, element) => self.element(node, element),
            Position::Gather(node) => return self.gather(node),
        }
        Ok(())
    }

    /// Follows the tokens on from a position.
    fn settle(&mut self, position: Position, event: Event) {
        let moves = settle(self.graph, position, event);
        self.ready.extend(moves.stay);
        for arrival in moves.arrivals {
            let left = self.waiting.entry(arrival.at).or_insert(arrival.need);
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.waiting.remove(&arrival.at);
                self.ready.push(arrival.at);
            }
        }
    }

    fn env(&self, loads: &[usize]) -> Env {
        let stored = loads.iter().filter_map(|n| Some((*n, self.stored.get(n)?.clone())));
        Env::new(self.input.clone(), stored.collect())
    }

    fn step(&mut self, node: usize) {
        let spec = &self.spec.nodes[node];
        let task = match (self.stub(node), spec.run) {
            (Some(stub), _) => stub,
            (None, NodeRun::Step(run)) => run(self.env(spec.loads)),
            (None, NodeRun::Map { .. } | NodeRun::Pure(_)) => {
                given(Outcome::Broken("no step entered as a step".into()))
            }
        };
        self.spawn(Position::Step(node), task);
    }

    /// Skips a node whose arm was not taken, and evaluates the pure code of another.
    fn condition(&mut self, node: usize) -> Result<(), RunError> {
        let spec = &self.spec.nodes[node];
        if !self.is_reached(node) {
            self.stored.insert(node, Stored::Skipped);
            self.settle(Position::Enter(node), Event::Passed);
            return Ok(());
        }
        match spec.run {
            NodeRun::Step(_) => {
                self.settle(Position::Enter(node), Event::Taken);
                Ok(())
            }
            NodeRun::Map { items, .. } => self.list(node, items),
            NodeRun::Pure(run) => match run(&self.env(spec.loads)) {
                Outcome::Failed(failure) => Err(RunError::Failed(failure)),
                Outcome::Broken(why) => Err(RunError::Broken(why)),
                outcome => self.evaluated(node, outcome),
            },
        }
    }

    /// Whether the arm in which a node stands was taken.
    fn is_reached(&self, node: usize) -> bool {
        let Some((branch, arm)) = self.spec.nodes[node].condition else { return true };
        let NodeKindSpec::Branch(keys) = self.spec.nodes[branch].kind else { return false };
        match self.stored.get(&branch) {
            Some(Stored::Done(taken)) => Json::encode(keys[arm]).as_ref() == Ok(taken),
            _ => false,
        }
    }

    /// Goes on with what the pure code of a branch or a wait came to.
    fn evaluated(&mut self, node: usize, outcome: Outcome) -> Result<(), RunError> {
        let stub = self.stub(node);
        let wait = match (self.spec.nodes[node].kind, outcome) {
            (NodeKindSpec::Branch(keys), Outcome::Arm(arm)) => {
                let key = Json::encode(keys[arm]).map_err(|e| RunError::Broken(e.to_string()))?;
                self.stored.insert(node, Stored::Done(key));
                self.settle(Position::Enter(node), Event::Passed);
                return Ok(());
            }
            _ if stub.is_some() => stub.unwrap_or_else(|| given(Outcome::Wait(None))),
            (NodeKindSpec::Sleep, _) => given(Outcome::Done(Json::null())),
            (NodeKindSpec::Signal { name, .. }, Outcome::Wait(limit)) => {
                given(self.signal(node, name, limit)?)
            }
            (NodeKindSpec::Child(child), Outcome::Done(input)) => {
                Box::pin(child_run(child(), self.provided.clone(), input))
            }
            (_, other) => return Err(RunError::Broken(format!("pure code gave {other:?}"))),
        };
        self.waits.insert(node, wait);
        self.settle(Position::Enter(node), Event::Waits);
        Ok(())
    }

    /// What the test sent; what it did not send is late, or never comes.
    fn signal(
        &self,
        node: usize,
        name: &str,
        limit: Option<Duration>,
    ) -> Result<Outcome, RunError> {
        match (self.provided.signals.get(name), limit) {
            (Some(payload), _) => Ok(Outcome::Done(payload.clone())),
            (None, Some(limit)) => {
                let id = &self.definition.nodes[node].id;
                Ok(Outcome::Failed(record::late_signal(id, name, limit)))
            }
            (None, None) => Err(RunError::Waits(name.into())),
        }
    }

    fn list(&mut self, node: usize, items: fn(&Env) -> Outcome) -> Result<(), RunError> {
        let spec = &self.spec.nodes[node];
        match items(&self.env(spec.loads)) {
            Outcome::Items(list) => {
                let count = list.len();
                self.elements.insert(node, vec![None; count]);
                self.items.insert(node, list);
                if count == 0 {
                    let nothing = match self.definition.nodes[node].at_least {
                        Some(_) => Stored::Results(Vec::new()),
                        None => Stored::Elements(Vec::new()),
                    };
                    self.stored.insert(node, nothing);
                }
                self.settle(Position::Enter(node), Event::Listed(count));
                Ok(())
            }
            Outcome::Failed(failure) => Err(RunError::Failed(failure)),
            Outcome::Broken(why) => Err(RunError::Broken(why)),
            other => Err(RunError::Broken(format!("a map's list came as {other:?}"))),
        }
    }

    fn element(&mut self, node: usize, element: i32) {
        let spec = &self.spec.nodes[node];
        let item = self.items.get(&node).and_then(|items| items.get(place(element))).cloned();
        let task = match (self.stub(node), spec.run, item) {
            (Some(stub), ..) => stub,
            (None, NodeRun::Map { each, .. }, Some(item)) => each(self.env(spec.each_loads), item),
            _ => given(Outcome::Broken("a map's element is not there".into())),
        };
        self.spawn(Position::Element(node, element), task);
    }

    /// All elements have arrived: their outputs in input order, or the first failure.
    fn gather(&mut self, node: usize) -> Result<(), RunError> {
        let results = self.elements.remove(&node).unwrap_or_default().into_iter().flatten();
        let stored = match self.definition.nodes[node].at_least {
            Some(share) => self.judged(node, results.collect(), share)?,
            None => results.collect::<Result<_, _>>().map_or_else(Stored::Failed, Stored::Elements),
        };
        self.stored.insert(node, stored);
        self.settle(Position::Gather(node), Event::Passed);
        Ok(())
    }

    /// The results of a map that may lose elements, unless it has lost too many.
    fn judged(
        &self,
        node: usize,
        results: Vec<Result<Json, Failure>>,
        share: f64,
    ) -> Result<Stored, RunError> {
        let done = results.iter().filter(|result| result.is_ok()).count();
        let first = results.iter().find_map(|result| result.as_ref().err());
        let (id, first) = (&self.definition.nodes[node].id, first.map_or("", |f| &f.message));
        match record::too_few(id, done, results.len(), share, first) {
            None => Ok(Stored::Results(results)),
            Some(failure) if self.spec.nodes[node].tolerated => Ok(Stored::Failed(failure)),
            Some(failure) => Err(RunError::Failed(failure)),
        }
    }

    fn stub(&self, node: usize) -> Option<BoxFuture<Outcome>> {
        self.provided.stubs.of(&self.definition.nodes[node].id, &self.spec.nodes[node].kind)
    }

    fn spawn(&mut self, position: Position, task: BoxFuture<Outcome>) {
        // steps find the state that the test gave, on whichever task they run
        let id = self.tasks.spawn(StepContext::current().scope(task)).id();
        self.running.insert(id, position);
    }

    fn completed(&mut self, id: Id, outcome: Outcome) -> Result<(), RunError> {
        let Some(position) = self.running.remove(&id) else { return Ok(()) };
        let Some(node) = position.node() else { return Ok(()) };
        let result = match outcome {
            Outcome::Done(output) => Ok(output),
            Outcome::Failed(f) if self.tolerates(position, node, &f) => Err(f),
            Outcome::Failed(failure) => return Err(RunError::Failed(failure)),
            Outcome::Broken(why) => return Err(RunError::Broken(why)),
            other => return Err(RunError::Broken(format!("a step gave {other:?}"))),
        };
        self.keep(position, node, result);
        self.settle(position, Event::Passed);
        Ok(())
    }

    /// A failure of pure code is none that the body could tolerate: it would fail the plain call too. That of a child's
    /// body is.
    fn tolerates(&self, position: Position, node: usize, failure: &Failure) -> bool {
        let spec = &self.spec.nodes[node];
        let is_wait = matches!(position, Position::Wake(_));
        let partial = self.definition.nodes[node].at_least.is_some();
        (spec.tolerated || partial) && (is_wait || failure.kind != FailureKind::Body)
    }

    fn keep(&mut self, position: Position, node: usize, result: Result<Json, Failure>) {
        if let Position::Element(_, element) = position {
            if let Some(slot) =
                self.elements.get_mut(&node).and_then(|all| all.get_mut(place(element)))
            {
                *slot = Some(result);
            }
            return;
        }
        let stored = match result {
            Ok(output) => Stored::Done(output),
            Err(failure) => Stored::Failed(failure),
        };
        self.stored.insert(node, stored);
    }

    fn panicked(&mut self, panic: &JoinError) -> Result<(), RunError> {
        let node = self.running.get(&panic.id()).and_then(|position| position.node());
        let step = node.map_or("", |node| &self.definition.nodes[node].id);
        let failure = Failure::new(step, FailureKind::Panicked, panic.to_string());
        self.completed(panic.id(), Outcome::Failed(failure))
    }
}

/// What a child's run comes to.
async fn child_run(child: &'static WorkflowSpec, provided: Provided, input: Json) -> Outcome {
    match run_in_memory(child, Definition::from(child), provided, input).await {
        Ok(value) => Outcome::Done(value),
        Err(RunError::Failed(failure)) => Outcome::Failed(failure),
        Err(RunError::Broken(why)) => Outcome::Broken(why),
        Err(other) => Outcome::Broken(other.to_string()),
    }
}

/// Elements are counted from 1.
fn place(element: i32) -> usize {
    usize::try_from(element).map_or(0, |n| n.saturating_sub(1))
}

fn given(outcome: Outcome) -> BoxFuture<Outcome> {
    Box::pin(async move { outcome })
}
