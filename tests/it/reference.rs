//! The pages of `docs/` that speak of the code: what is generated in them is as the code says, and tables are complete.
//!
//! `PGFLOW_UPDATE=1 cargo test --test it reference` writes what is generated.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use syn::visit::Visit;

use crate::tidy::{root, rust_files};

fn parsed(path: &str) -> syn::File {
    syn::parse_file(&fs::read_to_string(root().join(path)).unwrap()).unwrap()
}

/// The lines of a documentation comment.
fn documentation(attributes: &[syn::Attribute]) -> Vec<String> {
    let line = |attribute: &syn::Attribute| {
        let syn::Meta::NameValue(meta) = &attribute.meta else { return None };
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &meta.value else {
            return None;
        };
        meta.path.is_ident("doc").then(|| text.value().trim().to_owned())
    };
    attributes.iter().filter_map(line).collect()
}

/// Its first paragraph, in one line, as a cell of a table.
fn summary(attributes: &[syn::Attribute]) -> String {
    let lines = documentation(attributes);
    let paragraph: Vec<String> = lines.into_iter().take_while(|line| !line.is_empty()).collect();
    // links of rustdoc lead nowhere here
    let text = paragraph.join(" ").replace('|', "\\|");
    let mut parts = text.split("](").enumerate();
    let first = parts.next().map(|(_, part)| part.to_owned()).unwrap_or_default();
    let text = parts.fold(first, |text, (_, part)| {
        text + part.split_once(')').map_or(part, |(_, after)| after)
    });
    text.replace("[`", "`").replace("`]", "`")
}

/// The last table in the documentation of a function or struct.
fn last_table(file: &str, name: &str) -> String {
    let file = parsed(file);
    let attributes = file.items.iter().find_map(|item| match item {
        syn::Item::Fn(function) if function.sig.ident == name => Some(&function.attrs),
        syn::Item::Struct(item) if item.ident == name => Some(&item.attrs),
        _ => None,
    });
    let text = documentation(attributes.unwrap());
    let heading = text.iter().rposition(|line| line.starts_with("|---")).unwrap() - 1;
    let table = text[heading..].iter().take_while(|line| line.starts_with('|'));
    lines(&table.cloned().collect::<Vec<_>>())
}

/// The fenced block in the documentation of a file.
fn first_block(file: &str) -> String {
    let text = documentation(&parsed(file).attrs);
    let start = text.iter().position(|line| line.starts_with("```")).unwrap();
    let end = start + 1 + text[start + 1..].iter().position(|line| line == "```").unwrap();
    lines(&text[start..=end])
}

/// The methods of a builder, each with what it is for.
fn methods(file: &str, of: &str) -> String {
    let is_of = |item: &syn::ItemImpl| {
        item.trait_.is_none()
            && matches!(&*item.self_ty, syn::Type::Path(path) if path.path.is_ident(of))
    };
    let mut rows = vec!["| Method | Means |".to_owned(), "|---|---|".to_owned()];
    for item in parsed(file).items {
        let syn::Item::Impl(item) = item else { continue };
        for function in item.items.iter().filter(|_| is_of(&item)) {
            let syn::ImplItem::Fn(function) = function else { continue };
            let takes_self = matches!(function.sig.inputs.first(), Some(syn::FnArg::Receiver(_)));
            let is_setting = takes_self && function.sig.asyncness.is_none();
            if is_setting && matches!(function.vis, syn::Visibility::Public(_)) {
                let (name, arguments) = (&function.sig.ident, arguments(&function.sig));
                rows.push(format!("| `{name}({arguments})` | {} |", summary(&function.attrs)));
            }
        }
    }
    lines(&rows)
}

fn arguments(signature: &syn::Signature) -> String {
    let names = signature.inputs.iter().filter_map(|argument| match argument {
        syn::FnArg::Typed(syn::PatType { pat, .. }) => match &**pat {
            syn::Pat::Ident(name) => Some(name.ident.to_string()),
            _ => Some("_".into()),
        },
        syn::FnArg::Receiver(_) => None,
    });
    names.collect::<Vec<_>>().join(", ")
}

/// The fields of a struct, each with what it is for.
fn fields(file: &str, of: &str) -> String {
    let mut rows = vec!["| Field | Means |".to_owned(), "|---|---|".to_owned()];
    for item in parsed(file).items {
        let syn::Item::Struct(item) = item else { continue };
        let fields = item.fields.iter().filter(|_| item.ident == of);
        rows.extend(fields.map(|field| {
            format!("| `{}` | {} |", field.ident.as_ref().unwrap(), summary(&field.attrs))
        }));
    }
    lines(&rows)
}

fn lines(rows: &[String]) -> String {
    rows.join("\n") + "\n"
}

fn generated(what: &str) -> String {
    let core = |path: &str| format!("pgflow-core/src/{path}");
    match what {
        "step" | "workflow" => last_table("pgflow-macros/src/lib.rs", what),
        "connect" => methods(&core("client/connect.rs"), "Connect"),
        "worker" => methods(&core("worker.rs"), "WorkerBuilder"),
        "step tuning" => fields(&core("registry.rs"), "StepTuning"),
        "workflow tuning" => fields(&core("registry.rs"), "WorkflowTuning"),
        "alerts" => fields(&core("store/alert.rs"), "AlertRules"),
        "archlearn limits" => last_table("architecture-learning/src/pipeline/limits.rs", "Limits"),
        "archlearn settings" => first_block("architecture-learning/src/settings.rs"),
        other => panic!("nothing generates `{other}`"),
    }
}

