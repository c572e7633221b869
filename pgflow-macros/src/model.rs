//! A workflow's body as a data-flow program: bindings, nodes, and what each piece of pure Rust reads.

mod calls;
mod checks;
mod free;
mod lift;
mod lower;
mod numbers;
mod order;
mod question;

use std::collections::BTreeSet;

use proc_macro2::Span;
use syn::{Expr, ExprCall, Ident, Item, Pat, Path};

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
    pub statements: Vec<Statement>,
    pub value: Option<Value>,
    /// `use` and `const` items at the top of the body.
    pub items: Vec<Item>,
    /// A refused call is no Rust that type-checks as it stands.
    pub refused: bool,
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
}

/// `let pat = init;`
pub struct Let {
    pub pat: Pat,
    pub init: Expr,
    pub reads: Reads,
    pub bindings: Vec<BindingId>,
}

/// A statement of the body.
pub enum Statement {
    Let(LetId),
    /// An awaited call whose value nobody takes.
    Effect,
}

/// The final expression.
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

/// A call of a step.
pub struct Node {
    pub work: Work,
    /// The path by which the step is called.
    pub callee: Path,
    /// The call that the slice ends in, with holes.
    pub call: ExprCall,
    /// What its arguments read.
    pub reads: Reads,
    /// What `pgflow::after` names.
    pub after: Reads,
    pub mode: Mode,
    /// From `#[id = "…"]`.
    pub id: Option<String>,
    /// No earlier call has a callee of this name.
    pub first: bool,
    /// The place of the callee, with names of our own.
    pub span: Span,
    /// Index of the statement that holds the call; the final value comes after the last.
    pub statement: usize,
    /// Nodes that must have settled first, beside those it loads; transitively reduced.
    pub order: BTreeSet<NodeId>,
}

/// What a node does.
pub enum Work {
    Step,
    Map(Box<Items>),
}

/// The elements of a `pgflow::map`.
pub struct Items {
    pub expr: Expr,
    pub reads: Reads,
    /// The closure's parameter, where the step is called by one.
    pub element: Option<Pat>,
}

/// What a slice must hold for what it reads, transitively.
#[derive(Default)]
pub struct Needs {
    pub inputs: BTreeSet<usize>,
    pub lets: BTreeSet<LetId>,
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
        needs.loads.extend(&reads.nodes);
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
            }
        }
    }

    /// All nodes whose results a node reads, its elements' included.
    pub fn data(&self, node: &Node) -> BTreeSet<NodeId> {
        let mut needs = self.needs(&node.reads);
        if let Work::Map(items) = &node.work {
            self.add_needs(&items.reads, &mut needs);
        }
        needs.loads
    }

    /// Whether another binding has this name too.
    pub fn shadows(&self, binding: BindingId) -> bool {
        let name = &self.bindings[binding].name;
        self.bindings.iter().filter(|other| other.name == *name).count() > 1
    }
}
