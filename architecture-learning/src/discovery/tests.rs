use super::*;
use std::fs;

/// A codebase of the given files in a directory of its own, gone at the end.
struct Sample(std::path::PathBuf);

impl Sample {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root =
            std::env::temp_dir().join(format!("archlearn-discovery-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        Self(root)
    }

    fn scan(&self) -> Shard {
        scan(&Codebase::open(&self.0).expect("a codebase")).expect("a shard")
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn edges(shard: &Shard) -> Vec<(&str, &str, EdgeKind)> {
    let path = |i: u32| shard.files[i as usize].path.as_str();
    shard.edges.iter().map(|e| (path(e.from), path(e.to), e.kind)).collect()
}

#[test]
fn re_exports_globs_and_super_are_followed_to_the_defining_file() {
    let sample = Sample::new(
        "follow",
        &[
            ("Cargo.toml", "[package]\nname = \"it\"\n"),
            ("src/lib.rs", "mod a;\nmod b;\npub mod prelude { pub use crate::b::deep::Deep; }\n"),
            ("src/a.rs", "use crate::prelude::*;\nfn f(_: Deep) { super::b::Thing::new(); }\n"),
            ("src/b/mod.rs", "pub mod deep;\nmod thing;\npub use thing::Thing;\n"),
            ("src/b/deep.rs", "pub struct Deep;\n"),
            ("src/b/thing.rs", "pub struct Thing;\n"),
            ("src/dead.rs", "pub fn nobody() {}\n"),
        ],
    );
    let shard = sample.scan();
    let edges = edges(&shard);
    assert!(edges.contains(&("src/a.rs", "src/b/thing.rs", EdgeKind::Path)), "{edges:#?}");
    assert!(edges.contains(&("src/b/mod.rs", "src/b/thing.rs", EdgeKind::ReExport)), "{edges:#?}");
    assert!(edges.contains(&("src/lib.rs", "src/b/deep.rs", EdgeKind::ReExport)), "{edges:#?}");
    let dead = shard.files.iter().find(|f| f.path == "src/dead.rs").map(|f| f.kind);
    assert_eq!(dead, Some(FileKind::Dead));
}

#[test]
fn members_of_a_workspace_see_each_other() {
    let sample = Sample::new(
        "members",
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"x\", \"y-lib\"]\n"),
            ("x/Cargo.toml", "[package]\nname = \"x\"\n[dependencies]\nclap = \"4\"\n"),
            ("x/src/main.rs", "mod cli;\nfn main() {}\n"),
            (
                "x/src/cli.rs",
                "use clap::Parser;\nuse std::net::TcpStream;\nuse y_lib::part::Part;\n",
            ),
            ("y-lib/Cargo.toml", "[package]\nname = \"y-lib\"\n"),
            ("y-lib/src/lib.rs", "pub mod part;\n"),
            ("y-lib/src/part.rs", "pub struct Part;\n"),
        ],
    );
    let shard = sample.scan();
    assert!(edges(&shard).contains(&("x/src/cli.rs", "y-lib/src/part.rs", EdgeKind::Use)));
    let cli = shard.files.iter().find(|f| f.path == "x/src/cli.rs").expect("cli");
    assert_eq!(cli.dependencies.iter().collect::<Vec<_>>(), ["clap", "std::net"]);
    assert!(shard.application);
    let clap = shard.patterns.iter().find(|p| p.name == "clap").expect("the pattern");
    assert_eq!((clap.evidence[0].path.as_str(), clap.evidence[0].line), ("x/Cargo.toml", 4));
}

#[test]
fn a_shard_is_keyed_by_content() {
    let sample = Sample::new(
        "key",
        &[("Cargo.toml", "[package]\nname = \"k\"\n"), ("src/lib.rs", "fn a() {}\n")],
    );
    let data = DataDir::at(sample.0.join("target/data"));
    let codebase = Codebase::open(&sample.0).expect("a codebase");
    let first = discover(&data, &codebase, &mut Unobserved).expect("a shard");
    let again = discover(&data, &codebase, &mut Unobserved).expect("a shard");
    assert!(!first.known && again.known);
    assert_eq!(first.shard, again.shard);
    fs::write(sample.0.join("src/lib.rs"), "fn b() {}\n").expect("a file");
    assert_ne!(discover(&data, &codebase, &mut Unobserved).expect("a shard").shard, first.shard);
}

/// Wants no more after so many files.
struct Patience(usize);

impl Observer for Patience {
    fn progress(&mut self, done: usize, total: usize, _note: &str) {
        assert!(done < total);
        self.0 = self.0.saturating_sub(1);
    }

    fn cancelled(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn discovery_stops_between_two_files() {
    let files =
        [("Cargo.toml", "[package]\nname = \"s\"\n"), ("src/lib.rs", "mod a;"), ("src/a.rs", "")];
    let sample = Sample::new("stop", &files);
    let data = DataDir::at(sample.0.join("target/data"));
    let codebase = Codebase::open(&sample.0).expect("a codebase");
    for patience in [0, 1] {
        let stopped = discover(&data, &codebase, &mut Patience(patience));
        assert!(matches!(stopped, Err(LearningError::Cancelled)), "{stopped:?}");
    }
    assert!(!data.root().exists(), "half a shard is none");
    assert_eq!(discover(&data, &codebase, &mut Patience(3)).expect("a shard").files, 2);
}

#[test]
fn sources_without_a_manifest_have_roots_and_modules() {
    let files = [
        ("main.rs", "mod a;\nuse a::b::f;"),
        ("a/mod.rs", "pub mod b;"),
        ("a/b.rs", "pub fn f() {}"),
        ("loose.rs", ""),
    ];
    let sample = Sample::new("bare", &files);
    let shard = scan(&Codebase::open_sources(&sample.0).expect("a codebase")).expect("a shard");
    let kinds = shard.files.iter().map(|f| (f.path.as_str(), f.kind)).collect::<Vec<_>>();
    let module = |path| (path, FileKind::Module);
    let root = ("main.rs", FileKind::EntryPoint);
    assert_eq!(kinds, [module("a/b.rs"), module("a/mod.rs"), module("loose.rs"), root]);
    assert!(shard.edges.iter().any(|e| e.kind == EdgeKind::Use), "{:?}", shard.edges);
}

#[test]
fn learning_keeps_to_rust() {
    let files = [
        ("Cargo.toml", "[package]\nname = \"m\"\n"),
        ("src/lib.rs", "mod a;\n"),
        ("src/a.rs", ""),
        ("tool.py", "import tool2\n"),
        ("tool2.py", ""),
    ];
    let sample = Sample::new("learnt", &files);
    let codebase = Codebase::open(&sample.0).expect("a codebase");
    let data = DataDir::at(sample.0.join("target/data"));
    let learnt = discover(&data, &codebase, &mut Unobserved).expect("a shard");
    assert_eq!((learnt.files, scan(&codebase).expect("a shard").files.len()), (2, 4));
    let text = fs::read_to_string(data.shard(&learnt.shard)).expect("the shard");
    assert!(!text.contains("\"language\"") && !text.contains("\"sign\""), "as it always was");
}
