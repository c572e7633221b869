//! A picture as text for Graphviz.

use std::fmt::Write;

use pgflow_core::definition::NodeKind;

use super::picture::Picture;

pub(crate) fn render(picture: &Picture) -> String {
    let mut text = format!(
        "digraph {} {{\n  label={};\n  labelloc=t;\n  node [fontname=\"sans-serif\", style=filled, fillcolor=white];\n",
        quoted(&picture.title),
        quoted(&picture.title)
    );
    for (i, shape) in picture.shapes.iter().enumerate() {
        let (fill, stroke) = shape.colours();
        let form = match shape.kind {
            NodeKind::Step => "box",
            NodeKind::Map => "box3d",
            NodeKind::Branch => "diamond",
            NodeKind::Sleep | NodeKind::Signal => "oval",
            NodeKind::Child => "component",
        };
        let label = format!("{}\n{}", shape.label, shape.note);
        let faint =
            if shape.is_faint() { ", style=\"filled,dashed\", fontcolor=\"#868e96\"" } else { "" };
        let _ = writeln!(
            text,
            "  n{i} [label={}, shape={form}, fillcolor=\"{fill}\", color=\"{stroke}\"{faint}];",
            quoted(label.trim_end())
        );
    }
    for edge in &picture.edges {
        let arm = edge.label.as_ref().map(|arm| format!("label={}", quoted(arm)));
        let faint = picture.is_faint(edge).then(|| "style=dashed, color=\"#adb5bd\"".to_owned());
        let options: Vec<String> = arm.into_iter().chain(faint).collect();
        let _ = writeln!(text, "  n{} -> n{} [{}];", edge.from, edge.to, options.join(", "));
    }
    text + "}\n"
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
