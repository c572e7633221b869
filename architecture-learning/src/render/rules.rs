//! The learned layers as a first rule set for a tool that the user has already. A start to read and to change, as the text
//! itself says: what is written down is the order that the code has today, without the dependencies that break it. So the
//! tool objects to exactly those, which is where to begin.

mod ecmascript;
mod python;
mod rust;

#[cfg(test)]
mod tests;

use crate::architecture::{Architecture, Part};
use crate::discovery::FileKind;
use crate::error::LearningError;
use crate::survey::Survey;

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

impl RulesFor {
    /// Its name, the language that it checks, and how the files of that end.
    fn reads(self) -> (&'static str, &'static str, &'static [&'static str]) {
        const ECMASCRIPT: &[&str] =
            &["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte"];
        match self {
            Self::Crawk => ("crawk", "Rust", &["rs"]),
            Self::Rustqual => ("rustqual", "Rust", &["rs"]),
            Self::DependencyCruiser => {
                ("dependency-cruiser", "TypeScript and JavaScript", ECMASCRIPT)
            }
            Self::ImportLinter => ("import-linter", "Python", &["py"]),
            Self::Tach => ("tach", "Python", &["py"]),
        }
    }
}

/// The rules as the file that the tool reads.
///
/// # Errors
///
/// Where the codebase is not in the tool's language, has no layers, or is more than the one crate that the tool checks.
pub fn rules(survey: &Survey, tool: RulesFor) -> Result<String, LearningError> {
    let files: Vec<_> = survey.shard.files.iter().map(|f| (f.path.as_str(), f.kind)).collect();
    written(&survey.architecture, &files, tool)
}

fn written(
    architecture: &Architecture,
    files: &[(&str, FileKind)],
    tool: RulesFor,
) -> Result<String, LearningError> {
    let order = Order::of(architecture, files, tool)?;
    match tool {
        RulesFor::Crawk => rust::crawk(&order),
        RulesFor::Rustqual => Ok(rust::rustqual(&order)),
        RulesFor::DependencyCruiser => Ok(ecmascript::dependency_cruiser(&order)),
        RulesFor::ImportLinter => Ok(python::import_linter(&order)),
        RulesFor::Tach => Ok(python::tach(&order)),
    }
}

const HEAD: &str =
    "Written by `archlearn rules` from the dependencies of today; read it before you trust it.";

/// The parts that a tool can see, in their layers.
struct Order<'a> {
    architecture: &'a Architecture,
    files: &'a [(&'a str, FileKind)],
    /// The top first; none is empty.
    layers: Vec<Vec<&'a Part>>,
    extensions: &'static [&'static str],
}

impl<'a> Order<'a> {
    fn of(
        architecture: &'a Architecture,
        files: &'a [(&'a str, FileKind)],
        tool: RulesFor,
    ) -> Result<Self, LearningError> {
        let (name, language, extensions) = tool.reads();
        let mut order = Self { architecture, files, layers: Vec::new(), extensions };
        if !files.iter().any(|(path, _)| order.is_read(path)) {
            return Err(LearningError::OtherLanguage { tool: name, language });
        }
        let seen = |layer: &Vec<usize>| -> Vec<&'a Part> {
            layer.iter().map(|i| &architecture.parts[*i]).filter(|p| order.sees(p)).collect()
        };
        let layers: Vec<_> = architecture.layering.layers.iter().map(seen).collect();
        order.layers = layers.into_iter().filter(|layer| !layer.is_empty()).collect();
        if order.layers.len() < 2 {
            return Err(LearningError::NoLayers { tool: name });
        }
        Ok(order)
    }

    fn is_read(&self, path: &str) -> bool {
        path.rsplit_once('.').is_some_and(|(_, end)| self.extensions.contains(&end))
    }

    /// Whether the part has a path of its own and a file in the tool's language.
    fn sees(&self, part: &Part) -> bool {
        let within = |path: &str| {
            path.strip_prefix(&part.path).is_some_and(|rest| rest.starts_with(['/', '.']))
        };
        !part.path.is_empty()
            && self.files.iter().any(|(path, _)| within(path) && self.is_read(path))
    }
}

fn list<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    names.into_iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ")
}
