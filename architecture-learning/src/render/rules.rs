//! The learned layers as a first rule set for a tool that the user has already. A start to read and to change, as the text
//! itself says: what is written down is the order that the code has today, without the dependencies that break it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::architecture::{Architecture, Part};

/// The tool that will read the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesFor {
    /// `crawk.toml`.
    Crawk,
    /// `rustqual.toml`.
    Rustqual,
    /// `.dependency-cruiser.json`.
    DependencyCruiser,
    /// `.importlinter`.
    ImportLinter,
    /// `tach.toml`.
    Tach,
}

/// The rules as the file that the tool reads.
pub fn rules(architecture: &Architecture, tool: RulesFor) -> String {
    let layers = layers(architecture);
    match tool {
        RulesFor::Crawk => crawk(&layers),
        RulesFor::Rustqual => rustqual(architecture),
        RulesFor::DependencyCruiser => dependency_cruiser(architecture),
        RulesFor::ImportLinter => import_linter(&layers),
        RulesFor::Tach => tach(architecture),
    }
}

const HEAD: &str =
    "Written by `archlearn rules` from the dependencies of today; read it before you trust it.";

/// Names of parts by layer, the top first.
fn layers(architecture: &Architecture) -> Vec<Vec<String>> {
    let name = |part: &usize| architecture.parts[*part].name.clone();
    architecture.layering.layers.iter().map(|l| l.iter().map(name).collect()).collect()
}

fn module(name: &str) -> String {
    name.replace('/', "::")
}

fn list(names: &[String], form: impl Fn(&str) -> String) -> String {
    names.iter().map(|n| format!("\"{}\"", form(n))).collect::<Vec<_>>().join(", ")
}

fn crawk(layers: &[Vec<String>]) -> String {
    let order = list(&layers.concat(), module);
    format!(
        "# {HEAD}\n# From the top down: a module may use those after it.\n[[check.layers]]\nname = \"learnt\"\norder = [{order}]\n"
    )
}

fn rustqual(architecture: &Architecture) -> String {
    let layers: Vec<_> = architecture.layering.layers.iter().rev().collect();
    let order: Vec<_> = (1..=layers.len()).map(|i| format!("\"layer{i}\"")).collect();
    let mut text = format!(
        "# {HEAD}\n[architecture]\nenabled = true\n\n[architecture.layers]\norder = [{}]\n",
        order.join(", ")
    );
    for (i, parts) in layers.iter().enumerate() {
        let paths = parts.iter().map(|part| &architecture.parts[*part].path);
        let paths: Vec<_> = paths.flat_map(|p| [format!("{p}.rs"), format!("{p}/**")]).collect();
        let paths = list(&paths, str::to_owned);
        let _ = write!(text, "\n[architecture.layers.layer{}]\npaths = [{paths}]\n", i + 1);
    }
    text
}

fn dependency_cruiser(architecture: &Architecture) -> String {
    let layers = layers(architecture);
    let below = |i: usize| -> Vec<String> { layers[..i].concat() };
    let pattern = |names: &[String]| {
        let names: Vec<_> = names.iter().map(|n| n.replace('.', "\\.")).collect();
        format!("(^|/)({})(/|\\.|$)", names.join("|"))
    };
    let rule = |i: usize| {
        serde_json::json!({
            "name": format!("layer{}-does-not-look-up", layers.len() - i),
            "comment": HEAD,
            "severity": "error",
            "from": { "path": pattern(&layers[i]) },
            "to": { "path": pattern(&below(i)) },
        })
    };
    let rules: Vec<_> = (1..layers.len()).map(rule).collect();
    format!("{:#}\n", serde_json::json!({ "forbidden": rules }))
}

fn import_linter(layers: &[Vec<String>]) -> String {
    let dotted = |name: &String| name.replace('/', ".");
    let lines: Vec<_> = layers
        .iter()
        .map(|l| format!("    {}", l.iter().map(dotted).collect::<Vec<_>>().join(" | ")))
        .collect();
    format!(
        "; {HEAD}\n[importlinter]\nroot_package = CHANGE_ME\n\n[importlinter:contract:layers]\nname = Learnt layers\ntype = layers\nlayers =\n{}\n",
        lines.join("\n")
    )
}

fn tach(architecture: &Architecture) -> String {
    let upward: BTreeSet<_> = architecture.layering.upward.iter().map(|u| u.link).collect();
    let mut text = format!("# {HEAD}\n");
    for (i, Part { name, .. }) in architecture.parts.iter().enumerate() {
        let downward = architecture.links.iter().enumerate().filter(|(l, _)| !upward.contains(l));
        let targets = downward.filter(|(_, l)| l.from == i).map(|(_, l)| l.to);
        let targets: Vec<_> = targets.map(|to| architecture.parts[to].name.clone()).collect();
        let dotted = |name: &str| name.replace('/', ".");
        let _ = write!(
            text,
            "\n[[modules]]\npath = \"{}\"\ndepends_on = [{}]\n",
            dotted(name),
            list(&targets, dotted)
        );
    }
    text
}
