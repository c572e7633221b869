//! For crawk and rustqual.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{HEAD, Order, list};
use crate::architecture::Part;
use crate::discovery::FileKind;
use crate::error::LearningError;
use crate::language::{directory, within};

/// One crate, whose modules crawk knows by their paths below its root and refuses where it does not know them.
pub(super) fn crawk(order: &Order<'_>) -> Result<String, LearningError> {
    let roots: BTreeSet<_> = order.layers.concat().iter().map(|p| root(order, p)).collect();
    let inside = |root: &str, other: &str| root != other && within(root, other);
    let outermost: Vec<_> =
        roots.iter().filter(|r| !roots.iter().any(|other| inside(r, other))).collect();
    if outermost.len() > 1 {
        let package = |root: &&&str| {
            root.strip_suffix("src").unwrap_or(root).trim_end_matches('/').to_owned()
        };
        let crates: Vec<_> = outermost.iter().map(package).collect();
        return Err(LearningError::SeveralCrates { tool: "crawk", crates: crates.join(", ") });
    }
    let module = |part: &&Part| {
        let below = part.path.strip_prefix(root(order, part)).unwrap_or(&part.path);
        below.trim_start_matches('/').replace('/', "::")
    };
    let modules: Vec<_> = order.layers.concat().iter().map(module).collect();
    Ok(format!(
        "# {HEAD}\n# From the top down: a module may use those after it.\n[[check.layers]]\nname = \"learnt\"\norder = [{}]\n",
        list(&modules)
    ))
}

/// The directory of the crate root that the part lies below.
fn root<'a>(order: &Order<'a>, part: &Part) -> &'a str {
    let roots = order
        .files
        .iter()
        .filter(|(_, kind)| matches!(kind, FileKind::CrateRoot | FileKind::EntryPoint));
    let directories = roots.map(|(path, _)| directory(path));
    directories
        .filter(|directory| within(&part.path, directory))
        .max_by_key(|directory| directory.len())
        .unwrap_or_default()
}

pub(super) fn rustqual(order: &Order<'_>) -> String {
    let names: Vec<_> = (1..=order.layers.len()).map(|i| format!("layer{i}")).collect();
    let mut text = format!(
        "# {HEAD}\n[architecture]\nenabled = true\n\n[architecture.layers]\norder = [{}]\n",
        list(&names)
    );
    for (name, parts) in names.iter().zip(order.layers.iter().rev()) {
        let paths = parts.iter().flat_map(|p| [format!("{}.rs", p.path), format!("{}/**", p.path)]);
        let paths = list(&paths.collect::<Vec<_>>());
        let _ = write!(text, "\n[architecture.layers.{name}]\npaths = [{paths}]\n");
    }
    text
}
