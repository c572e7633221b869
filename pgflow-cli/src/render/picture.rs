//! What is drawn of a workflow: its nodes and the edges of the reduced graph, with the states of a run where there is
//! one.

use std::collections::BTreeSet;

use pgflow_core::{
    definition::{Definition, NodeKind},
    lifecycle::{Graph, Place},
};

use super::nodes::{NodeLine, Standing};

/// A drawing to be.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub title: String,
    pub shapes: Vec<Shape>,
    pub edges: Vec<Edge>,
}

/// A node.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub label: String,
    /// What it does, where the label does not say it; for a run what it came to.
    pub note: String,
    pub kind: NodeKind,
    /// In a run.
    pub standing: Option<Standing>,
    /// The arm that a branch took in a run.
    pub arm: Option<String>,
}

impl Shape {
    /// An arm that was not taken, or what a run that has ended did not reach.
    pub fn is_faint(&self) -> bool {
        matches!(self.standing, Some(Standing::Skipped | Standing::Cancelled | Standing::Unreached))
    }

    /// Fill and stroke.
    pub fn colours(&self) -> (&'static str, &'static str) {
        match self.standing {
            None | Some(Standing::Pending) => ("#ffffff", "#868e96"),
            Some(Standing::Waiting | Standing::Ready) => ("#fff3bf", "#e67700"),
            Some(Standing::Running) => ("#d0ebff", "#1971c2"),
            Some(Standing::Done) => ("#d3f9d8", "#2f9e44"),
            Some(Standing::Failed) => ("#ffe3e3", "#c92a2a"),
            Some(Standing::Skipped | Standing::Cancelled | Standing::Unreached) => {
                ("#f8f9fa", "#adb5bd")
            }
        }
    }
}

/// From one node to another, by their indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    pub from: usize,
    pub to: usize,
    /// The arm of a branch.
    pub label: Option<String>,
}

impl Picture {
    /// Whether an edge leads to or from what is faint, or is another arm than the one that was taken.
    pub fn is_faint(&self, edge: &Edge) -> bool {
        let (from, to) = (&self.shapes[edge.from], &self.shapes[edge.to]);
        let other_arm = from.arm.is_some() && edge.label.is_some() && from.arm != edge.label;
        from.is_faint() || to.is_faint() || other_arm
    }

    /// The workflow, with the states of a run where they are given.
    pub fn new(definition: &Definition, title: String, run: Option<&[NodeLine]>) -> Self {
        let shape = |(index, node): (usize, &pgflow_core::definition::Node)| {
            let line = run.and_then(|lines| lines.get(index));
            Shape {
                label: node.id.clone(),
                note: match line {
                    Some(line) => line.state_in_words(),
                    None => kind_in_words(node.kind, node.limit, node.tolerated),
                },
                kind: node.kind,
                standing: line.map(|line| line.state),
                arm: line.and_then(|line| line.arm.clone()),
            }
        };
        let shapes = definition.nodes.iter().enumerate().map(shape).collect();
        Self { title, shapes, edges: edges(definition) }
    }
}

fn kind_in_words(kind: NodeKind, limit: Option<u32>, tolerated: bool) -> String {
    let word = match (kind, limit) {
        (NodeKind::Step, _) => "",
        (NodeKind::Map, None) => "for each",
        (NodeKind::Map, Some(limit)) => return format!("for each, {limit} at once"),
        (NodeKind::Branch, _) => "branch",
        (NodeKind::Sleep, _) => "waits",
        (NodeKind::Signal, _) => "waits for a signal",
        (NodeKind::Child, _) => "child run",
    };
    match (word, tolerated) {
        ("", true) => "may fail".into(),
        (word, true) => format!("{word}, may fail"),
        (word, false) => word.into(),
    }
}

fn edges(definition: &Definition) -> Vec<Edge> {
    let Ok(graph) = Graph::new(definition) else { return Vec::new() };
    let nodes = &definition.nodes;
    let mut edges = Vec::new();
    for (to, node) in nodes.iter().enumerate() {
        for from in graph.before(Place::Node(to)) {
            let Place::Node(from) = from else { continue };
            let arm = node.condition.as_ref().filter(|c| c.branch == nodes[from].id);
            edges.push(Edge { from, to, label: arm.map(|c| c.arm.clone()) });
        }
    }
    // an arm without a node leads past the nodes of the others
    for (branch, node) in nodes.iter().enumerate() {
        let inside = |i: usize, arm: Option<&String>| {
            let condition = nodes[i].condition.as_ref();
            condition.is_some_and(|c| c.branch == node.id && arm.is_none_or(|arm| c.arm == *arm))
        };
        let behind = edges.iter().filter(|e| inside(e.from, None) && !inside(e.to, None));
        let behind: BTreeSet<usize> = behind.map(|e| e.to).collect();
        for arm in node.arms.iter().filter(|arm| !(0..nodes.len()).any(|i| inside(i, Some(*arm)))) {
            let past = |to: &usize| Edge { from: branch, to: *to, label: Some(arm.clone()) };
            edges.extend(behind.iter().map(past));
        }
    }
    edges
}
