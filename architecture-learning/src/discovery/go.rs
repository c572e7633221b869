//! Go: imports of packages by the module path of `go.mod`, led on to the file of the package that defines what is used.
//! Files of one package see each other without saying so; between these no edge is drawn.
//!
//! Signs: `package.Name`.

mod marks;
mod modules;

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::detect::place;
use super::dialect::{
    Dialect, Facts, Framework, Import, Modules, Need, SignRule, dotted, field, line_of, text_of,
};
use super::generated::beside_the_product;
use super::portion::Portion;
use super::{EdgeKind, Evidence, FileKind};
use crate::language::{base_name, directory, within};

pub(super) struct Go;

/// Signs that only [`Dialect::finish`] reads.
const PACKAGE_MAIN: &str = "package main";
const FUNC_MAIN: &str = "func main";

impl Dialect for Go {
    fn grammar(&self, _path: &str) -> tree_sitter::Language {
        tree_sitter_go::LANGUAGE.into()
    }

    fn node(&self, node: Node<'_>, text: &str, facts: &mut Facts) -> bool {
        let line = line_of(node);
        match node.kind() {
            "package_clause" if text_of(node, text).ends_with(" main") => {
                facts.sign(PACKAGE_MAIN, line);
            }
            "import_spec" => import(node, text, facts),
            "function_declaration" => {
                let name = field(node, "name", text).unwrap_or_default();
                if name == "main" {
                    facts.sign(FUNC_MAIN, line);
                }
                facts.defines.insert(name.to_owned());
            }
            "type_spec" | "type_alias" | "const_spec" | "var_spec" => define(node, text, facts),
            "selector_expression" | "qualified_type" => {
                if let Some(name) =
                    dotted(text_of(node, text)).filter(|n| n.matches('.').count() == 1)
                {
                    facts.sign(name, line);
                }
            }
            "interpreted_string_literal" | "raw_string_literal" | "comment" => return false,
            _ => {}
        }
        true
    }

    fn finish(&self, facts: &mut Facts) {
        for import in &mut facts.imports {
            let Some((_, local)) = import.names.pop() else { continue };
            let start = format!("{local}.");
            let used =
                facts.signs.range(start.clone()..).take_while(|(s, _)| s.starts_with(&start));
            let name = |(sign, _): (&String, &u32)| sign[start.len()..].to_owned();
            import.names = used.map(name).map(|n| (n, String::new())).collect();
        }
        let main = facts.signs.get(PACKAGE_MAIN).and(facts.signs.get(FUNC_MAIN));
        facts.begins = main.copied();
    }

    fn modules<'a>(&self, portion: &'a Portion<'_>, _facts: &'a [Facts]) -> Box<dyn Modules + 'a> {
        Box::new(modules::Packages::of(portion))
    }

    fn kind(&self, path: &str, facts: &Facts) -> FileKind {
        let name = base_name(path).trim_end_matches(".go");
        let ending = name.rsplit('.').next();
        match name {
            _ if name.ends_with("_test") => FileKind::Test,
            _ if ending == Some("pb") || name.starts_with("zz_generated") => FileKind::Generated,
            "magefile" => FileKind::BuildScript,
            _ if facts.begins.is_some() => FileKind::EntryPoint,
            // says what the package is for, and nothing else
            "doc" if facts.defines.is_empty() => FileKind::CrateRoot,
            _ => FileKind::Module,
        }
    }

    fn needs(&self, portion: &Portion<'_>) -> Vec<Need> {
        portion.manifests.iter().flat_map(|(path, text)| required(path, text)).collect()
    }

    /// One place per `go.mod`, as its programs are built together.
    fn programs(&self, portion: &Portion<'_>, facts: &[Facts]) -> Vec<Evidence> {
        let mut homes: Vec<_> = portion.manifests.iter().map(|(path, _)| directory(path)).collect();
        homes.sort_by_key(|home| usize::MAX - home.len());
        let mut programs: BTreeMap<&str, Evidence> = BTreeMap::new();
        for (path, facts) in portion.sources.iter().zip(facts) {
            let product = !path.ends_with("_test.go") && beside_the_product(path).is_none();
            let home = homes.iter().find(|home| within(path, home)).copied();
            if let Some(line) = facts.begins.filter(|_| product) {
                let found = || place(path, line, "builds a program");
                programs.entry(home.unwrap_or_default()).or_insert_with(found);
            }
        }
        programs.into_values().collect()
    }

    fn frameworks(&self) -> &'static [Framework] {
        marks::FRAMEWORKS
    }

    fn rules(&self) -> &'static [SignRule] {
        marks::RULES
    }
}

/// Names of a type, constants or variables.
fn define(node: Node<'_>, text: &str, facts: &mut Facts) {
    let mut cursor = node.walk();
    let names = node.children_by_field_name("name", &mut cursor);
    facts.defines.extend(names.map(|name| text_of(name, text).to_owned()));
}

/// `name "path"`; the one name noted is that of the package here, until [`Dialect::finish`] knows what is used of it.
fn import(node: Node<'_>, text: &str, facts: &mut Facts) {
    let Some(path) = field(node, "path", text) else { return };
    let module = path.trim_matches(['"', '`']).to_owned();
    let given = field(node, "name", text);
    let names = match given {
        Some("_" | ".") => Vec::new(),
        Some(name) => vec![(String::new(), name.to_owned())],
        None => vec![(String::new(), usual_name(&module).to_owned())],
    };
    let all = given == Some(".");
    facts.imports.push(Import { module, names, all, kind: EdgeKind::Use, line: line_of(node) });
}

/// The name that a package mostly has: the last part of its path that is no version.
fn usual_name(module: &str) -> &str {
    let version =
        |part: &str| part.starts_with('v') && part[1..].chars().all(|c| c.is_ascii_digit());
    let last = module.rsplit('/').find(|part| part.len() < 2 || !version(part)).unwrap_or(module);
    last.split(".v").next().unwrap_or(last).trim_start_matches("go-")
}

/// What a `go.mod` requires, without what comes with it.
fn required(path: &str, text: &str) -> Vec<Need> {
    let need = |(number, line): (u32, &str)| {
        let line = line.trim().trim_start_matches("require ").trim();
        let (module, version) = line.split_once(' ')?;
        let required = version.starts_with('v') && !line.ends_with("// indirect");
        let name = modules::outside(module);
        required.then(|| Need { name, path: path.to_owned(), line: number })
    };
    (1..).zip(text.lines()).filter_map(need).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_called_by_the_last_part_of_their_path() {
        let names =
            ["net/http", "github.com/x/echo/v4", "gopkg.in/yaml.v3", "github.com/x/go-redis"];
        assert_eq!(names.map(usual_name), ["http", "echo", "yaml", "redis"]);
        let text = "module m\nrequire github.com/x/echo/v4 v4.1.0\nrequire (\n\tgopkg.in/yaml.v3 v3.0.1\n\ta.b/c v1.0.0 // indirect\n)\n";
        let needs: Vec<_> =
            required("go.mod", text).into_iter().map(|n| (n.name, n.line)).collect();
        assert_eq!(
            needs,
            [("github.com/x/echo".to_owned(), 2), ("gopkg.in/yaml.v3".to_owned(), 4)]
        );
    }
}
