//! The checks of a definition that is read or built at run time; the macro makes the same ones on tokens.

use std::collections::{BTreeMap, BTreeSet};

use crate::redact::is_pointer;

use super::{Definition, Node, NodeKind, shape};

/// The longest name, in characters.
const NAME_MAX: usize = 63;
/// The most nodes of a workflow: node numbers are small integers in the database.
const NODES_MAX: usize = 10_000;
/// Words with a meaning of their own in the graph.
const RESERVED: [&str; 3] = ["start", "end", "body"];

/// Why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// No characters.
    #[error("is empty; give it a name")]
    Empty,
    /// More than 63 characters.
    #[error("is longer than 63 characters; shorten it")]
    TooLong,
    /// The first character is not an ASCII letter or `_`.
    #[error("must begin with a letter or `_`")]
    BadStart,
    /// A character that is no ASCII letter, digit, `_` or `-`.
    #[error("holds {0:?}; only letters, digits, `_` and `-` may stand in it")]
    BadCharacter(char),
    /// `start`, `end` or `body`.
    #[error("is a word of the graph; choose another")]
    Reserved,
}

/// Accepts a name of a workflow, step or node.
///
/// # Errors
/// The first rule that the name breaks.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let first = name.chars().next().ok_or(NameError::Empty)?;
    if name.chars().count() > NAME_MAX {
        return Err(NameError::TooLong);
    }
    if !(first.is_ascii_alphabetic() || first == '_') {
        return Err(NameError::BadStart);
    }
    if let Some(bad) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
    {
        return Err(NameError::BadCharacter(bad));
    }
    if RESERVED.contains(&name) { Err(NameError::Reserved) } else { Ok(()) }
}

/// What is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is no definition.
    #[error("{path}: {problem}")]
    Unreadable {
        /// The place in the text.
        path: String,
        /// serde's words.
        problem: String,
    },
    /// A name breaks the rules.
    #[error("the name `{name}` {reason}")]
    Name {
        /// The name.
        name: String,
        /// The rule.
        reason: NameError,
    },
    /// Two nodes have one id.
    #[error("two nodes are called `{0}`; give one of them another id")]
    Duplicate(String),
    /// A node waits for itself.
    #[error("node `{0}` depends on itself; remove that dependency")]
    Itself(String),
    /// A node names one that is not there.
    #[error("`{reader}` depends on `{missing}`, which is no node; known are {known}")]
    Unknown {
        /// The node that reads, or `output`.
        reader: String,
        /// The id that nobody has.
        missing: String,
        /// The ids that there are.
        known: String,
    },
    /// What of a payload is not shown is named by JSON pointers.
    #[error(
        "`{0}` in `redact` is no JSON pointer; write one as in `/password` or `/cards/0/number`"
    )]
    Pointer(String),
    /// Nodes that wait for one another.
    #[error("a cycle: {0}; remove one of these dependencies")]
    Cycle(String),
    /// The kind of a node and its other fields do not fit.
    #[error("node `{id}`: {problem}")]
    Node {
        /// The node.
        id: String,
        /// What does not fit.
        problem: String,
    },
    /// More nodes than numbers.
    #[error("{0} nodes are more than 10000; use `map` or child runs")]
    TooLarge(usize),
    /// The fingerprint is not that of the shape.
    #[error(
        "the fingerprint is {found} but the shape's is {expected}; the text was edited by hand"
    )]
    Fingerprint {
        /// As written.
        found: String,
        /// As computed.
        expected: String,
    },
}

