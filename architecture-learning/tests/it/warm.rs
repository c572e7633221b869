//! A second look tells what a first one tells, byte for byte, whatever changed in between.

use std::fs;
use std::path::Path;

use crate::support::{Scratch, archlearn};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").filter_map(Result::ok) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a file");
        }
    }
}

/// The answers of a look, with the cache and without.
fn looks(scratch: &Scratch, root: &Path) -> [String; 2] {
    let path = root.to_str().expect("a plain path");
    ["cache", ""].map(|cache| {
        let mut command =
            archlearn(scratch, &["classify", path, "--json", "-", "--html", "p.html"]);
        if cache.is_empty() {
            command.env("ARCHLEARN_CACHE_DIR", "");
        }
        let output = command.current_dir(scratch.path("")).output().expect("starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let page = fs::read_to_string(scratch.path("p.html")).expect("a page");
        String::from_utf8_lossy(&output.stdout).into_owned() + &page
    })
}

#[test]
fn a_second_look_tells_what_a_first_one_tells() {
    let scratch = Scratch::new("warm");
    let root = scratch.path("code");
    let discovery = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/discovery");
    copy(&discovery, &root.join("src"));
    fs::write(root.join("Cargo.toml"), "[package]\nname = \"code\"\n").expect("a manifest");
    fs::copy(discovery.with_extension("rs"), root.join("src/lib.rs")).expect("a root");
    let path = |name: &str| root.join("src").join(name);
    let append = |name: &str, text: &str| {
        let before = fs::read_to_string(path(name)).unwrap_or_default();
        fs::write(path(name), before + text).expect("a file");
    };
    let changes: [(&str, &dyn Fn()); 7] = [
        ("a first look", &|| ()),
        ("a word", &|| append("walk.rs", "pub fn connect(socket: TcpStream) {}\n")),
        ("a dependency", &|| append("signs.rs", "use crate::walk::walk;\nfn f() { walk() }\n")),
        ("a file beside", &|| {
            append("rust/store.rs", "pub struct Database;\nimpl Database { fn query() {} }\n");
            append("rust.rs", "mod store;\n");
        }),
        ("a file that is gone", &|| fs::remove_file(path("go/marks.rs")).expect("a file")),
        ("a name", &|| fs::rename(path("rust/store.rs"), path("rust/error.rs")).expect("a file")),
        ("a package", &|| {
            fs::write(root.join("Cargo.toml"), "[package]\nname = \"extract-tool\"\n")
                .expect("a manifest");
        }),
    ];
    let mut told = Vec::new();
    for (name, change) in changes {
        change();
        let [warm, cold] = looks(&scratch, &root);
        assert!(warm == cold, "{name}: a second look tells something else");
        told.push(cold);
    }
    let before = told.len();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), before, "each change shows");
}
