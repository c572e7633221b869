//! For dependency-cruiser.

use serde_json::json;

use super::{HEAD, Order};
use crate::architecture::Part;

/// To be run where the codebase begins, as the paths are relative to it.
pub(super) fn dependency_cruiser(order: &Order<'_>) -> String {
    let rule = |i: usize| {
        json!({
            "name": format!("layer{}-does-not-look-up", order.layers.len() - i),
            "comment": HEAD,
            "severity": "error",
            "from": { "path": pattern(&order.layers[i]) },
            "to": { "path": pattern(&order.layers[..i].concat()) },
        })
    };
    let rules: Vec<_> = (1..order.layers.len()).map(rule).collect();
    // imports of types count among the dependencies that the layers come from
    let options =
        json!({ "doNotFollow": { "path": "node_modules" }, "tsPreCompilationDeps": true });
    format!("{:#}\n", json!({ "forbidden": rules, "options": options }))
}

/// The files of some parts.
fn pattern(parts: &[&Part]) -> String {
    let paths: Vec<_> = parts.iter().map(|p| literal(&p.path)).collect();
    format!("^({})(/|\\.|$)", paths.join("|"))
}

/// A path such as `app/[id]` as a regular expression.
fn literal(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for c in path.chars() {
        if r"\^$.*+?()[]{}|".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}
