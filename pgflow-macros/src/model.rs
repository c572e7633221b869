//! A workflow's body as a data-flow program: bindings, nodes, and what each piece of pure Rust reads.

mod bounds;
mod branch;
mod calls;
mod checks;
mod free;
mod lift;
mod lower;
mod numbers;
mod order;
mod question;
mod waits;

use std::collections::BTreeSet;

use proc_macro2::Span;
use syn::{Expr, ExprCall, Ident, Item, Pat, Path, Type};

use crate::text::stable;

pub use lift::hole_in;
pub use lower::lower;

/// Index in [`Model::bindings`].
pub type BindingId = usize;
/// Index in [`Model::lets`].
pub type LetId = usize;
/// Index in [`Model::nodes`].
pub type NodeId = usize;

/// A body. Awaited calls in its expressions are replaced by holes, see [`hole_in`].
#[derive(Default)]
pub struct Model {
    pub bindings: Vec<Binding>,
    pub lets: Vec<Let>,
    pub nodes: Vec<Node>,
    pub body: Body,
    /// `use` and `const` items at the top of the body.
    pub items: Vec<Item>,
    /// A refused call is no Rust that type-checks as it stands.
    pub refused: bool,
}

/// Statements and what they come to: the whole body, or that of an arm.
#[derive(Default)]
pub struct Body {
    pub statements: Vec<Statement>,
    pub value: Option<Value>,
}

/// What a piece of pure Rust reads.
#[derive(Default, Clone)]
pub struct Reads {
    pub bindings: BTreeSet<BindingId>,
    pub nodes: BTreeSet<NodeId>,
    /// It holds a macro that we cannot see into.
    pub opaque: bool,
}

/// A name that a pattern binds.
pub struct Binding {
    pub name: Ident,
    pub origin: Origin,
}

/// Where a binding comes from.
#[derive(Clone, Copy)]
pub enum Origin {
    /// The input of this index.
    Input(usize),
    Let(LetId),
    /// A pattern of an arm of this branch.
    Arm(NodeId),
}

/// `let pat = init;`
pub struct Let {
    pub pat: Pat,
    pub init: Expr,
    pub reads: Reads,
    pub bindings: Vec<BindingId>,
}

/// A statement of a body.
pub enum Statement {
    Let(LetId),
    /// An awaited call or a branch whose value nobody takes.
    Effect,
}

/// The final expression of a body.
pub struct Value {
    pub expr: Expr,
    pub reads: Reads,
}

/// How a call is awaited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `.await?`
    Required,
    /// `.await`
    Tolerated,
    /// `.await` in final position: required, and the value is the `Result`.
    Final,
}

/// An awaited call, or a branch with such calls in its arms.
pub struct Node {
    pub work: Work,
    /// What its arguments read, or what a branch is decided on.
    pub reads: Reads,
    /// What `pgflow::after` names.
    pub after: Reads,
    pub mode: Mode,
    /// From `#[id = "…"]`.
    pub id: Option<String>,
    /// The place of the callee or of the keyword, with names of our own.
    pub span: Span,
    /// The branch and the index of its arm that the node stands in.
    pub arm: Option<(NodeId, usize)>,
    /// Index of the statement of its body that holds it; the value comes after the last.
    pub statement: usize,
    /// Nodes that must have settled first, beside those it loads; transitively reduced.
    pub order: BTreeSet<NodeId>,
}

/// What a node does.
pub enum Work {
    Step(Call),
    Map(Call, Box<Items>),
    Branch(Box<Branch>),
    Wait(Box<Wait>),
    Child(Call),
}

/// A call of a step, or of a workflow as a child.
pub struct Call {
    /// The path by which it is called.
    pub callee: Path,
    /// The call that the slice ends in, with holes.
    pub expr: ExprCall,
    /// No earlier call has a callee of this name.
    pub first: bool,
}

/// The elements of a `pgflow::map`.
pub struct Items {
    pub expr: Expr,
    pub reads: Reads,
    /// The closure's parameter, where the step is called by one.
    pub element: Option<Pat>,
    pub bounds: Bounds,
}

/// What is written behind a `pgflow::map`: constants.
#[derive(Default)]
pub struct Bounds {
    pub limit: Option<Expr>,
    pub at_least: Option<Expr>,
}

/// A sleep or a signal.
pub struct Wait {
    /// The call as it is written, with holes; its `limit()` says how long.
    pub call: Expr,
    /// How long in milliseconds, where it is written out.
    pub ms: Option<u64>,
    pub signal: Option<Signal>,
}

/// The signal that is waited for.
pub struct Signal {
    pub name: String,
    pub ty: Type,
}

/// A choice between arms.
pub struct Branch {
    pub is_match: bool,
    /// The condition, or what is matched on.
    pub on: Expr,
    /// What the guards read, beside the bindings of their patterns.
    pub guards: Reads,
    /// The arms have bindings, so that their readers match again.
    pub binds: bool,
    /// Those of an `if` are what is done, and what is done else.
    pub arms: Vec<Arm>,
}

