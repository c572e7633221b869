//! The shape of the code itself: layers, and the table of behaviours.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::visit::Visit;

/// The modules of `pgflow-core`, bottom up. A module names modules of its own line or of lines before it.
const LAYERS: &[&[&str]] = &[
    &[
        "payload", "failure", "spec", "env", "traits", "builtins", "path", "record", "redact",
        "probe", "slice",
    ],
    &["definition"],
    &["lifecycle"],
    &["store"],
    &["embedded"],
    &[
        "registry", "schedule", "trigger", "trace", "spans", "logs", "observe", "metrics",
        "context", "batch", "stubs",
    ],
    &["client", "worker"],
    &["otlp"],
    &["testing", "private"],
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|line| line.contains(&module))
}

/// The top-level modules that a file names through `crate::`.
#[derive(Default)]
struct Named(BTreeSet<String>);

impl Visit<'_> for Named {
    fn visit_use_tree(&mut self, tree: &syn::UseTree) {
        if let syn::UseTree::Path(path) = tree
            && path.ident == "crate"
        {
            self.first_of(&path.tree);
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let mut segments = path.segments.iter();
        if segments.next().is_some_and(|s| s.ident == "crate")
            && let Some(module) = segments.next()
        {
            self.0.insert(module.ident.to_string());
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, module: &syn::ItemMod) {
        // tests of a lower layer may look from above
        if module.ident != "tests" {
            syn::visit::visit_item_mod(self, module);
        }
    }
}

impl Named {
    fn first_of(&mut self, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => _ = self.0.insert(path.ident.to_string()),
            syn::UseTree::Name(name) => _ = self.0.insert(name.ident.to_string()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.first_of(tree)),
            syn::UseTree::Rename(rename) => _ = self.0.insert(rename.ident.to_string()),
            syn::UseTree::Glob(_) => {}
        }
    }
}

#[test]
fn a_module_names_only_modules_of_its_own_or_a_lower_layer() {
    let source = root().join("pgflow-core/src");
    let mut breaches = Vec::new();
    for file in rust_files(&source) {
        let relative = file.strip_prefix(&source).unwrap().with_extension("");
        let module = relative.iter().next().unwrap().to_string_lossy().into_owned();
        if module == "lib" {
            continue;
        }
        let own = layer(&module).unwrap_or_else(|| panic!("`{module}` has no layer; give it one"));
        let mut named = Named::default();
        named.visit_file(&syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap());
        let higher = named.0.iter().filter(|name| layer(name).is_some_and(|l| l > own));
        breaches.extend(higher.map(|name| format!("{} names `{name}`", file.display())));
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

/// Each file of a folder as the path of its module, with its text.
fn modules(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = root().join(folder);
    let module = |file: PathBuf| {
        let path = file.strip_prefix(&folder).unwrap().with_extension("");
        (path, fs::read_to_string(file).unwrap())
    };
    rust_files(&folder).into_iter().map(module).collect()
}

/// Whether a text has a test of this name, in its own words or as a line of a macro that makes tests.
fn has_test(text: &str, name: &str) -> bool {
    text.lines().map(str::trim_start).any(|line| {
        let rest = line.strip_prefix("async ").unwrap_or(line);
        let named = rest.strip_prefix("fn ").and_then(|rest| rest.strip_prefix(name));
        named.is_some_and(|rest| rest.starts_with('('))
            || line.strip_prefix(name).is_some_and(|rest| rest.starts_with(": "))
    })
}

#[test]
fn every_behaviour_names_tests_that_exist() {
    let known = [modules("tests/it"), modules("pgflow-core/src")].concat();
    let table = fs::read_to_string(root().join("tests/it/behaviours.md")).unwrap();
    let heads = ["| No. ", "|---"];
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with('|') && !heads.iter().any(|head| line.starts_with(head)))
        .collect();
    let first: BTreeSet<&str> = rows.iter().filter_map(|row| row.split(' ').nth(1)).collect();
    let numbers = (1..=60).map(|n| n.to_string()).chain((4..=26).map(|n| format!("D{n}")));
    let absent: Vec<String> = numbers.filter(|n| !first.contains(n.as_str())).collect();
    assert!(absent.is_empty(), "no row for {absent:?}");
    let mut missing = Vec::new();
    for row in &rows {
        let tests = row.rsplit('|').nth(1).unwrap();
        let mut paths = tests.split('`').skip(1).step_by(2).peekable();
        if paths.peek().is_none() {
            missing.push(*row);
        }
        for path in paths {
            let there = path.rsplit_once("::").is_some_and(|(module, name)| {
                let module: PathBuf = module.split("::").collect();
                known.iter().any(|(of, text)| of.ends_with(&module) && has_test(text, name))
            });
            if !there {
                missing.push(path);
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn no_two_examples_have_a_workflow_of_one_name() {
    let mut first = BTreeMap::new();
    let mut twice = Vec::new();
    for file in rust_files(&root().join("examples")) {
        for item in syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap().items {
            let syn::Item::Fn(function) = item else { continue };
            let is_workflow = function.attrs.iter().any(|a| a.path().is_ident("workflow"));
            let name = function.sig.ident.to_string();
            if is_workflow && let Some(other) = first.insert(name.clone(), file.clone()) {
                twice.push(format!("`{name}`: {} and {}", other.display(), file.display()));
            }
        }
    }
    // they run in one database, where a name and version mean one shape
    assert!(twice.is_empty(), "{}", twice.join("\n"));
    assert!(first.len() > 5, "{first:?}");
}

#[test]
fn the_engine_reads_no_clock_but_the_databases() {
    let mut breaches = Vec::new();
    for file in rust_files(&root().join("pgflow-core/src")) {
        let text = fs::read_to_string(&file).unwrap();
        if text.contains("SystemTime::now") || text.contains("UNIX_EPOCH.elapsed") {
            breaches.push(format!("{} reads the host's clock", file.display()));
        }
    }
    let migrations = root().join("pgflow-core/migrations");
    let folders = ["clock", "log", "retention", "run", "stats", "task", "workflow"]
        .map(|noun| root().join("pgflow-core/sql").join(noun));
    for file in folders.iter().chain([&migrations]).flat_map(|folder| fs::read_dir(folder).unwrap())
    {
        let path = file.unwrap().path();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let code = line.split("--").next().unwrap_or_default();
            // the clock itself, and when the schema was made
            let exempt = code.contains("function pgflow.clock")
                || code.contains("pgflow.virtual_time")
                || code.contains("created_at      timestamptz");
            if (code.contains("now()") || code.contains("current_timestamp")) && !exempt {
                breaches.push(format!("{}: {line}", path.display()));
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}
