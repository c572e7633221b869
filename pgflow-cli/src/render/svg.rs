//! A picture as SVG, which needs nothing else to be seen.

use std::fmt::Write;

use pgflow_core::definition::NodeKind;

use super::{
    layout::{GAP_Y, HEAD, HEIGHT, Layout, MARGIN, WIDTH, layout},
    picture::{Edge, Picture, Shape},
    table::brief,
};

/// Characters that fit into a node.
const FITTING: usize = 26;
/// How far an edge bows that goes past other layers.
const DETOUR: u32 = 40;

pub(crate) fn render(picture: &Picture) -> String {
    let place = layout(picture);
    let title = u32::try_from(picture.title.chars().count()).unwrap_or_default() * 9;
    let (width, height) = (place.size.0.max(title + 2 * MARGIN) + DETOUR, place.size.1);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#868e96\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"{}\" font-size=\"14\" font-weight=\"bold\">{}</text>\n",
        MARGIN + HEAD / 3,
        escaped(&picture.title)
    );
    for edge in &picture.edges {
        draw_edge(&mut text, edge, &place, picture.is_faint(edge));
    }
    for (shape, corner) in picture.shapes.iter().zip(&place.corners) {
        draw_shape(&mut text, shape, *corner);
    }
    text + "</svg>\n"
}

fn draw_edge(text: &mut String, edge: &Edge, place: &Layout, faint: bool) {
    let (from, to) = (place.corners[edge.from], place.corners[edge.to]);
    let (path, (x, y)) =
        if to.1 > from.1 + HEIGHT + GAP_Y { around(from, to) } else { down(from, to) };
    let dashes = if faint { " stroke-dasharray=\"4 3\" opacity=\"0.5\"" } else { "" };
    let _ = writeln!(
        text,
        "<path d=\"{path}\" fill=\"none\" stroke=\"#868e96\" marker-end=\"url(#arrow)\"{dashes}/>"
    );
    if let Some(arm) = &edge.label {
        let _ = writeln!(
            text,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" fill=\"#495057\" stroke=\"#ffffff\" stroke-width=\"3\" paint-order=\"stroke\">{}</text>",
            escaped(&brief(arm, FITTING))
        );
    }
}

/// To the next layer: the path, and where its label stands.
fn down(from: (u32, u32), to: (u32, u32)) -> (String, (u32, u32)) {
    let (x1, y1, x2, y2) = (from.0 + WIDTH / 2, from.1 + HEIGHT, to.0 + WIDTH / 2, to.1);
    let middle = y1.midpoint(y2);
    let path = format!("M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}");
    (path, (x1.midpoint(x2), middle + 4))
}

/// Past the layers between, on the right.
fn around(from: (u32, u32), to: (u32, u32)) -> (String, (u32, u32)) {
    let (x1, y1, x2, y2) = (from.0 + WIDTH, from.1 + HEIGHT / 2, to.0 + WIDTH, to.1 + HEIGHT / 2);
    let bow = x1.max(x2) + DETOUR;
    (format!("M{x1} {y1}C{bow} {y1} {bow} {y2} {x2} {y2}"), (bow - DETOUR / 4, y1.midpoint(y2)))
}

fn draw_shape(text: &mut String, shape: &Shape, (x, y): (u32, u32)) {
    let (fill, stroke) = shape.colours();
    let round = match shape.kind {
        NodeKind::Step | NodeKind::Map | NodeKind::Child => 5,
        NodeKind::Branch => 0,
        NodeKind::Sleep | NodeKind::Signal => HEIGHT / 2,
    };
    let dim = if shape.is_faint() { " opacity=\"0.5\"" } else { "" };
    let _ = writeln!(
        text,
        "<g{dim}><title>{}: {}</title>",
        escaped(&shape.label),
        escaped(&shape.note)
    );
    if shape.kind == NodeKind::Map {
        let _ = writeln!(
            text,
            "<rect x=\"{}\" y=\"{}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"{round}\" fill=\"{fill}\" stroke=\"{stroke}\"/>",
            x + 4,
            y + 4
        );
    }
    let _ = writeln!(
        text,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"{round}\" fill=\"{fill}\" stroke=\"{stroke}\"/>"
    );
    let middle = x + WIDTH / 2;
    let first = if shape.note.is_empty() { y + HEIGHT / 2 + 4 } else { y + 20 };
    let _ = writeln!(
        text,
        "<text x=\"{middle}\" y=\"{first}\" text-anchor=\"middle\">{}</text>",
        escaped(&brief(&shape.label, FITTING))
    );
    if !shape.note.is_empty() {
        let _ = writeln!(
            text,
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\" fill=\"#495057\">{}</text>",
            y + 37,
            escaped(&brief(&shape.note, FITTING + 4))
        );
    }
    text.push_str("</g>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
