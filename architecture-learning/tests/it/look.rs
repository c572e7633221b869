//! What a person sees who looks at a codebase: on a small made-up one whose faults are known, and on this crate itself.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{Scratch, archlearn};

/// A codebase of eight commands that use one error module, which uses one of them in turn.
fn write_faulty(root: &Path) {
    fs::create_dir_all(root.join("src/commands")).expect("a directory");
    let put = |path: &str, text: &str| fs::write(root.join(path), text).expect("a file");
    put("Cargo.toml", "[package]\nname = \"faulty\"\n[dependencies]\nclap = \"4\"\n");
    let names: Vec<_> = (0..9).map(|n| format!("c{n}")).collect();
    let modules: Vec<_> = names.iter().map(|n| format!("pub mod {n};\n")).collect();
    put("src/main.rs", "mod commands;\nmod error;\nfn main() {}\n");
    put("src/commands/mod.rs", &modules.concat());
    for name in &names {
        let text = "use crate::error::Failure;\npub fn run() -> Result<(), Failure> { Ok(()) }\n";
        put(&format!("src/commands/{name}.rs"), text);
    }
    put(
        "src/error.rs",
        "use crate::commands::c0::run;\npub struct Failure;\npub fn f() { run(); }\n",
    );
    put("archlearn.toml", "[roles]\n\"src/commands/\" = \"cli\"\n\"src/error.rs\" = \"error\"\n");
}

