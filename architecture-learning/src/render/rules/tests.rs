//! The forms that the tools accepted.

use serde_json::json;

use super::{RulesFor, written};
use crate::architecture::Architecture;
use crate::discovery::FileKind;
use crate::language::base_name;

/// Layers of parts, each a name and a path; each part depends on those of the layer below, and the last on the first.
fn architecture(layers: &[&[(&str, &str)]]) -> Architecture {
    let parts: Vec<_> = layers.concat();
    let place = |name: &str| parts.iter().position(|(n, _)| *n == name).expect("a part");
    let part = |(name, path): &(&str, &str)| json!({ "name": name, "path": path, "files": 1, "lines": 1, "roles": [] });
    let link = |from: usize, to: usize| json!({ "from": from, "to": to, "edges": 1, "path": "", "line": 1, "target": "" });
    let mut links = Vec::new();
    for pair in layers.windows(2) {
        for (from, _) in pair[0] {
            links.extend(pair[1].iter().map(|(to, _)| link(place(from), place(to))));
        }
    }
    links.push(link(parts.len() - 1, 0));
    let numbers: Vec<Vec<_>> =
        layers.iter().map(|layer| layer.iter().map(|(name, _)| place(name)).collect()).collect();
    serde_json::from_value(json!({
        "style": { "headline": "", "reasons": [] },
        "parts": parts.iter().map(part).collect::<Vec<_>>(),
        "links": links,
        "layering": {
            "layers": numbers, "apart": [], "edges": links.len(), "down": 1.0,
            "upward": [{ "link": links.len() - 1, "against": 0 }],
        },
        "violations": [], "names": [], "patterns": [],
        "blind": {
            "abstained": 0, "macros": 0, "cfgs": 0, "unresolved": 0,
            "broken": [], "dead": [], "generated": 0, "unread": [],
        },
    }))
    .expect("an architecture")
}

fn rules(layers: &[&[(&str, &str)]], files: &[&str], tool: RulesFor) -> Result<String, String> {
    let kind = |path: &str| match base_name(path) {
        "lib.rs" => FileKind::CrateRoot,
        "main.rs" => FileKind::EntryPoint,
        _ => FileKind::Module,
    };
    let files: Vec<_> = files.iter().map(|path| (*path, kind(path))).collect();
    written(&architecture(layers), &files, tool).map_err(|e| e.to_string())
}

#[test]
fn crawk_knows_modules_by_their_path_below_the_crate_root() {
    let layers: &[&[_]] = &[&[("app/draw", "app/draw")], &[("app/cli/args", "app/cli/args")]];
    let files = ["app/lib.rs", "app/draw.rs", "app/cli/args.rs", "build.rs"];
    let text = rules(layers, &files, RulesFor::Crawk).expect("rules");
    assert!(text.contains("order = [\"draw\", \"cli::args\"]"), "{text}");
    assert!(text.parse::<toml::Table>().is_ok(), "{text}");
}

#[test]
fn crawk_takes_one_crate() {
    let layers: &[&[_]] = &[&[("api/http", "api/src/http")], &[("core/store", "core/src/store")]];
    let files = ["api/src/lib.rs", "api/src/http.rs", "core/src/lib.rs", "core/src/store.rs"];
    let told = rules(layers, &files, RulesFor::Crawk).expect_err("two crates");
    assert!(told.ends_with("give the directory of one of them: api, core"), "{told}");
    let text = rules(layers, &files, RulesFor::Rustqual).expect("rustqual takes workspaces");
    assert!(text.contains("[architecture.layers.layer2]\npaths = [\"api/src/http.rs\""), "{text}");
}

const PACKAGE: &[&[(&str, &str)]] =
    &[&[("shop/web", "src/shop/web"), ("setup", "setup")], &[("shop/store", "src/shop/store")]];
const PACKAGE_FILES: [&str; 3] = ["src/shop/web/app.py", "src/shop/store.py", "setup.py"];

#[test]
fn import_linter_is_given_the_package_and_no_single_file() {
    let text = rules(PACKAGE, &PACKAGE_FILES, RulesFor::ImportLinter).expect("rules");
    let wanted = "[importlinter]\nroot_package = shop\n\n[importlinter:contract:layers]\nname = Learnt layers\ntype = layers\nlayers =\n    shop.web\n    shop.store\n";
    assert!(text.ends_with(wanted), "{text}");
}

#[test]
fn import_linter_is_given_several_packages() {
    let layers: &[&[_]] = &[&[("web", "web")], &[("store/sql", "store/sql")]];
    let files = ["web/app.py", "store/sql.py"];
    let text = rules(layers, &files, RulesFor::ImportLinter).expect("rules");
    assert!(text.contains("root_packages =\n    store\n    web\n\n"), "{text}");
}

#[test]
fn tach_knows_where_imports_begin_and_what_points_up_is_not_allowed() {
    let text = rules(PACKAGE, &PACKAGE_FILES, RulesFor::Tach).expect("rules");
    let table: toml::Table = text.parse().expect("TOML");
    assert_eq!(table["source_roots"].to_string(), "[\".\", \"src\"]");
    let modules = table["modules"].as_array().expect("modules");
    let told: Vec<_> =
        modules.iter().map(|m| (m["path"].as_str(), m["depends_on"].to_string())).collect();
    let wanted = [
        (Some("shop.web"), "[\"shop.store\"]".to_owned()),
        (Some("setup"), "[\"shop.store\"]".to_owned()),
        (Some("shop.store"), "[]".to_owned()),
    ];
    assert_eq!(told, wanted);
}

#[test]
fn dependency_cruiser_matches_paths_from_the_start_and_to_the_letter() {
    let layers: &[&[_]] = &[&[("app/[id]", "src/app/[id]")], &[("lib/a.b", "src/lib/a.b")]];
    let files = ["src/app/[id]/page.tsx", "src/lib/a.b.ts"];
    let text = rules(layers, &files, RulesFor::DependencyCruiser).expect("rules");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let rule = &json["forbidden"][0];
    assert_eq!(rule["from"]["path"], r"^(src/lib/a\.b)(/|\.|$)");
    assert_eq!(rule["to"]["path"], r"^(src/app/\[id\])(/|\.|$)");
    assert_eq!(json["options"]["tsPreCompilationDeps"], true);
}

#[test]
fn a_tool_for_another_language_and_code_without_layers_are_refused() {
    let layers: &[&[_]] = &[&[("a", "src/a")], &[("b", "src/b")]];
    let files = ["src/lib.rs", "src/a.rs", "src/b.rs"];
    let told = rules(layers, &files, RulesFor::Tach).expect_err("Rust");
    assert!(told.starts_with("`tach` checks Python, of which there is none here"), "{told}");
    let told = rules(&layers[..1], &files, RulesFor::Crawk).expect_err("one layer");
    assert!(told.starts_with("no layers to write for `crawk`"), "{told}");
}
