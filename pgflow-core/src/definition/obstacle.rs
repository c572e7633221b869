//! Why a run under way cannot move to another version of its workflow.

use super::{Definition, Field, Node, shape::node_changes};

/// What a run has begun and another version cannot go on with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// Its input would not be read as it was written.
    #[error("the input is ({to}) instead of ({from})")]
    Input {
        /// The inputs that it was started with.
        from: String,
        /// Those of the other version.
        to: String,
    },
    /// Whoever waits for it expects another type.
    #[error("the final value is a `{to}` instead of a `{from}`")]
    Output {
        /// The type that it was started for.
        from: String,
        /// That of the other version.
        to: String,
    },
    /// A node is not in the other version.
    #[error("it has begun `{0}`, which is gone")]
    Gone(String),
    /// A node is another one in the other version.
    #[error("it has begun `{node}`, which is another: {differences}")]
    Changed {
        /// The node.
        node: String,
        /// What differs.
        differences: String,
    },
    /// All its nodes have settled, and the other version has more.
    #[error("it is at its end, and there are further nodes")]
    AtTheEnd,
    /// The definition cannot be read.
    #[error("the stored definition cannot be read by this binary")]
    Unreadable,
}

impl Obstacle {
    /// What hinders every run, wherever it stands.
    pub fn of_every_run(from: &Definition, to: &Definition) -> Vec<Self> {
        let mut found = Vec::new();
        // the name of a single input is not stored
        let named = |fields: &[Field]| fields.len() > 1;
        let types = |fields: &[Field]| fields.iter().map(|f| f.r#type.clone()).collect::<Vec<_>>();
        let same = if named(&from.input) || named(&to.input) {
            from.input == to.input
        } else {
            types(&from.input) == types(&to.input)
        };
        if !same {
            found.push(Self::Input { from: fields(&from.input), to: fields(&to.input) });
        }
        if from.output.r#type != to.output.r#type {
            let text = |d: &Definition| d.output.r#type.clone();
            found.push(Self::Output { from: text(from), to: text(to) });
        }
        found
    }

    /// What hinders a run that has begun this node. Equal types are those of equal text: what is behind a name is not
    /// known.
    pub fn of_node(node: &Node, to: &Definition) -> Option<Self> {
        let Some(other) = to.node(&node.id) else { return Some(Self::Gone(node.id.clone())) };
        let mut differences = node_changes(node, other);
        if node.output != other.output {
            let text = |n: &Node| n.output.clone().unwrap_or_else(|| "none".into());
            differences.push(format!("output `{}` → `{}`", text(node), text(other)));
        }
        let differences = differences.join(", ");
        (!differences.is_empty()).then(|| Self::Changed { node: node.id.clone(), differences })
    }
}

fn fields(fields: &[Field]) -> String {
    fields.iter().map(|f| format!("{}: {}", f.name, f.r#type)).collect::<Vec<_>>().join(", ")
}