impl Definition {
    /// Checks names, ids, references, kinds, pointers, cycles and the fingerprint.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(&self) -> Result<(), Vec<Problem>> {
        if self.nodes.len() > NODES_MAX {
            return Err(vec![Problem::TooLarge(self.nodes.len())]);
        }
        let mut problems = self.names();
        problems.extend(self.references());
        problems.extend(self.nodes.iter().filter_map(kind_fits));
        problems.extend(self.pointers().filter(|p| !is_pointer(p)).cloned().map(Problem::Pointer));
        if problems.is_empty() {
            problems.extend(self.cycle().map(Problem::Cycle));
        }
        let expected = shape::fingerprint(self);
        if problems.is_empty() && expected != self.fingerprint {
            problems.push(Problem::Fingerprint { found: self.fingerprint.clone(), expected });
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn pointers(&self) -> impl Iterator<Item = &String> {
        self.options.redact.iter().chain(self.nodes.iter().flat_map(|node| &node.redact))
    }

    fn names(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let ids = self.nodes.iter().map(Node::bare_id);
        let named = |n: &Node| [n.step.clone(), n.workflow.clone(), n.signal.clone()];
        let others: Vec<String> = self.nodes.iter().flat_map(named).flatten().collect();
        let others = others.iter().map(String::as_str);
        let names: BTreeSet<&str> =
            [self.name.as_str()].into_iter().chain(ids).chain(others).collect();
        for name in names {
            if let Err(reason) = check_name(name) {
                problems.push(Problem::Name { name: name.into(), reason });
            }
        }
        let mut seen = BTreeSet::new();
        for node in &self.nodes {
            if !seen.insert(&node.id) {
                problems.push(Problem::Duplicate(node.id.clone()));
            }
        }
        problems
    }

    fn references(&self) -> Vec<Problem> {
        let known: BTreeSet<&str> = self.nodes.iter().map(|n| n.id.as_str()).collect();
        let mut problems = Vec::new();
        let mut refer = |reader: &str, id: &str| {
            if reader == id {
                problems.push(Problem::Itself(id.into()));
            } else if !known.contains(id) {
                let known = known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
                problems.push(Problem::Unknown {
                    reader: reader.into(),
                    missing: id.into(),
                    known,
                });
            }
        };
        for node in &self.nodes {
            for id in node.waits_for() {
                refer(&node.id, id);
            }
        }
        for id in &self.output.deps {
            refer("output", id);
        }
        problems.extend(self.nodes.iter().filter_map(|node| self.stands_in_an_arm(node)));
        problems
    }

    /// A condition names a branch that has the arm.
    fn stands_in_an_arm(&self, node: &Node) -> Option<Problem> {
        let condition = node.condition.as_ref()?;
        let branch = self.node(&condition.branch)?;
        if branch.arms.contains(&condition.arm) {
            return None;
        }
        let arms = branch.arms.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        let problem = format!(
            "`{}` has no arm `{}`; its arms are {}",
            branch.id,
            condition.arm,
            if arms.is_empty() { "none" } else { &arms }
        );
        Some(Problem::Node { id: node.id.clone(), problem })
    }

    /// The path of a cycle, as `a → b → a`, found by following unfinished nodes backwards.
    fn cycle(&self) -> Option<String> {
        let mut left: BTreeMap<&str, BTreeSet<&str>> =
            self.nodes.iter().map(|n| (n.id.as_str(), n.waits_for().collect())).collect();
        loop {
            let free: Vec<&str> =
                left.iter().filter(|(_, deps)| deps.is_empty()).map(|(id, _)| *id).collect();
            if free.is_empty() {
                break;
            }
            for id in &free {
                left.remove(id);
            }
            for deps in left.values_mut() {
                deps.retain(|d| !free.contains(d));
            }
        }
        let mut path = vec![*left.keys().next()?];
        loop {
            let next = *left.get(path.last()?)?.iter().next()?;
            let from = path.iter().position(|id| *id == next);
            path.push(next);
            if let Some(from) = from {
                return Some(
                    path[from..].iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(" → "),
                );
            }
        }
    }
}

impl Node {
    /// The id without what its kind puts in front: `if:` of a branch, once for each that its first node is one too, and
    /// `signal:`.
    fn bare_id(&self) -> &str {
        match self.kind {
            NodeKind::Branch => {
                let mut id = self.id.as_str();
                while let Some(inner) = id.strip_prefix("if:") {
                    id = inner;
                }
                id.strip_prefix("signal:").unwrap_or(id)
            }
            NodeKind::Signal => self.id.strip_prefix("signal:").unwrap_or(&self.id),
            _ => &self.id,
        }
    }

