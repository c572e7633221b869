//! A picture as Mermaid text.

use std::fmt::Write;

use pgflow_core::definition::NodeKind;

use super::picture::{Picture, Shape};

pub(crate) fn render(picture: &Picture) -> String {
    let mut text = format!("---\ntitle: {}\n---\nflowchart TD\n", quoted(&picture.title));
    for (i, shape) in picture.shapes.iter().enumerate() {
        let (open, close) = brackets(shape.kind);
        let _ = writeln!(text, "  n{i}{open}{}{close}", label(shape));
    }
    for edge in &picture.edges {
        let arm = edge.label.as_ref().map(|arm| format!("|{}|", quoted(arm))).unwrap_or_default();
        let arrow = if picture.is_faint(edge) { "-.->" } else { "-->" };
        let _ = writeln!(text, "  n{} {arrow}{arm} n{}", edge.from, edge.to);
    }
    for (i, shape) in picture.shapes.iter().enumerate() {
        if shape.standing.is_some() {
            let (fill, stroke) = shape.colours();
            let faint = if shape.is_faint() { ",color:#868e96,stroke-dasharray:4 3" } else { "" };
            let _ = writeln!(text, "  style n{i} fill:{fill},stroke:{stroke}{faint}");
        }
    }
    text
}

fn brackets(kind: NodeKind) -> (&'static str, &'static str) {
    match kind {
        NodeKind::Step => ("[", "]"),
        NodeKind::Map | NodeKind::Child => ("[[", "]]"),
        NodeKind::Branch => ("{", "}"),
        NodeKind::Sleep | NodeKind::Signal => ("([", "])"),
    }
}

fn label(shape: &Shape) -> String {
    if shape.note.is_empty() {
        return quoted(&shape.label);
    }
    quoted(&format!("{}<br/>{}", shape.label, shape.note))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "#quot;").replace('\n', " "))
}
