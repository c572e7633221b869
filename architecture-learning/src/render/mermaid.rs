//! The layers as a Mermaid flowchart.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::architecture::Architecture;
use crate::role::Role;

/// Links drawn, the strongest first; Mermaid gives up on many.
const LINKS_MAX: usize = 120;

/// One subgraph per layer, dependencies that point up in red.
pub fn mermaid(architecture: &Architecture) -> String {
    let layering = &architecture.layering;
    let mut text = "flowchart TD\n".to_owned();
    for (i, layer) in layering.layers.iter().enumerate() {
        let _ = writeln!(text, "  subgraph layer{i}[\" \"]");
        for part in layer {
            let part_of = &architecture.parts[*part];
            let role = part_of.role().map_or("", Role::name);
            let role = if role.is_empty() { String::new() } else { format!("<br/>{role}") };
            let _ = writeln!(text, "    p{part}[\"{}{role}\"]", plain(&part_of.name));
        }
        text += "  end\n";
    }
    let upward: BTreeSet<_> = layering.upward.iter().map(|u| u.link).collect();
    let mut links: Vec<_> = architecture.links.iter().enumerate().collect();
    links.sort_by_key(|(i, l)| (!upward.contains(i), usize::MAX - l.edges, *i));
    links.truncate(LINKS_MAX);
    links.sort_by_key(|(i, _)| *i);
    let mut red = Vec::new();
    for (drawn, (i, link)) in links.into_iter().enumerate() {
        let arrow = if upward.contains(&i) { "-.->" } else { "-->" };
        let _ = writeln!(text, "  p{} {arrow}|{}| p{}", link.from, link.edges, link.to);
        if upward.contains(&i) {
            red.push(drawn.to_string());
        }
    }
    if !red.is_empty() {
        let _ = writeln!(text, "  linkStyle {} stroke:#c0392b", red.join(","));
    }
    text
}

/// Without what ends a label.
fn plain(name: &str) -> String {
    name.replace(['"', '[', ']', '<', '>', '`'], "_")
}
