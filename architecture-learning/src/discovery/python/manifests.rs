//! What a Python package declares: `pyproject.toml`, `requirements.txt`, `setup.cfg`, `Pipfile`. What `setup.py` would
//! compute is left alone.

use toml::{Table, Value};

use super::Python;
use crate::discovery::detect::place;
use crate::discovery::dialect::{Dialect, Facts, Need};
use crate::discovery::generated::beside_the_product;
use crate::discovery::portion::Portion;
use crate::discovery::{Evidence, FileKind};
use crate::language::{base_name, directory};

/// Tables of a `pyproject.toml` that name programs.
const SCRIPTS: [&str; 3] = ["project.scripts", "project.gui-scripts", "tool.poetry.scripts"];

/// Packages outside, of all manifests.
pub(super) fn needs(portion: &Portion<'_>) -> Vec<Need> {
    let of = |(path, text): &(&str, &str)| -> Vec<Need> {
        let names = match base_name(path) {
            "pyproject.toml" => from_pyproject(text),
            "Pipfile" => from_table(text, &["packages"]),
            "requirements.txt" => text.lines().filter_map(requirement).collect(),
            "setup.cfg" => from_setup(text),
            _ => Vec::new(),
        };
        let need = |name: String| {
            let line = line_of(text, &name);
            Need { name, path: (*path).to_owned(), line }
        };
        names.into_iter().map(need).collect()
    };
    portion.manifests.iter().flat_map(of).collect()
}

/// Packages with console scripts, else files at the root that begin as programs.
pub(super) fn programs(portion: &Portion<'_>, facts: &[Facts]) -> Vec<Evidence> {
    let scripts = |(path, text): &(&str, &str)| {
        let line = match base_name(path) {
            "pyproject.toml" => scripts(text)?,
            "setup.cfg" | "setup.py" => line_with(text, "console_scripts")?,
            _ => return None,
        };
        Some(place(path, line, "builds a program"))
    };
    let declared: Vec<_> = portion.manifests.iter().filter_map(scripts).collect();
    if !declared.is_empty() {
        return declared;
    }
    let begins = |(path, facts): (&String, &Facts)| {
        let serves = ["FastAPI()", "Flask()", "Quart()", "Starlette()", "Sanic()"];
        let line = serves.iter().find_map(|sign| facts.signs.get(*sign)).copied();
        let outer = directory(path).is_empty() && !path.starts_with("setup");
        let line = line.or(facts.begins.filter(|_| outer))?;
        let test = Python.kind(path, facts) == FileKind::Test;
        let product = !test && beside_the_product(path).is_none();
        product.then(|| place(path, line, "begins as a program"))
    };
    portion.sources.iter().zip(facts).find_map(begins).into_iter().collect()
}

/// Where a `pyproject.toml` says which scripts are installed with it.
fn scripts(text: &str) -> Option<u32> {
    let table = text.parse::<Table>().ok()?;
    let declared = SCRIPTS.iter().find(|path| {
        let mut keys = path.split('.');
        let first = keys.next().and_then(|key| table.get(key));
        keys.try_fold(first, |value, key| Some(value?.get(key))).flatten().is_some()
    })?;
    let last = declared.rsplit('.').next().unwrap_or(declared);
    let header = line_with(text, &format!("[{declared}]"));
    Some(header.or_else(|| line_with(text, last)).unwrap_or(1))
}

fn line_with(text: &str, mark: &str) -> Option<u32> {
    (1..).zip(text.lines()).find(|(_, line)| line.contains(mark)).map(|(n, _)| n)
}

fn from_pyproject(text: &str) -> Vec<String> {
    let Ok(table) = text.parse::<Table>() else { return Vec::new() };
    let listed = table.get("project").and_then(|p| p.get("dependencies")).and_then(Value::as_array);
    let listed = listed.into_iter().flatten().filter_map(Value::as_str).filter_map(requirement);
    listed.chain(from_table(text, &["tool", "poetry", "dependencies"])).collect()
}

/// The keys of a table.
fn from_table(text: &str, path: &[&str]) -> Vec<String> {
    let Ok(table) = text.parse::<Table>() else { return Vec::new() };
    let found = path.iter().try_fold(&table, |table, key| table.get(*key)?.as_table());
    let keys = found.into_iter().flat_map(Table::keys);
    keys.filter_map(|key| requirement(key)).filter(|name| name != "python").collect()
}

/// The indented lines below `install_requires`.
fn from_setup(text: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| !line.starts_with("install_requires")).skip(1);
    lines.take_while(|line| line.starts_with([' ', '\t'])).filter_map(requirement).collect()
}

/// The name in a requirement, as code imports it.
fn requirement(line: &str) -> Option<String> {
    let line = line.trim();
    let end = line.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')));
    let name = &line[..end.unwrap_or(line.len())];
    let named = name.starts_with(|c: char| c.is_alphanumeric());
    named.then(|| name.to_lowercase().replace('-', "_"))
}

fn line_of(text: &str, name: &str) -> u32 {
    let names = |line: &str| line.to_lowercase().replace('-', "_").contains(name);
    // the name of the package itself may hold it too
    let plain = |line: &str| !line.trim_start().starts_with("name");
    (1..).zip(text.lines()).find(|(_, line)| plain(line) && names(line)).map_or(1, |(n, _)| n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_names_as_code_imports_them() {
        assert_eq!(
            requirement("  Typing-Extensions[x] >= 4 ; a").as_deref(),
            Some("typing_extensions")
        );
        assert_eq!(requirement("# comment"), None);
        assert_eq!(requirement("-r base.txt"), None);
        let text = "[project]\nname = \"flask-shop\"\ndependencies = [\n  \"Flask>=2\",\n]\n";
        assert_eq!(from_pyproject(text), ["flask"]);
        assert_eq!(line_of(text, "flask"), 4);
        assert_eq!(
            from_setup("[options]\ninstall_requires =\n  click\n  rich>=1\n[x]\n"),
            ["click", "rich"]
        );
    }
}