    /// The ids of all that must have settled before this node.
    pub fn waits_for(&self) -> impl Iterator<Item = &str> {
        self.deps
            .iter()
            .chain(&self.after)
            .map(String::as_str)
            .chain(self.condition.iter().map(|c| c.branch.as_str()))
    }
}

fn kind_fits(node: &Node) -> Option<Problem> {
    let kind = node.kind;
    let runs_a_step = matches!(kind, NodeKind::Step | NodeKind::Map);
    let distinct: BTreeSet<&String> = node.arms.iter().collect();
    let bounded = node.limit.is_some() || node.at_least.is_some();
    let problem = if runs_a_step != node.step.is_some() {
        "a step or map, and only these, name their `step`"
    } else if (kind == NodeKind::Child) != node.workflow.is_some() {
        "a child, and only a child, names its `workflow`"
    } else if (kind == NodeKind::Signal) != node.signal.is_some() {
        "a signal, and only a signal, has the name of a `signal`"
    } else if (kind == NodeKind::Branch) == node.arms.is_empty() {
        "a branch, and only a branch, has `arms`"
    } else if distinct.len() < node.arms.len() {
        "two of its `arms` have one key"
    } else if bounded && kind != NodeKind::Map {
        "only a map has a `limit` and `at_least`"
    } else if node.limit == Some(0) {
        "its `limit` must be at least 1"
    } else if node.at_least.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
        "its `at_least` must be from 0 to 1"
    } else {
        return None;
    };
    Some(Problem::Node { id: node.id.clone(), problem: problem.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Condition, Field, Output, RunOptions, TaskOptions};

    fn node(id: &str, deps: &[&str]) -> Node {
        Node {
            id: id.into(),
            kind: NodeKind::Step,
            step: Some(id.into()),
            workflow: None,
            signal: None,
            deps: deps.iter().map(|d| (*d).into()).collect(),
            after: Vec::new(),
            condition: None,
            arms: Vec::new(),
            tolerated: false,
            limit: None,
            at_least: None,
            output: Some("u32".into()),
            options: Some(TaskOptions::default()),
            redact: Vec::new(),
        }
    }

    fn flow(nodes: Vec<Node>, output: &str) -> Definition {
        let mut d = Definition {
            name: "flow".into(),
            version: 1,
            fingerprint: String::new(),
            options: RunOptions::default(),
            input: vec![Field { name: "n".into(), r#type: "u32".into() }],
            nodes,
            output: Output { r#type: "u32".into(), deps: vec![output.into()] },
        };
        d.fingerprint = shape::fingerprint(&d);
        d
    }

    fn refusals(definition: &Definition) -> String {
        definition
            .check()
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_valid_name_is_accepted_and_others_are_refused_with_the_reason() {
        assert_eq!(check_name("model_training-2"), Ok(()));
        let long = "x".repeat(64);
        let cases = [
            ("", NameError::Empty),
            (long.as_str(), NameError::TooLong),
            ("2nd", NameError::BadStart),
            ("a b", NameError::BadCharacter(' ')),
            ("a;drop", NameError::BadCharacter(';')),
            ("end", NameError::Reserved),
        ];
        for (name, reason) in cases {
            assert_eq!(check_name(name), Err(reason), "{name}");
        }
    }

    #[test]
    fn a_sound_definition_survives_its_own_json() {
        let d = flow(vec![node("a", &[]), node("b", &["a"])], "b");
        assert_eq!(Definition::from_json(&d.to_json()), Ok(d));
    }

    #[test]
    fn a_cycle_is_refused_with_its_path() {
        let d = flow(
            vec![node("a", &["c"]), node("b", &["a"]), node("c", &["b"]), node("d", &["c"])],
            "d",
        );
        assert_eq!(
            refusals(&d),
            "a cycle: `a` → `c` → `b` → `a`; remove one of these dependencies"
        );
    }

    #[test]
    fn itself_unknown_and_duplicate_are_refused_together() {
        let text = refusals(&flow(vec![node("a", &["a"]), node("b", &["x"]), node("b", &[])], "z"));
        for part in [
            "two nodes are called `b`",
            "`a` depends on itself",
            "`b` depends on `x`",
            "`output` depends on `z`",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    fn branch(id: &str, deps: &[&str], arms: &[&str]) -> Node {
        let arms = arms.iter().map(|arm| (*arm).into()).collect();
        Node { kind: NodeKind::Branch, step: None, arms, ..node(id, deps) }
    }

    fn in_arm(id: &str, branch: &str, arm: &str) -> Node {
        let condition = Some(Condition { branch: branch.into(), arm: arm.into() });
        Node { condition, ..node(id, &[]) }
    }

    #[test]
    fn a_branch_has_its_arms_and_a_prefix_of_its_own() {
        let nodes = vec![
            branch("if:if:b", &[], &["then", "else"]),
            Node {
                condition: in_arm("x", "if:if:b", "then").condition,
                ..branch("if:b", &[], &["Some(_)", "Some(_) #2", "None"])
            },
            in_arm("b", "if:b", "Some(_) #2"),
        ];
        assert_eq!(flow(nodes, "b").check(), Ok(()));
    }

    #[test]
    fn an_arm_that_is_not_there_and_a_prefix_that_is_not_earned_are_refused() {
        let nodes = vec![
            branch("if:b", &["a"], &["then", "then"]),
            in_arm("b", "if:b", "elsewhere"),
            in_arm("c", "if:x", "then"),
            in_arm("d", "a", "then"),
            node("if:a", &[]),
            node("a", &[]),
            Node { limit: Some(0), ..node("e", &[]) },
        ];
        insta::assert_snapshot!(refusals(&flow(nodes, "b")), @"
        the name `if:a` holds ':'; only letters, digits, `_` and `-` may stand in it
        `c` depends on `if:x`, which is no node; known are `a`, `b`, `c`, `d`, `e`, `if:a`, `if:b`
        node `b`: `if:b` has no arm `elsewhere`; its arms are `then`, `then`
        node `d`: `a` has no arm `then`; its arms are none
        node `if:b`: two of its `arms` have one key
        node `e`: only a map has a `limit` and `at_least`
        ");
    }

    #[test]
    fn an_edited_text_is_refused() {
        let d = flow(vec![node("a", &[])], "a");
        assert!(
            Definition::from_json(&d.to_json().replace("\"deps\": []", "\"deps\": [],\n\"x\": 1"))
                .is_err()
        );
        let mut other = d.clone();
        other.nodes[0].tolerated = true;
        assert!(refusals(&other).contains("edited by hand"));
    }

    #[test]
    fn tuning_is_no_change_of_shape_and_a_changed_edge_is() {
        let old = flow(vec![node("a", &[]), node("b", &["a"])], "b");
        let mut tuned = old.clone();
        tuned.nodes[0].options = Some(TaskOptions { retries: 9, ..TaskOptions::default() });
        assert_eq!(shape::fingerprint(&tuned), old.fingerprint);
        assert!(crate::definition::differences(&old, &tuned).is_empty());

        let new = flow(vec![node("a", &[]), node("b", &[]), node("c", &["a", "b"])], "c");
        let lines = crate::definition::differences(&old, &new).join("\n");
        insta::assert_snapshot!(lines, @r#"
        ~ node `b`: deps ["a"] → []
        + node `c` is new (reads ["a", "b"])
        ~ the final value reads: ["b"] → ["c"]
        "#);
    }
}