fn run(scratch: &Scratch, arguments: &[&str]) -> (Output, String) {
    let mut command = archlearn(scratch, arguments);
    let output = command.env_remove("CI").env_remove("GITHUB_ACTIONS").output().expect("starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

pub fn told(scratch: &Scratch, arguments: &[&str]) -> String {
    let (output, text) = run(scratch, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    text
}

pub fn faulty(name: &str) -> (Scratch, String) {
    let scratch = Scratch::new(name);
    write_faulty(&scratch.path("faulty"));
    let path = scratch.path("faulty").to_str().expect("a plain path").to_owned();
    (scratch, path)
}

#[test]
fn the_screen_names_the_largest_cycle_and_what_everything_leans_on() {
    let scratch = Scratch::new("knots");
    let root = scratch.path("ring");
    fs::create_dir_all(root.join("src")).expect("a directory");
    let put = |path: &str, text: &str| fs::write(root.join(path), text).expect("a file");
    put("Cargo.toml", "[package]\nname = \"ring\"\n");
    let names: Vec<_> = (0..13).map(|n| format!("m{n}")).collect();
    let modules: Vec<_> = names.iter().map(|n| format!("pub mod {n};\n")).collect();
    put("src/lib.rs", &(modules.concat() + "pub mod hub;\n"));
    for (n, name) in names.iter().enumerate() {
        let next = format!("use crate::m{}::f as g;\n", (n + 1) % 13);
        // outside the ring of thirteen stands nobody but the hub, which is in it too: it uses and serves all
        put(
            &format!("src/{name}.rs"),
            &format!("{next}use crate::hub::h;\npub fn f() {{ g(); h() }}\n"),
        );
    }
    let uses: Vec<_> = names.iter().map(|n| format!("use crate::{n}::f as {n};\n")).collect();
    let lines = "// a line\n".repeat(1000);
    put("src/hub.rs", &format!("{}pub fn h() {{}}\n{lines}", uses.concat()));
    let text = told(&scratch, &[root.to_str().expect("a plain path")]);
    for words in [
        "14 of 14 modules need each other in one cycle, as src/hub.rs:1 needs src/m0.rs",
        "god module src/hub.rs: 1014 lines, uses 13 files, used by 13",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    let (faulty, path) = faulty("no knots");
    assert!(!told(&faulty, &[&path]).contains("in one cycle"), "two of them are a small one");
}

fn git(directory: &str, arguments: &[&str]) {
    let mut command = Command::new("git");
    let who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let status = command.arg("-C").arg(directory).args(who).args(arguments).output();
    let output = status.expect("git is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn one_screen_tells_style_edges_names_and_what_was_not_seen() {
    let (scratch, path) = faulty("screen");
    let text = told(&scratch, &[&path]);
    for words in [
        "faulty: 11 modules",
        "command-line tool",
        "depends on clap (Cargo.toml:4)",
        "medium src/error.rs:1 → src/commands/c0.rs",
        "against_the_grain: 1 error → cli against 9 the other way",
        "violations 1, pointing up 1",
        "(bundled)",
        "archlearn --html",
        "archlearn --write-baseline",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    assert!(text.lines().count() < 45, "one screen:\n{text}");
    assert!(!scratch.path("data").exists(), "looking leaves nothing behind");
}

#[test]
fn every_form_tells_the_same_violation() {
    let (scratch, path) = faulty("forms");
    let form = |name| told(&scratch, &["classify", &path, "--format", name]);
    let json: Value = serde_json::from_str(&form("json")).expect("JSON");
    assert_eq!(json["version"], 1);
    assert_eq!(json["architecture"]["violations"][0]["from"], "src/error.rs");
    let sarif: Value = serde_json::from_str(&form("sarif")).expect("SARIF");
    let run = &sarif["runs"][0];
    let result = &run["results"][0];
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(result["ruleId"], "against_the_grain");
    let index = usize::try_from(result["ruleIndex"].as_u64().expect("a place")).expect("small");
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "against_the_grain");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/error.rs");
    assert_eq!(place["region"]["startLine"], 1);
    assert!(result["partialFingerprints"]["archlearn/v1"].is_string());
    let line = "::warning file=src/error.rs,line=1,title=against_the_grain::error depends on cli";
    assert!(form("github").starts_with(line));
    let junit = form("junit");
    assert!(junit.contains("tests=\"4\" failures=\"1\""), "{junit}");
    assert!(junit.contains("src/error.rs:1: error depends on cli `src/commands/c0.rs`"), "{junit}");
    let markdown = form("markdown");
    assert!(markdown.contains("| medium | against_the_grain | `src/error.rs:1` |"), "{markdown}");
    for name in ["human", "json", "sarif", "github", "junit", "markdown"] {
        assert_eq!(form(name), form(name), "the same bytes each time");
    }
}

#[test]
fn a_baseline_knows_what_was_there_and_sees_what_is_new() {
    let (scratch, path) = faulty("baseline");
    let text = told(&scratch, &[&path, "--write-baseline"]);
    assert!(text.contains("known 1 (−0 fixed, 0 new)"), "{text}");
    let file = scratch.path("faulty/archlearn-baseline.txt");
    let written = fs::read_to_string(&file).expect("a baseline");
    assert_eq!(
        written.lines().nth(1),
        Some("against_the_grain src/error.rs -> src/commands/c0.rs")
    );
    let error = scratch.path("faulty/src/error.rs");
    let source = fs::read_to_string(&error).expect("a source");
    fs::write(&error, format!("\n\n{source}")).expect("moved");
    assert!(told(&scratch, &[&path]).contains("known 1 (−0 fixed, 0 new)"), "lines do not matter");

    fs::write(&error, source.replace("c0", "c1")).expect("another fault");
    let (output, text) = run(&scratch, &[&path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("known 1 (−1 fixed, 1 new)"), "{text}");
    fs::write(&error, "pub struct Failure;\n").expect("mended");
    assert!(told(&scratch, &[&path]).contains("known 1 (−1 fixed, 0 new)"));
    let (output, _) = run(&scratch, &[&path, "--strict"]);
    assert_eq!(output.status.code(), Some(2), "a stale entry");

    fs::write(&file, "{}").expect("spoiled");
    let (output, _) = run(&scratch, &[&path]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "an unreadable baseline is an error");
    assert!(stderr.contains("archlearn-baseline.txt:1: not a baseline"), "{stderr}");
    let mut command = archlearn(&scratch, &[&path, "--write-baseline"]);
    let output = command.env("CI", "true").output().expect("starts");
    assert!(String::from_utf8_lossy(&output.stderr).contains("never written in CI"));
    assert_eq!(fs::read_to_string(&file).expect("untouched"), "{}");
}

#[test]
fn a_mistake_in_the_settings_names_its_line() {
    let (scratch, path) = faulty("settings");
    fs::write(scratch.path("faulty/archlearn.toml"), "[rules]\n\ncycle = \"of\"\n")
        .expect("a file");
    let (output, _) = run(&scratch, &[&path]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("archlearn.toml:3: unknown variant `of`"), "{stderr}");
    fs::write(scratch.path("faulty/archlearn.toml"), "[rules]\nagainst_the_grain = \"off\"\n")
        .expect("a file");
    assert!(told(&scratch, &[&path]).contains("violations 0"));
}

#[test]
fn a_revision_is_read_from_its_objects() {
    let (scratch, path) = faulty("revision");
    git(&path, &["init", "-q", "-b", "main"]);
    git(&path, &["add", "."]);
    git(&path, &["commit", "-q", "-m", "a"]);
    assert!(told(&scratch, &["diff", "main", "--path", &path]).contains("did not change"));
    let put = |name: &str, text: &str| {
        fs::write(scratch.path("faulty/src").join(name), text).expect("a file");
    };
    put("error.rs", "use crate::commands::c1::run;\npub struct Failure;\npub fn f() { run(); }\n");
    put("other.rs", "use crate::error::Failure;\npub fn f(_: Failure) {}\n");
    put("main.rs", "mod commands;\nmod error;\nmod other;\nfn main() {}\n");
    let text = told(&scratch, &["diff", "main", "--path", &path]);
    for words in [
        "2 new dependencies between parts\n  error → commands/c1  src/error.rs:1  points up\n  other → error  src/other.rs:1\n",
        "1 cycles opened\n  src/commands/c1.rs, src/error.rs",
        "1 cycles closed\n  src/commands/c0.rs, src/error.rs",
        "1 new violations\n  medium src/error.rs:1",
        "1 fixed\n  against_the_grain src/error.rs -> src/commands/c0.rs",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    let (output, text) = run(&scratch, &[&path, "--baseline", "main"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("known 1 (−1 fixed, 1 new)"), "{text}");
    let text = told(&scratch, &["classify", &path, "--affected", "main", "--format", "json"]);
    let json: Value = serde_json::from_str(&text).expect("JSON");
    assert!(json["files"].as_array().expect("files").len() < 12, "only what the change reaches");
    let (output, _) = run(&scratch, &["diff", "--", "--output=x", "--path"]);
    assert!(!output.status.success());
    let (output, _) = run(&scratch, &[&path, "--baseline", "nowhere"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("git knows no revision `nowhere`"));
}

#[test]
fn why_and_explain_give_lines_and_words() {
    let (scratch, path) = faulty("why");
    let why = |from, to| told(&scratch, &["why", from, to, "--path", &path]);
    assert!(why("error", "c0").contains("src/error.rs:1 → src/commands/c0.rs\n      use crate"));
    let way = why("c3", "commands/c0.rs");
    assert!(way.contains("reaches commands/c0.rs over 2 dependencies"), "{way}");
    assert!(why("c3", "c5").contains("c3 does not depend on c5, nor the other way"));
    assert!(why("error", "c3").contains("error does not depend on c3, only the other way"));
    let own = env!("CARGO_MANIFEST_DIR");
    let text = told(&scratch, &["explain", "src/error.rs", "--path", own]);
    for words in ["the model: error ", "counts as: error", "for error: ", "is used by "] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    let (output, _) = run(&scratch, &["explain", "nothing.rs", "--path", &path]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no file or directory `nothing.rs`"));
}

#[test]
fn the_page_stands_alone_and_shows_every_file() {
    let scratch = Scratch::new("page");
    let page = scratch.path("page.html");
    let arguments = ["--html", page.to_str().expect("a plain path"), env!("CARGO_MANIFEST_DIR")];
    told(&scratch, &arguments);
    let text = fs::read_to_string(&page).expect("a page");
    let (_, data) = text.split_once("id=\"data\">").expect("data");
    let (data, _) = data.split_once("</script>").expect("an end");
    let data: Value = serde_json::from_str(data).expect("JSON");
    let files = data["files"].as_array().expect("files");
    assert!(files.iter().any(|f| f[0] == "src/render/html.rs"), "{files:#?}");
    let fetched = ["src=", "href=", "@import", "url(http", "fetch("];
    assert!(fetched.iter().all(|word| !text.contains(word)), "nothing is fetched");
    assert!(text.contains("prefers-color-scheme:dark"));
    assert_eq!(
        text.matches("class=\"part\"").count(),
        data["parts"].as_array().expect("parts").len()
    );
    told(&scratch, &arguments);
    assert_eq!(fs::read_to_string(&page).expect("a page"), text, "the same bytes each time");
}

#[test]
fn rules_and_the_test_of_oneself_speak_of_the_users_code() {
    let (scratch, path) = faulty("rules");
    fs::write(scratch.path("faulty/src/error.rs"), "pub struct Failure;\n").expect("mended");
    let rules = |tool| told(&scratch, &["rules", "--for", tool, &path]);
    assert!(rules("crawk").contains("\"commands::c8\", \"error\"]"), "{}", rules("crawk"));
    for tool in ["crawk", "rustqual"] {
        assert!(rules(tool).parse::<toml::Table>().is_ok(), "{}", rules(tool));
    }
    for tool in ["dependency-cruiser", "import-linter", "tach"] {
        let (output, _) = run(&scratch, &["rules", "--for", tool, &path]);
        assert_eq!(output.status.code(), Some(1), "{tool} reads no Rust");
    }
    let text = told(&scratch, &["selftest", &path]);
    assert!(text.starts_with("9 dependencies turned round, one at a time: 9 found"), "{text}");
}

#[test]
fn a_hostile_codebase_is_told_and_survived() {
    let scratch = Scratch::new("hostile");
    let root = scratch.path("hostile");
    fs::create_dir_all(root.join("src")).expect("a directory");
    let put = |path: &str, text: &[u8]| fs::write(root.join(path), text).expect("a file");
    put("Cargo.toml", b"[package]\nname = \"hostile\"\n");
    put("src/lib.rs", b"mod deep;\nmod latin;\nmod groups;\nmod inline;\nmod huge;\n");
    put("src/latin.rs", b"pub fn caf\xe9() {}\n// \xff\xfe\n");
    let deep = |open: &str, close: &str, n| [open.repeat(n), close.repeat(n)].concat();
    put("src/deep.rs", format!("fn f() {{ {} }}", deep("(", ")", 20_000)).as_bytes());
    put("src/groups.rs", format!("use {}x{};", "a::{".repeat(5_000), "}".repeat(5_000)).as_bytes());
    put("src/inline.rs", deep("mod a {", "}", 5_000).as_bytes());
    put("src/macros.rs", format!("m! {{ {} }}", deep("if {", "}", 5_000)).as_bytes());
    put("src/huge.rs", &vec![b'/'; 9_000_000]);
    #[cfg(unix)]
    std::os::unix::fs::symlink("..", root.join("src/loop")).expect("a link");
    let path = root.to_str().expect("a plain path");
    let text = told(&scratch, &[path]);
    assert!(text.contains("1 files unreadable or too large"), "{text}");
    let json: Value =
        serde_json::from_str(&told(&scratch, &["classify", path, "--json", "-"])).expect("JSON");
    let unread = &json["architecture"]["blind"]["unread"];
    assert_eq!(unread[0]["path"], "src/huge.rs");
    let known = json["known"].as_array().expect("known").iter();
    let kinds: Vec<_> = known.filter(|k| k["path"] == "src/huge.rs").map(|k| &k["kind"]).collect();
    assert_eq!(kinds, ["unread"]);
}
