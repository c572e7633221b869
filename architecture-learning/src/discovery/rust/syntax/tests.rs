use super::*;

fn parse(text: &str) -> Parsed {
    Syntax::new().expect("the grammar fits the library").parse(text)
}

#[test]
fn use_groups_are_expanded() {
    let parsed = parse("pub use a::{b::{c, d as e}, f::*, self};\nuse super::g as _;");
    let uses: Vec<_> = parsed.scopes[0]
        .uses
        .iter()
        .map(|u| (u.path.join("::"), u.binds.as_deref(), u.glob))
        .collect();
    let bound = |path: &str, binds| (path.to_owned(), binds, false);
    assert_eq!(
        uses,
        [
            bound("a::b::c", Some("c")),
            bound("a::b::d", Some("e")),
            ("a::f".to_owned(), None, true),
            bound("a", Some("a")),
            bound("super::g", None),
        ]
    );
    assert!(parsed.scopes[0].uses[0].public && !parsed.scopes[0].uses[4].public);
}

#[test]
fn tests_and_comments_leave_no_words() {
    let parsed = parse(
        "/// secret\nfn visible() {}\n#[cfg(test)]\nmod tests { fn hidden() {} }\n#[test]\nfn gone() {}",
    );
    assert!(parsed.tokens.contains_key("visible"));
    assert!(!["secret", "hidden", "gone"].iter().any(|word| parsed.tokens.contains_key(*word)));
    assert_eq!(parsed.counts[0], 1, "one function outside tests");
}

#[test]
fn documentation_is_read_apart_without_examples_and_plain_comments() {
    let parsed = parse(
        "//! Opens doors.\n// plain\n//// dashes\n\n/// The `DoorHandle` of a door.\n/// ```\n/// let example = 1;\n/// ```\n/// Not thread-safe.\nstruct S {\n    /// A field\n    a: u8,\n}\n/** Blocks\n * too. */\nfn f() {}\n/// unread\n#[test]\nfn gone() {}\n/// unread\n#[cfg(test)]\nmod tests {\n    /// unread\n    fn hidden() {}\n}\n",
    );
    let words: Vec<_> = parsed.documentation.iter().map(|(w, n)| (w.as_str(), *n)).collect();
    let expected = [
        ("blocks", 1),
        ("door", 2),
        ("doors", 1),
        ("field", 1),
        ("handle", 1),
        ("not", 1),
        ("of", 1),
        ("opens", 1),
        ("safe", 1),
        ("the", 1),
        ("thread", 1),
        ("too", 1),
    ];
    assert_eq!(words, expected);
    assert!(!parsed.tokens.contains_key("doors") && !parsed.tokens.contains_key("plain"));
}

#[test]
fn modules_in_macros_and_with_paths_are_found() {
    let text = "cfg_if! { if #[cfg(unix)] { mod unix; } else { #[path = \"other.rs\"] mod windows; } }\ncfg_rt! { mod task; use crate::x; }";
    let parsed = parse(text);
    let names: Vec<_> =
        parsed.scopes[0].modules.iter().map(|m| (m.name.as_str(), m.line)).collect();
    assert_eq!(names, [("unix", 1), ("windows", 1), ("task", 2)]);
    assert_eq!(parsed.scopes[0].modules[1].paths, ["other.rs"]);
    assert_eq!(parsed.scopes[0].uses[0].path, ["crate", "x"]);
}

#[test]
fn leading_modules_are_paths_and_not_words() {
    let parsed = parse(
        "fn f() { crate::secret::Thing::make(); other::run(); println!(\"{}\", crate::hidden::X); }",
    );
    assert!(parsed.tokens.contains_key("thing") && parsed.tokens.contains_key("run"));
    assert!(!["secret", "other", "hidden"].iter().any(|word| parsed.tokens.contains_key(*word)));
    let paths: Vec<_> = parsed.scopes[0].paths.iter().map(|p| p.path.join("::")).collect();
    assert_eq!(paths, ["crate::secret::Thing::make", "other::run", "crate::hidden::X"]);
}

#[test]
fn the_outline_tells_chains() {
    let parsed = parse(
        "struct B; impl B { fn a(mut self, x: u8) -> Self { self } fn build(self) -> T { T } }",
    );
    let methods: Vec<_> =
        parsed.outline.impls[0].methods.iter().map(|m| (m.name.as_str(), m.chains)).collect();
    assert_eq!(methods, [("a", true), ("build", false)]);
}
