//! One run in memory. Where tokens go is [`settle`]'s to say; this holds them and runs what they reach.

use std::collections::HashMap;

use tokio::task::{Id, JoinError, JoinSet};

use super::{RunError, Stubs};
use crate::{
    context::StepContext,
    definition::Definition,
    env::Env,
    failure::{Failure, FailureKind},
    lifecycle::{Event, Graph, Position, settle},
    payload::Json,
    spec::{BoxFuture, NodeKindSpec, NodeRun, Outcome, Stored, WorkflowSpec},
};

pub(super) struct Memory<'a> {
    spec: &'a WorkflowSpec,
    definition: &'a Definition,
    graph: &'a Graph,
    stubs: &'a Stubs,
    input: Json,
    stored: HashMap<usize, Stored>,
    /// The elements of a map, then what became of each.
    items: HashMap<usize, Vec<Json>>,
    elements: HashMap<usize, Vec<Option<Result<Json, Failure>>>>,
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
        stubs: &'a Stubs,
        input: Json,
    ) -> Self {
        Self {
            spec,
            definition,
            graph,
            stubs,
            input,
            stored: HashMap::new(),
            items: HashMap::new(),
            elements: HashMap::new(),
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
            Position::Wake(_) => return Err(RunError::Broken("waits come later".into())),
            Position::Element(node, element) => self.element(node, element),
            Position::Gather(node) => self.gather(node),
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
            (Some(outcome), _) => given(outcome),
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
            NodeRun::Pure(run) => {
                let outcome = run(&self.env(spec.loads));
                self.decided(node, outcome)
            }
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

    fn decided(&mut self, node: usize, outcome: Outcome) -> Result<(), RunError> {
        let stored = match (outcome, self.spec.nodes[node].kind) {
            (Outcome::Arm(arm), NodeKindSpec::Branch(keys)) => Json::encode(keys[arm]),
            (Outcome::Failed(failure), _) => return Err(RunError::Failed(failure)),
            (Outcome::Broken(why), _) => return Err(RunError::Broken(why)),
            (other, _) => return Err(RunError::Broken(format!("pure code gave {other:?}"))),
        };
        let key = stored.map_err(|e| RunError::Broken(e.to_string()))?;
        self.stored.insert(node, Stored::Done(key));
        self.settle(Position::Enter(node), Event::Passed);
        Ok(())
    }

    fn list(&mut self, node: usize, items: fn(&Env) -> Outcome) -> Result<(), RunError> {
        let spec = &self.spec.nodes[node];
        match items(&self.env(spec.loads)) {
            Outcome::Items(list) => {
                let count = list.len();
                self.elements.insert(node, vec![None; count]);
                self.items.insert(node, list);
                if count == 0 {
                    self.stored.insert(node, Stored::Elements(Vec::new()));
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
            (Some(outcome), ..) => given(outcome),
            (None, NodeRun::Map { each, .. }, Some(item)) => each(self.env(spec.each_loads), item),
            _ => given(Outcome::Broken("a map's element is not there".into())),
        };
        self.spawn(Position::Element(node, element), task);
    }

    /// All elements have arrived: their outputs in input order, or the first failure.
    fn gather(&mut self, node: usize) {
        let results = self.elements.remove(&node).unwrap_or_default();
        let outputs: Result<Vec<Json>, Failure> = results.into_iter().flatten().collect();
        let stored = match outputs {
            Ok(outputs) => Stored::Elements(outputs),
            Err(failure) => Stored::Failed(failure),
        };
        self.stored.insert(node, stored);
        self.settle(Position::Gather(node), Event::Passed);
    }

    fn stub(&self, node: usize) -> Option<Outcome> {
        self.stubs.of(&self.definition.nodes[node].id, &self.spec.nodes[node].kind)
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
            // a failure of pure code is none that the body could tolerate: it would fail the plain call too
            Outcome::Failed(f)
                if self.spec.nodes[node].tolerated && f.kind != FailureKind::Body =>
            {
                Err(f)
            }
            Outcome::Failed(failure) => return Err(RunError::Failed(failure)),
            Outcome::Broken(why) => return Err(RunError::Broken(why)),
            other => return Err(RunError::Broken(format!("a step gave {other:?}"))),
        };
        self.keep(position, node, result);
        self.settle(position, Event::Passed);
        Ok(())
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

/// Elements are counted from 1.
fn place(element: i32) -> usize {
    usize::try_from(element).map_or(0, |n| n.saturating_sub(1))
}

fn given(outcome: Outcome) -> BoxFuture<Outcome> {
    Box::pin(async move { outcome })
}
