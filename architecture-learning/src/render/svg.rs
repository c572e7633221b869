//! The layers as a picture: a row of boxes per layer, coloured by role, as strong as the share of files that have one.

mod place;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::escape;
use crate::architecture::{Architecture, Link};
use crate::role::Role;
use place::{Box, Placed};

/// Links drawn, those that point up and then the strongest.
const LINKS_MAX: usize = 160;

/// The colours of roles and of the rest, for a page and for a file of its own.
pub(super) const STYLE: &str = include_str!("svg.css");

/// A file of its own.
pub fn svg(architecture: &Architecture) -> String {
    picture(architecture, &format!("<style>{STYLE}</style>"))
}

/// The picture, with `head` inside it.
pub(super) fn picture(architecture: &Architecture, head: &str) -> String {
    let placed = place::place(architecture);
    let (width, height) = (placed.width, placed.height);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"layers\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"layers\">{head}\n"
    );
    text.push_str(ARROWS);
    for (top, bottom) in &placed.bands {
        let height = bottom - top;
        let _ = writeln!(
            text,
            "<rect class=\"band\" x=\"0\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>"
        );
    }
    if let Some((top, _)) = placed.bands.last().filter(|_| !architecture.layering.apart.is_empty())
    {
        let y = top - 6;
        let _ = writeln!(text, "<text class=\"apart\" x=\"12\" y=\"{y}\">stand apart</text>");
    }
    links(&mut text, architecture, &placed);
    for (part, place) in &placed.boxes {
        part_box(&mut text, architecture, *part, *place);
    }
    text + "</svg>\n"
}

const ARROWS: &str = "<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"6\" markerHeight=\"6\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" class=\"tip\"/></marker><marker id=\"u\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"6\" markerHeight=\"6\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" class=\"tip up\"/></marker></defs>\n";

fn links(text: &mut String, architecture: &Architecture, placed: &Placed) {
    let upward: BTreeSet<_> = architecture.layering.upward.iter().map(|u| u.link).collect();
    let mut drawn: Vec<_> = architecture.links.iter().enumerate().collect();
    drawn.sort_by_key(|(i, l)| (!upward.contains(i), usize::MAX - l.edges, *i));
    drawn.truncate(LINKS_MAX);
    // those that point up lie over the others
    drawn.sort_by_key(|(i, _)| (upward.contains(i), *i));
    for (i, link) in drawn {
        let ends = (placed.boxes.get(&link.from), placed.boxes.get(&link.to));
        if let (Some(from), Some(to)) = ends {
            curve(text, architecture, link, *from, *to, upward.contains(&i));
        }
    }
}

fn curve(
    text: &mut String,
    architecture: &Architecture,
    link: &Link,
    from: Box,
    to: Box,
    up: bool,
) {
    let (x1, x2) = (from.x + from.width / 2, to.x + to.width / 2);
    let (y1, y2) = if up { (from.y, to.y + to.height) } else { (from.y + from.height, to.y) };
    let bend = ((y2 - y1).abs() / 2).max(18);
    let (c1, c2) = if up { (y1 - bend, y2 + bend) } else { (y1 + bend, y2 - bend) };
    // what spans layers bows out, so that it does not run behind the boxes between: down to the left, up to the right
    let span = (y2 - y1).abs() / place::STEP;
    let bow = if span > 0 { (26 * (span + 1)).min(240) } else { 0 };
    let bow = if up { bow } else { -bow };
    let thick = 1 + link.edges.ilog2();
    let class = if up { "link up" } else { "link" };
    let marker = if up { "u" } else { "a" };
    let name = |part: usize| escape(&architecture.parts[part].name);
    let _ = writeln!(
        text,
        "<path class=\"{class}\" data-a=\"{}\" data-b=\"{}\" stroke-width=\"{}\" marker-end=\"url(#{marker})\" d=\"M{x1} {y1}C{} {c1} {} {c2} {x2} {y2}\"><title>{} \u{2192} {}: {} ({}:{})</title></path>",
        link.from,
        link.to,
        f64::from(thick) * 0.6,
        x1 + bow,
        x2 + bow,
        name(link.from),
        name(link.to),
        link.edges,
        escape(&link.path),
        link.line
    );
}

fn part_box(text: &mut String, architecture: &Architecture, part: usize, place: Box) {
    let of = &architecture.parts[part];
    let role = of.role();
    let class = role.map_or("none", Role::name);
    let with_role = of.roles.first().filter(|_| role.is_some()).map_or(of.files, |(_, n)| *n);
    let strength = 20 + 80 * with_role / of.files.max(1);
    let Box { x, y, width, height } = place;
    let noun = if of.files == 1 { "file" } else { "files" };
    let under = match role {
        Some(role) if with_role < of.files => {
            format!("{} \u{b7} {with_role} of {}", role.name(), of.files)
        }
        Some(role) => format!("{} \u{b7} {} {noun}", role.name(), of.files),
        None => format!("{} {noun}", of.files),
    };
    let roles: Vec<_> = of.roles.iter().map(|(role, n)| format!("{n} {}", role.name())).collect();
    let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
    let _ = writeln!(
        text,
        "<g class=\"part\" data-part=\"{part}\" tabindex=\"0\"><title>{name}: {files} {noun}, {lines} lines; {roles}</title><rect class=\"r-none\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/><rect class=\"fill r-{class}\" fill-opacity=\"{strength}%\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/><text x=\"{middle}\" y=\"{first}\" class=\"name\">{short}</text><text x=\"{middle}\" y=\"{second}\" class=\"under\">{under}</text></g>",
        name = escape(&of.name),
        short = escape(&place::short(&of.name)),
        files = of.files,
        lines = of.lines,
        middle = x + width / 2,
        first = y + 18,
        second = y + 34,
    );
}