/// A page with what is generated in it made anew.
fn regenerated(page: &str) -> String {
    let mut parts = page.split("<!-- generated: ");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        let (what, rest) = part.split_once(" -->").unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        text + &format!("<!-- generated: {what} -->\n\n{}\n<!-- end -->{after}", generated(what))
    })
}

fn page(name: &str) -> (PathBuf, String) {
    let path = root().join("docs").join(name);
    let text = fs::read_to_string(&path).unwrap();
    (path, text)
}

/// The page is as it should be, or is written anew.
fn settle(path: &Path, text: &str, expected: &str) {
    if env::var_os("PGFLOW_UPDATE").is_some() {
        fs::write(path, expected).unwrap();
    } else {
        assert!(text == expected, "{} is old; PGFLOW_UPDATE=1 writes it anew", path.display());
    }
}

#[test]
fn the_metrics_page_has_the_table_of_metrics() {
    let (path, text) = page("metrics.md");
    settle(&path, &text, &pgflow_core::metrics::documentation());
}

#[test]
fn the_configuration_page_is_as_the_code_says() {
    let (path, text) = page("configuration.md");
    let expected = regenerated(&text);
    settle(&path, &text, &expected);
    for row in ["| `timeout = \"90s\"` |", "| `slots(slots)` |", "| `failed_least` |"] {
        assert!(expected.contains(row), "{row}");
    }
}

/// The names in capitals that a file gives to functions that read the environment, or keeps as constants.
#[derive(Default)]
struct Variables(BTreeSet<String>);

impl Visit<'_> for Variables {
    fn visit_lit_str(&mut self, text: &syn::LitStr) {
        let text = text.value();
        let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
        let known =
            ["PGFLOW_", "ARCHLEARN_", "XDG_", "DATABASE_", "CARGO_HOME", "CUDA_", "RUST_", "OTEL_"];
        if text.chars().all(is_name) && known.iter().any(|start| text.starts_with(start)) {
            self.0.insert(text);
        }
    }

    fn visit_item_mod(&mut self, module: &syn::ItemMod) {
        if module.ident != "tests" {
            syn::visit::visit_item_mod(self, module);
        }
    }
}

#[test]
fn the_configuration_page_names_every_variable_that_is_read() {
    let (_, text) = page("configuration.md");
    let mut read = Variables::default();
    for folder in ["src", "pgflow-core/src", "pgflow-cli/src", "architecture-learning/src"] {
        for file in rust_files(&root().join(folder)) {
            read.visit_file(&syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap());
        }
    }
    assert!(read.0.contains("PGFLOW_DATA_DIR"), "{:?}", read.0);
    let missing: Vec<_> =
        read.0.iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What stands in backticks in the first cell of a row.
fn first_cells(text: &str, heading: &str) -> BTreeSet<String> {
    let (_, section) = text.split_once(heading).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned())).collect()
}

/// The codes of `pgflow.why_1`, as it lists them.
fn reasons() -> BTreeSet<String> {
    let sql = fs::read_to_string(root().join("pgflow-core/migrations/0009_why.sql")).unwrap();
    let (_, list) = sql.split_once("--   code     what kind of reason: ").unwrap();
    let (list, _) = list.split_once("--   node").unwrap();
    let codes = list.split(|c: char| !c.is_ascii_lowercase() && c != '_').map(String::from);
    codes.filter(|code| !code.is_empty()).collect()
}

#[test]
fn troubleshooting_names_every_reason_of_why() {
    assert_eq!(first_cells(&page("troubleshooting.md").1, "## What `why` says"), reasons());
}

#[test]
fn every_reason_of_why_has_a_test() {
    let tests = ["why.rs", "why/ready.rs"]
        .map(|file| fs::read_to_string(root().join("tests/it").join(file)).unwrap());
    let named = |code: &String| tests.iter().any(|text| text.contains(&format!("\"{code}\"")));
    let untested: Vec<String> = reasons().into_iter().filter(|code| !named(code)).collect();
    assert!(untested.is_empty(), "{untested:?}");
}

#[test]
fn troubleshooting_names_every_check_of_the_doctor() {
    struct Checks(BTreeSet<String>);
    impl Visit<'_> for Checks {
        fn visit_expr_call(&mut self, call: &syn::ExprCall) {
            if let syn::Expr::Path(path) = &*call.func {
                let name = path.path.segments.last().unwrap().ident.to_string();
                let of_finding = path.path.segments.first().unwrap().ident == "Finding";
                let at = usize::from(name == "or_fine");
                if (of_finding || name == "or_fine")
                    && let Some(syn::Expr::Lit(literal)) = call.args.get(at)
                    && let syn::Lit::Str(check) = &literal.lit
                {
                    self.0.insert(check.value());
                }
            }
            syn::visit::visit_expr_call(self, call);
        }
    }
    let mut checks = Checks(BTreeSet::new());
    checks.visit_file(&parsed("pgflow-core/src/client/doctor.rs"));
    assert!(checks.0.contains("pinned"), "{:?}", checks.0);
    assert_eq!(first_cells(&page("troubleshooting.md").1, "## What the doctor finds"), checks.0);
}

#[test]
fn every_link_between_the_pages_leads_somewhere() {
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        text.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect::<String>()
    };
    let mut broken = Vec::new();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "md") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            // the book has only these pages
            if target.starts_with("../") {
                broken.push(format!("{}: {target} is outside", path.display()));
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path.clone() } else { path.with_file_name(file) };
            let found = fs::read_to_string(&file).is_ok_and(|text| {
                let mut headings = text.lines().filter(|line| line.starts_with('#')).map(anchor);
                heading.is_empty() || headings.any(|known| known == heading)
            });
            let whole = heading.is_empty() && file.exists();
            if !(found || whole) {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