/// One arm of a branch.
pub struct Arm {
    pub pat: Pat,
    pub guard: Option<Expr>,
    /// The stored name: `then`, `else`, or the pattern without its bindings.
    pub key: String,
    pub bindings: Vec<BindingId>,
    pub body: Body,
}

/// What a slice must hold for what it reads, transitively.
#[derive(Default)]
pub struct Needs {
    pub inputs: BTreeSet<usize>,
    pub lets: BTreeSet<LetId>,
    /// Branches whose patterns are to be matched again.
    pub arms: BTreeSet<NodeId>,
    pub loads: BTreeSet<NodeId>,
    pub opaque: bool,
}

impl Model {
    /// What a slice that reads this must hold.
    pub fn needs(&self, reads: &Reads) -> Needs {
        let mut needs = Needs::default();
        self.add_needs(reads, &mut needs);
        needs
    }

    fn add_needs(&self, reads: &Reads, needs: &mut Needs) {
        needs.opaque |= reads.opaque;
        for node in &reads.nodes {
            self.add_load(*node, needs);
        }
        for binding in &reads.bindings {
            match self.bindings[*binding].origin {
                Origin::Input(input) => {
                    needs.inputs.insert(input);
                }
                Origin::Let(id) => {
                    if needs.lets.insert(id) {
                        self.add_needs(&self.lets[id].reads, needs);
                    }
                }
                Origin::Arm(branch) => {
                    if needs.arms.insert(branch) {
                        needs.loads.insert(branch);
                        self.add_needs(&self.nodes[branch].reads, needs);
                    }
                }
            }
        }
    }

    /// The value of a branch is that of one of its arms.
    fn add_load(&self, node: NodeId, needs: &mut Needs) {
        needs.loads.insert(node);
        let Work::Branch(branch) = &self.nodes[node].work else { return };
        if branch.binds {
            self.add_needs(&self.nodes[node].reads, needs);
        }
        for value in branch.arms.iter().filter_map(|arm| arm.body.value.as_ref()) {
            self.add_needs(&value.reads, needs);
        }
    }

    /// All that a node reads: for its arguments, its elements, its guards.
    pub fn data(&self, node: &Node) -> Needs {
        let mut needs = self.needs(&node.reads);
        if let Some(reads) = node.work.reads() {
            self.add_needs(reads, &mut needs);
        }
        needs
    }

    /// The branches around a node with the arm that leads to it, from outside.
    pub fn way_to(&self, node: NodeId) -> Vec<(NodeId, usize)> {
        let mut way = Vec::new();
        let mut at = self.nodes[node].arm;
        while let Some(arm) = at {
            way.insert(0, arm);
            at = self.nodes[arm.0].arm;
        }
        way
    }

    /// Whether another binding has this name too.
    pub fn shadows(&self, binding: BindingId) -> bool {
        let name = &self.bindings[binding].name;
        self.bindings.iter().filter(|other| other.name == *name).count() > 1
    }
}

impl Work {
    /// What is called by a path of the user's: a step or a workflow.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Step(call) | Self::Map(call, _) | Self::Child(call) => Some(call),
            Self::Branch(_) | Self::Wait(_) => None,
        }
    }

    /// The call of a step.
    pub fn step(&self) -> Option<&Call> {
        match self {
            Self::Step(call) | Self::Map(call, _) => Some(call),
            Self::Branch(_) | Self::Wait(_) | Self::Child(_) => None,
        }
    }

    /// What it is called without an id; a branch is called after what is in it.
    fn own_name(&self) -> Option<String> {
        match self {
            Self::Step(call) | Self::Map(call, _) | Self::Child(call) => Some(stable(&call.callee)),
            Self::Wait(wait) => Some(wait.name()),
            Self::Branch(_) => None,
        }
    }

    /// What it reads apart from the node's own [`Node::reads`].
    pub fn reads(&self) -> Option<&Reads> {
        match self {
            Self::Map(_, items) => Some(&items.reads),
            Self::Branch(branch) => Some(&branch.guards),
            Self::Step(_) | Self::Wait(_) | Self::Child(_) => None,
        }
    }

    /// The arms of a branch.
    pub fn arms(&self) -> &[Arm] {
        match self {
            Self::Branch(branch) => &branch.arms,
            Self::Step(_) | Self::Map(..) | Self::Wait(_) | Self::Child(_) => &[],
        }
    }
}

impl Wait {
    /// The id of its node.
    pub fn name(&self) -> String {
        self.signal.as_ref().map_or_else(|| "sleep".into(), |s| format!("signal:{}", s.name))
    }

    /// The path by which it is called.
    fn word(&self) -> &Expr {
        let mut call = &self.call;
        while let Expr::MethodCall(method) = call {
            call = &method.receiver;
        }
        if let Expr::Call(word) = call { &word.func } else { call }
    }
}
