//! What a `package.json` declares, and JSON as `tsconfig.json` writes it.

use serde_json::Value;

use crate::discovery::Evidence;
use crate::discovery::detect::place;
use crate::discovery::dialect::Need;
use crate::discovery::portion::Portion;

/// Of what is needed only to develop, these tell how the product is built.
const BUILDERS: [&str; 9] = [
    "vite",
    "webpack",
    "rollup",
    "svelte",
    "@sveltejs/kit",
    "nuxt",
    "next",
    "electron",
    "@angular/cli",
];

/// Packages outside, of all manifests.
pub(super) fn needs(portion: &Portion<'_>) -> Vec<Need> {
    let of = |(path, text, value): (&str, &str, Value)| -> Vec<Need> {
        let names = |key: &str| -> Vec<String> {
            let table = value.get(key).and_then(Value::as_object);
            table.into_iter().flatten().map(|(name, _)| name.clone()).collect()
        };
        let product = [names("dependencies"), names("peerDependencies")].concat();
        let building =
            names("devDependencies").into_iter().filter(|n| BUILDERS.contains(&n.as_str()));
        let need = |name: String| {
            let line = line_of(text, &name);
            Need { name, path: path.to_owned(), line }
        };
        product.into_iter().chain(building).map(need).collect()
    };
    packages(portion).flat_map(of).collect()
}

/// Packages that have a program or that can be started.
pub(super) fn programs(portion: &Portion<'_>) -> Vec<Evidence> {
    let program = |(path, text, value): (&str, &str, Value)| {
        let script = |name: &str| value.get("scripts").and_then(|s| s.get(name)).is_some();
        let private = value.get("private") == Some(&Value::Bool(true));
        let key = if value.get("bin").is_some() {
            "bin"
        } else if script("start") {
            "start"
        } else if script("dev") && private && value.get("workspaces").is_none() {
            "dev"
        } else {
            return None;
        };
        Some(place(path, line_of(text, key), "builds a program"))
    };
    packages(portion).filter_map(program).collect()
}

fn packages<'a>(portion: &'a Portion<'_>) -> impl Iterator<Item = (&'a str, &'a str, Value)> {
    let own = portion.manifests.iter().filter(|(path, _)| path.ends_with("package.json"));
    own.filter_map(|(path, text)| Some((*path, *text, serde_json::from_str(text).ok()?)))
}

fn line_of(text: &str, key: &str) -> u32 {
    let quoted = format!("\"{key}\"");
    let keys = |line: &str| {
        let after = line.split_once(&quoted).map(|(_, after)| after.trim_start());
        after.is_some_and(|after| after.starts_with(':'))
    };
    (1..).zip(text.lines()).find(|(_, line)| keys(line)).map_or(1, |(n, _)| n)
}

/// The strings of a list.
pub(super) fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// JSON with comments and commas before a closing bracket.
pub(super) fn lenient(text: &str) -> Option<Value> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = if c == '"' {
            let end = string_end(rest);
            plain.push_str(&rest[..end]);
            end
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else {
            if matches!(c, '}' | ']') && plain.trim_end().ends_with(',') {
                plain.truncate(plain.trim_end().len() - 1);
            }
            plain.push(c);
            c.len_utf8()
        };
        rest = &rest[taken..];
    }
    serde_json::from_str(&plain).ok()
}

/// Where the string at the beginning of `text` ends.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_are_no_hindrance() {
        let text = "{ // base\n \"a\": [\"@/*\", \"x // y\",], /* b */ \"c\": \"\\\"\", }";
        let value = lenient(text).unwrap_or_default();
        assert_eq!(strings(&value["a"]), ["@/*", "x // y"]);
        assert_eq!(value["c"], "\"");
        assert_eq!(lenient("{"), None);
    }
}
