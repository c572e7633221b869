//! Small workflows as definitions, each with one thing to go wrong.

use pgflow_core::definition::{Condition, Definition, Node, NodeKind, Output, Problem, RunOptions};

/// Two roots that join: three tokens, no more nodes than needed.
pub fn diamond() -> Definition {
    define("diamond", vec![step("left", &[]), step("right", &[]), step("join", &["left", "right"])])
}

/// `let q = quick()?; let a = slow()?; let v = if q { uses(a)? } else { 0 }; effect(v)?`: where the arm is not taken,
/// `effect` still comes after `slow`, since the edge between them is reduced through `uses`.
pub fn skipping() -> Definition {
    let mut choice = node("choice", NodeKind::Branch, &["quick"]);
    choice.arms = vec!["then".into(), "else".into()];
    let mut uses = step("uses", &["slow"]);
    uses.condition = Some(Condition { branch: "choice".into(), arm: "then".into() });
    let mut effect = step("effect", &["uses"]);
    effect.after = vec!["slow".into()];
    define("skipping", vec![step("quick", &[]), step("slow", &[]), choice, uses, effect])
}

/// A list of which one element is under way at a time.
pub fn bounded() -> Definition {
    let mut each = node("each", NodeKind::Map, &[]);
    each.step = Some("each".into());
    each.limit = Some(1);
    define("bounded", vec![each])
}

/// Waits for a signal.
pub fn signalled() -> Definition {
    let mut wait = node("go", NodeKind::Signal, &[]);
    wait.signal = Some("go".into());
    define("signalled", vec![wait, step("then", &["go"])])
}

/// A step, then a child run.
pub fn parent() -> Definition {
    let mut child = node("child", NodeKind::Child, &["before"]);
    child.workflow = Some("inner".into());
    define("outer", vec![step("before", &[]), child])
}

/// What the child of [`parent`] does.
pub fn inner() -> Definition {
    define("inner", vec![step("within", &[])])
}

fn step(id: &str, deps: &[&str]) -> Node {
    Node { step: Some(id.into()), ..node(id, NodeKind::Step, deps) }
}

fn node(id: &str, kind: NodeKind, deps: &[&str]) -> Node {
    Node {
        id: id.into(),
        kind,
        step: None,
        workflow: None,
        signal: None,
        deps: deps.iter().map(|d| (*d).into()).collect(),
        after: Vec::new(),
        condition: None,
        arms: Vec::new(),
        tolerated: false,
        limit: None,
        at_least: None,
        output: None,
        options: None,
        redact: Vec::new(),
    }
}

fn define(name: &str, nodes: Vec<Node>) -> Definition {
    let mut definition = Definition {
        name: name.into(),
        version: 1,
        fingerprint: String::new(),
        options: RunOptions::default(),
        input: Vec::new(),
        nodes,
        output: Output { r#type: "()".into(), deps: Vec::new() },
    };
    // the check tells what the fingerprint of the shape is
    let problems = definition.check().unwrap_err();
    let [Problem::Fingerprint { expected, .. }] = &problems[..] else { panic!("{problems:?}") };
    definition.fingerprint.clone_from(expected);
    definition
}
