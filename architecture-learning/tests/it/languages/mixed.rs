//! Rust and another language in one codebase: one survey, each told by what can tell it.

use architecture_learning::language::Language;
use serde_json::Value;

use super::Looked;

const BOTH: &[(&str, &str)] = &[
    ("Cargo.toml", "[package]\nname = \"both\"\n[dependencies]\nclap = \"4\"\n"),
    ("src/main.rs", "mod error;\nmod run;\nfn main() { run::go(); }\n"),
    ("src/error.rs", "pub enum Failure { Io, Parse }\n"),
    ("src/run.rs", "use crate::error::Failure;\npub fn go() -> Result<(), Failure> { Ok(()) }\n"),
    ("scripts/deploy.py", "import argparse\nimport hosts\n\nargparse.ArgumentParser()\n"),
    ("scripts/hosts.py", "HOSTS = []\n"),
    ("web/package.json", "{ \"name\": \"web\", \"dependencies\": { \"react\": \"18\" } }\n"),
    ("web/src/App.tsx", "import { Form } from \"./Form\";\nexport const App = () => <Form />;\n"),
    ("web/src/Form.tsx", "export const Form = () => <form />;\n"),
];

#[test]
fn rust_is_told_by_the_model_and_the_rest_by_rules() {
    let both = Looked::at("both", BOTH);
    let languages: Vec<_> =
        both.survey.shard.languages().iter().map(|(l, n, _)| (*l, *n)).collect();
    assert_eq!(languages, [(Language::Rust, 3), (Language::Python, 2), (Language::TypeScript, 2)]);
    both.assert_edges(&[
        ("scripts/deploy.py", &["scripts/hosts.py"]),
        ("src/main.rs", &["src/error.rs", "src/run.rs"]),
        ("src/run.rs", &["src/error.rs"]),
        ("web/src/App.tsx", &["web/src/Form.tsx"]),
    ]);
    let answer: Value =
        serde_json::from_str(&both.told(&["classify", "--json", "-"])).expect("JSON");
    let path = |v: &Value| v["path"].as_str().map(str::to_owned).expect("a path");
    let list =
        |name: &str| answer[name].as_array().expect("a list").iter().map(path).collect::<Vec<_>>();
    assert_eq!(answer["version"], 1);
    assert_eq!(list("files"), ["src/error.rs", "src/run.rs"]);
    assert_eq!(
        list("by_rule"),
        ["scripts/deploy.py", "scripts/hosts.py", "web/src/App.tsx", "web/src/Form.tsx"]
    );
    assert_eq!(list("known"), ["src/main.rs"]);
    assert_eq!(answer["files"][0]["language"], "rust");
    insta::assert_json_snapshot!("by_rule", answer["by_rule"]);
    let text = both.told(&[]);
    for words in [
        "2 Rust modules have a role by the model",
        "(bundled)",
        "3 of 4 Python, TypeScript modules have a role by a framework's code, 0 more by name alone",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    let page = both.told(&["--html", "-"]);
    assert!(page.contains("\"scripts/hosts.py\""), "every file is on the page");
}

/// The Rust of a mixed codebase is told as if it were alone.
#[test]
fn another_language_beside_it_changes_nothing_for_rust() {
    let both = Looked::at("beside", BOTH);
    let rust: Vec<_> = BOTH
        .iter()
        .filter(|(path, _)| path.starts_with("src") || path.starts_with("Cargo"))
        .copied()
        .collect();
    let alone = Looked::at("alone", &rust);
    assert_eq!(both.survey.classification.files, alone.survey.classification.files);
}
