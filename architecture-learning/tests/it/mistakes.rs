//! Mistakes of a user: one clear error each, and nothing left behind.

use std::fs;

use crate::support::{Scratch, archlearn, error, write_crate};

#[test]
fn mistakes_are_told_with_what_to_do() {
    let scratch = Scratch::new("mistakes");
    let empty = scratch.path("empty");
    fs::create_dir_all(&empty).expect("a directory");
    let empty = empty.to_str().expect("a plain path");
    let nothing = error(&archlearn(&scratch, &["learn", empty]));
    assert!(nothing.contains("no Rust codebase in") && nothing.contains("Cargo.toml"), "{nothing}");
    write_crate(&scratch.path("some"), "some", |i| format!("part{i}"));
    let some = scratch.path("some");
    let untaught = error(&archlearn(&scratch, &["classify", some.to_str().expect("a plain path")]));
    assert!(untaught.contains("run `archlearn learn` first"), "{untaught}");
}
