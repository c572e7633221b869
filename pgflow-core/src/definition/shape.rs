//! What a version stands for: its shape, the fingerprint of it, and the differences between two.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Definition, Node};

/// Raised when the meaning of a fingerprint changes.
const FORMAT: u32 = 1;

/// SHA-256 over the shape as canonical JSON: sorted nodes, sorted keys (`serde_json`'s maps are sorted).
pub(super) fn fingerprint(definition: &Definition) -> String {
    let mut nodes: Vec<&Node> = definition.nodes.iter().collect();
    nodes.sort_by(|a, b| a.id.cmp(&b.id));
    let names: Vec<&str> = definition.input.iter().map(|f| f.name.as_str()).collect();
    let shape = json!({
        "format": FORMAT,
        "inputs": names.len(),
        "names": if names.len() > 1 { json!(names) } else { Value::Null },
        "nodes": nodes.into_iter().map(node_shape).collect::<Vec<_>>(),
        "output": definition.output.deps,
    });
    let digest = Sha256::digest(shape.to_string());
    digest.iter().take(16).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn node_shape(node: &Node) -> Value {
    let mut shape = json!({
        "id": node.id,
        "kind": node.kind,
        "step": node.step,
        "deps": node.deps,
        "after": node.after,
        "condition": node.condition,
        "arms": node.arms,
        "tolerated": node.tolerated,
    });
    // of later kinds alone, so that the fingerprints of earlier definitions stay
    for (key, name) in [("workflow", &node.workflow), ("signal", &node.signal)] {
        if let Some(name) = name {
            shape[key] = json!(name);
        }
    }
    if node.at_least.is_some() {
        shape["partial"] = json!(true);
    }
    shape
}

/// What differs in shape between the stored definition and another one, a line each; empty when only tuning differs.
pub fn differences(stored: &Definition, new: &Definition) -> Vec<String> {
    let mut lines = Vec::new();
    let inputs = |d: &Definition| d.input.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
    if stored.input.len() != new.input.len()
        || (new.input.len() > 1 && inputs(stored) != inputs(new))
    {
        lines.push(change("inputs", &inputs(stored), &inputs(new)));
    }
    for old in &stored.nodes {
        match new.node(&old.id) {
            None => lines.push(format!("- node `{}` is gone", old.id)),
            Some(node) => lines.extend(node_differences(old, node)),
        }
    }
    for node in new.nodes.iter().filter(|n| stored.node(&n.id).is_none()) {
        lines.push(format!("+ node `{}` is new (reads {:?})", node.id, node.deps));
    }
    if stored.output.deps != new.output.deps {
        lines.push(change("the final value reads", &stored.output.deps, &new.output.deps));
    }
    lines
}

/// The types that differ between two definitions of one shape, a line each.
pub fn retyped(old: &Definition, new: &Definition) -> Vec<String> {
    let types = |d: &Definition| {
        let nodes = d.nodes.iter().map(|n| (format!("node `{}`", n.id), json!(n.output)));
        let inputs =
            d.input.iter().enumerate().map(|(i, f)| (format!("input {}", i + 1), json!(f.r#type)));
        let output = ("the final value".to_owned(), json!(d.output.r#type));
        Value::Object(nodes.chain(inputs).chain([output]).collect())
    };
    changes(&types(old), &types(new))
}

fn node_differences(old: &Node, new: &Node) -> Vec<String> {
    node_changes(old, new).iter().map(|line| format!("~ node `{}`: {line}", old.id)).collect()
}

/// What of a node's shape differs in another version of it, as `deps ["a"] → []`.
pub(super) fn node_changes(old: &Node, new: &Node) -> Vec<String> {
    changes(&node_shape(old), &node_shape(new))
}

/// The keys of two objects whose values differ, as `key old → new`.
pub(super) fn changes(old: &Value, new: &Value) -> Vec<String> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return Vec::new() };
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let value = |of: &Map<String, Value>, key: &String| match of.get(key) {
        None | Some(Value::Null) => "none".into(),
        Some(value) => value.to_string(),
    };
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| format!("{key} {} → {}", value(old, key), value(new, key)))
        .collect()
}

fn change(what: &str, old: &[String], new: &[String]) -> String {
    format!("~ {what}: {old:?} → {new:?}")
}
