//! Mistakes of a user: one clear error each, and nothing left behind.

use std::fs;
use std::path::PathBuf;

use crate::support::{Scratch, archlearn, write_crate};

/// The program's error; it must come before anything is started or written.
fn refused(scratch: &Scratch, arguments: &[&str]) -> String {
    let before = entries(scratch);
    let mut command = archlearn(scratch, arguments);
    command.env("PGFLOW_DATA_DIR", scratch.path("postgres")).env_remove("DATABASE_URL");
    let output = command.output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.matches("error: ").count(), 1, "{text}");
    assert!(output.stdout.is_empty(), "nothing for a script to read");
    assert_eq!(entries(scratch), before, "nothing is left behind");
    text
}

fn entries(scratch: &Scratch) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(&scratch.0)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

fn check(scratch: &Scratch, arguments: &[&str], expected: &[&str]) {
    let text = refused(scratch, arguments);
    for words in expected {
        assert!(text.contains(words), "{words:?} in {text}");
    }
}

#[test]
fn learn_tells_what_it_cannot_learn_from() {
    let scratch = Scratch::new("mistakes");
    let path = |name: &str| scratch.path(name).to_str().expect("a plain path").to_owned();
    fs::create_dir_all(path("empty")).expect("a directory");
    fs::create_dir_all(path("python/src")).expect("a directory");
    fs::write(path("python/src/app.py"), "print()").expect("a file");
    fs::create_dir_all(path("hollow")).expect("a directory");
    fs::write(path("hollow/Cargo.toml"), "[package]\nname = \"hollow\"\n").expect("a file");
    let nothing = ["no Rust codebase in `", "give a directory that holds a `Cargo.toml`"];
    for name in ["empty", "python", "hollow"] {
        check(&scratch, &["learn", &path(name)], &nothing);
    }
    check(
        &scratch,
        &["learn", &path("absent")],
        &["cannot read `", "absent`; check that it exists"],
    );
    let file = path("python/src/app.py");
    check(&scratch, &["learn", &file], &["app.py` is not a directory; give the directory"]);
}

#[test]
fn cuda_without_a_gpu_is_refused_before_anything_starts() {
    if architecture_learning::model::probe_cuda().is_ok() {
        eprintln!("skipped: there is a GPU");
        return;
    }
    let scratch = Scratch::new("no-gpu");
    write_crate(&scratch.path("some"), "some", |i| format!("part{i}"));
    let some = scratch.path("some");
    let some = some.to_str().expect("a plain path");
    check(
        &scratch,
        &["learn", some, "--device", "cuda"],
        &["device `cuda` cannot be used: ", "use `--device cpu`"],
    );
}

#[test]
fn a_bad_variable_is_told_before_anything_starts() {
    let scratch = Scratch::new("variable");
    let mut command = archlearn(&scratch, &["learn", "nowhere"]);
    let output = command.env("ARCHITECTURE_WORKFLOW_CONCURRENCY", "two").output().expect("starts");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: ARCHITECTURE_WORKFLOW_CONCURRENCY is `two`; set it to a whole number from 1 to 1000, or leave it unset\n"
    );
}

#[test]
fn classify_tells_what_is_missing() {
    let scratch = Scratch::new("untaught");
    fs::create_dir_all(scratch.path("some")).expect("a directory");
    fs::write(scratch.path("some/Cargo.toml"), "[package]\nname = \"some\"\n").expect("a file");
    fs::create_dir_all(scratch.path("empty")).expect("a directory");
    let path = |name: &str| scratch.path(name).to_str().expect("a plain path").to_owned();
    check(&scratch, &["classify", &path("empty")], &["no source in `", "with Rust, Python"]);
    check(&scratch, &["classify", &path("some/Cargo.toml")], &["is not a directory"]);
}
