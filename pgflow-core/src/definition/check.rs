//! The checks of a definition that is read or built at run time; the macro makes the same ones on tokens.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::redact::is_pointer;

use super::{
    Definition, Node, NodeKind,
    order::{Ancestors, edges, sorted},
    shape,
};

/// The longest name, in characters.
const NAME_MAX: usize = 63;
/// The most nodes of a workflow: node numbers are small integers in the database.
const NODES_MAX: usize = 10_000;
/// The most dependencies, arms, inputs and pointers, together.
const ITEMS_MAX: usize = 100_000;
/// The longest text of a type, an arm, a pointer or an option, in bytes.
const WORD_MAX: usize = 64 << 10;
/// The most problems that are listed, and the most names within one.
const PROBLEMS_MAX: usize = 100;
const LISTED_MAX: usize = 10;
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
    /// More than the graph is made of in good time.
    #[error(
        "{0} dependencies, arms, inputs and pointers are more than 100000; use `map` or child runs"
    )]
    TooDense(usize),
    /// A text that nobody wrote.
    #[error("the text `{begin}` has {size} bytes, more than 65536; shorten it")]
    TooLong {
        /// How it begins.
        begin: String,
        /// Its size in bytes.
        size: usize,
    },
    /// The JSON is longer than any definition.
    #[error("a definition of {size} bytes is longer than 16777216; use `map` or child runs")]
    Text {
        /// Its size in bytes.
        size: usize,
    },
    /// Nobody reads the node's result, and it is no effect: that would wait for all before it, and all after it for it.
    #[error(
        "nothing uses node `{0}`; read it in the output or in another node, order it by `after`, or remove it"
    )]
    Unused(String),
    /// There are more than are listed.
    #[error("there are {0} more problems")]
    More(usize),
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
    /// Checks sizes, names, ids, references, kinds, pointers, cycles and the fingerprint. Without a cycle every node is
    /// reached, as nothing but what stands before it keeps a token from it.
    ///
    /// # Errors
    /// Every problem found, up to a hundred.
    pub fn check(&self) -> Result<(), Vec<Problem>> {
        self.sizes().map_err(|problem| vec![problem])?;
        let mut problems = self.names();
        problems.extend(self.references());
        problems.extend(self.nodes.iter().filter_map(kind_fits));
        problems
            .extend(self.pointers().filter(|p| !is_pointer(p)).map(|p| Problem::Pointer(cut(p))));
        if problems.is_empty() {
            problems.extend(self.cycle().map(Problem::Cycle));
        }
        let expected = shape::fingerprint(self);
        if problems.is_empty() && expected != self.fingerprint {
            problems.push(Problem::Fingerprint { found: self.fingerprint.clone(), expected });
        }
        listed(problems)
    }

    /// Checks of a definition without problems that all its nodes are of use. A node of an arm is left to the arm, and what
    /// is stored was checked by the macro.
    ///
    /// # Errors
    /// Every node that nothing uses, up to a hundred.
    pub(super) fn check_use(&self) -> Result<(), Vec<Problem>> {
        let edges = edges(self);
        let read: HashSet<&str> = self.output.deps.iter().map(String::as_str).collect();
        let followed: HashSet<usize> = edges.iter().flatten().copied().collect();
        let output: Vec<usize> =
            (0..self.nodes.len()).filter(|i| read.contains(self.nodes[*i].id.as_str())).collect();
        let loose: Vec<usize> = (0..self.nodes.len())
            .filter(|i| !followed.contains(i) && !output.contains(i))
            .filter(|i| self.nodes[*i].condition.is_none())
            .collect();
        if loose.is_empty() || output.is_empty() {
            return Ok(());
        }
        let ancestors = Ancestors::new(&edges);
        // the last effect comes after all that the output reads
        let last: Vec<usize> = ancestors.last_of(&output).collect();
        let unused = loose.iter().filter(|node| last.iter().any(|o| !ancestors.has(**node, *o)));
        listed(unused.map(|node| Problem::Unused(cut(&self.nodes[*node].id))).collect())
    }

    /// What would make the other checks, or the graph, take too long, or their messages too large.
    fn sizes(&self) -> Result<(), Problem> {
        if self.nodes.len() > NODES_MAX {
            return Err(Problem::TooLarge(self.nodes.len()));
        }
        let of_node = |n: &Node| n.waits_for().count() + n.arms.len() + n.redact.len();
        let own = self.input.len() + self.output.deps.len() + self.options.redact.len();
        let items = own + self.nodes.iter().map(of_node).sum::<usize>();
        if items > ITEMS_MAX {
            return Err(Problem::TooDense(items));
        }
        match self.texts().find(|text| text.len() > WORD_MAX) {
            Some(text) => Err(Problem::TooLong { begin: cut(text), size: text.len() }),
            None => Ok(()),
        }
    }

    /// All texts of the definition.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let inputs = self.input.iter().flat_map(|f| [&f.name, &f.r#type]);
        let own = [&self.name, &self.fingerprint, &self.output.r#type];
        let own = own.into_iter().chain(&self.options.schedule).chain(&self.output.deps);
        let nodes = self.nodes.iter().flat_map(Node::texts);
        own.chain(inputs).chain(self.pointers()).map(String::as_str).chain(nodes)
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
                problems.push(Problem::Name { name: cut(name), reason });
            }
        }
        let mut seen = BTreeSet::new();
        for node in &self.nodes {
            if !seen.insert(&node.id) {
                problems.push(Problem::Duplicate(cut(&node.id)));
            }
        }
        problems
    }

    fn references(&self) -> Vec<Problem> {
        let nodes: HashMap<&str, &Node> = self.nodes.iter().map(|n| (n.id.as_str(), n)).collect();
        let known = quoted(self.nodes.iter().map(|n| n.id.as_str()).collect::<BTreeSet<_>>());
        let mut problems = Vec::new();
        let mut refer = |reader: &str, id: &str| {
            if reader == id {
                problems.push(Problem::Itself(cut(id)));
            } else if !nodes.contains_key(id) {
                let known = known.clone();
                problems.push(Problem::Unknown { reader: cut(reader), missing: cut(id), known });
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
        let arms: HashSet<(&str, &str)> =
            nodes.values().flat_map(|n| n.arms.iter().map(|arm| (&*n.id, &**arm))).collect();
        problems.extend(self.nodes.iter().filter_map(|node| {
            let condition = node.condition.as_ref()?;
            let branch = nodes.get(condition.branch.as_str())?;
            let there = arms.contains(&(&condition.branch, &condition.arm));
            (!there).then(|| node.stands_in_no_arm(branch, &condition.arm))
        }));
        problems
    }

    /// The path of a cycle, as `a → b → a`, found by following backwards what can never be settled.
    fn cycle(&self) -> Option<String> {
        let edges = edges(self);
        let mut stuck = vec![true; edges.len()];
        for node in sorted(&edges) {
            stuck[node] = false;
        }
        let id = |node: &usize| self.nodes[*node].id.as_str();
        let mut path = vec![(0..edges.len()).filter(|node| stuck[*node]).min_by_key(id)?];
        let mut places: HashMap<usize, usize> = path.iter().map(|node| (*node, 0)).collect();
        loop {
            let before = edges[*path.last()?].iter().copied();
            let next = before.filter(|node| stuck[*node]).min_by_key(id)?;
            if let Some(from) = places.insert(next, path.len()) {
                let mut ids: Vec<String> =
                    path[from..].iter().map(|n| format!("`{}`", cut(id(n)))).collect();
                if let Some(more) = ids.len().checked_sub(LISTED_MAX).filter(|more| *more > 0) {
                    ids.truncate(LISTED_MAX);
                    ids.push(format!("… {more} more …"));
                }
                return Some(format!("{} → `{}`", ids.join(" → "), cut(id(&next))));
            }
            path.push(next);
        }
    }
}

/// The problems, without those beyond the first hundred.
fn listed(mut problems: Vec<Problem>) -> Result<(), Vec<Problem>> {
    if let Some(more) = problems.len().checked_sub(PROBLEMS_MAX).filter(|more| *more > 0) {
        problems.truncate(PROBLEMS_MAX);
        problems.push(Problem::More(more));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The first of these names, and how many more there are.
fn quoted<'a>(all: impl IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>) -> String {
    let all = all.into_iter();
    let more = all.len().saturating_sub(LISTED_MAX);
    let mut names: Vec<String> = all.take(LISTED_MAX).map(|n| format!("`{}`", cut(n))).collect();
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

/// How a text begins, for messages.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
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

    /// A condition names a branch that has the arm.
    fn stands_in_no_arm(&self, branch: &Self, arm: &str) -> Problem {
        let arms = quoted(branch.arms.iter().map(String::as_str));
        let arms = if arms.is_empty() { "none" } else { &arms };
        let problem =
            format!("`{}` has no arm `{}`; its arms are {arms}", cut(&branch.id), cut(arm));
        Problem::Node { id: cut(&self.id), problem }
    }

    /// All texts of the node but its pointers.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let named = [&self.step, &self.workflow, &self.signal, &self.output];
        let condition = self.condition.iter().flat_map(|c| [&c.branch, &c.arm]);
        let options = self.options.iter().flat_map(|o| [&o.exclusive, &o.rate_limit, &o.batch]);
        let lists = self.deps.iter().chain(&self.after).chain(&self.arms);
        let words = [&self.id].into_iter().chain(lists).chain(condition);
        words.chain(named.into_iter().chain(options).flatten()).map(String::as_str)
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
    Some(Problem::Node { id: cut(&node.id), problem: problem.into() })
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
