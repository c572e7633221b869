//! For import-linter and tach.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{HEAD, Order, list};
use crate::architecture::Part;

fn dotted(part: &Part) -> String {
    part.name.replace('/', ".")
}

/// What the import path of a part begins at, relative to the codebase: `src` or nothing.
fn source_root(part: &Part) -> &str {
    part.path.strip_suffix(part.name.as_str()).unwrap_or_default().trim_end_matches('/')
}

pub(super) fn import_linter(order: &Order<'_>) -> String {
    // a single file at the top is no package, and import-linter wants packages
    let package = |part: &&Part| {
        let top = part.name.split('/').next().unwrap_or_default();
        let directory = [source_root(part), top, ""].join("/");
        let directory = directory.trim_start_matches('/');
        order.files.iter().any(|(path, _)| path.starts_with(directory)).then(|| top.to_owned())
    };
    let packages: BTreeSet<_> = order.layers.iter().flatten().filter_map(package).collect();
    let roots = match packages.first() {
        Some(only) if packages.len() == 1 => format!("root_package = {only}"),
        _ => {
            packages.iter().fold("root_packages =".to_owned(), |text, name| text + "\n    " + name)
        }
    };
    let line = |layer: &Vec<&Part>| {
        let names: Vec<_> =
            layer.iter().filter(|p| package(p).is_some()).map(|p| dotted(p)).collect();
        (!names.is_empty()).then(|| format!("    {}", names.join(" | ")))
    };
    let lines: Vec<_> = order.layers.iter().filter_map(line).collect();
    format!(
        "; {HEAD}\n[importlinter]\n{roots}\n\n[importlinter:contract:layers]\nname = Learnt layers\ntype = layers\nlayers =\n{}\n",
        lines.join("\n")
    )
}

pub(super) fn tach(order: &Order<'_>) -> String {
    let architecture = order.architecture;
    let upward: BTreeSet<_> = architecture.layering.upward.iter().map(|u| u.link).collect();
    let seen: BTreeMap<_, _> =
        architecture.parts.iter().enumerate().filter(|(_, p)| order.sees(p)).collect();
    let roots: BTreeSet<_> = seen.values().map(|p| source_root(p)).collect();
    let roots: Vec<_> =
        roots.into_iter().map(|r| if r.is_empty() { "." } else { r }.to_owned()).collect();
    let mut text = format!("# {HEAD}\nsource_roots = [{}]\n", list(&roots));
    for (i, part) in &seen {
        let downward = architecture.links.iter().enumerate().filter(|(l, _)| !upward.contains(l));
        let targets = downward.filter(|(_, l)| l.from == *i).filter_map(|(_, l)| seen.get(&l.to));
        let targets: Vec<_> = targets.map(|to| dotted(to)).collect();
        let _ = write!(
            text,
            "\n[[modules]]\npath = \"{}\"\ndepends_on = [{}]\n",
            dotted(part),
            list(&targets)
        );
    }
    text
}
