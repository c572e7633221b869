use super::*;

fn both(text: &str) -> (Parsed, Outline) {
    Syntax::new().expect("the grammar fits the library").parse(text)
}

fn parse(text: &str) -> Parsed {
    both(text).0
}

#[test]
fn use_groups_are_expanded() {
    let parsed = parse("pub use a::{b::{c, d as e}, f::*, self};\nuse super::g as _;");
    let uses: Vec<_> = parsed.scopes[0]
        .uses
        .iter()
        .map(|u| (u.path.as_str(), u.binds.as_deref(), u.glob))
        .collect();
    let bound = |path, binds| (path, binds, false);
    assert_eq!(
        uses,
        [
            bound("a::b::c", Some("c")),
            bound("a::b::d", Some("e")),
            ("a::f", None, true),
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
    assert!(parsed.tokens.contains("visible"));
    assert!(!["secret", "hidden", "gone"].iter().any(|word| parsed.tokens.contains(word)));
    assert_eq!(parsed.counts[0], 1, "one function outside tests");
}

#[test]
fn modules_in_macros_and_with_paths_are_found() {
    let text = "cfg_if! { if #[cfg(unix)] { mod unix; } else { #[path = \"other.rs\"] mod windows; } }\ncfg_rt! { mod task; use crate::x; }";
    let parsed = parse(text);
    let names: Vec<_> =
        parsed.scopes[0].modules.iter().map(|m| (m.name.as_str(), m.line)).collect();
    assert_eq!(names, [("unix", 1), ("windows", 1), ("task", 2)]);
    assert_eq!(parsed.scopes[0].modules[1].paths, ["other.rs"]);
    assert_eq!(parsed.scopes[0].uses[0].path, "crate::x");
}

#[test]
fn leading_modules_are_paths_and_not_words() {
    let parsed = parse(
        "fn f() { crate::secret::Thing::make(); other::run(); println!(\"{}\", crate::hidden::X); }",
    );
    assert!(parsed.tokens.contains("thing") && parsed.tokens.contains("run"));
    assert!(!["secret", "other", "hidden"].iter().any(|word| parsed.tokens.contains(word)));
    let paths: Vec<_> = parsed.scopes[0].paths.iter().map(|p| p.path.as_str()).collect();
    assert_eq!(paths, ["crate::secret::Thing::make", "other::run", "crate::hidden::X"]);
}

#[test]
fn the_outline_tells_chains() {
    let (_, outline) = both(
        "struct B; impl B { fn a(mut self, x: u8) -> Self { self } fn build(self) -> T { T } }",
    );
    let methods: Vec<_> =
        outline.impls[0].methods.iter().map(|m| (m.name.as_str(), m.chains)).collect();
    assert_eq!(methods, [("a", true), ("build", false)]);
}

#[test]
fn paths_are_kept_without_generics_spaces_and_raw_prefixes() {
    let parsed = parse(
        "use r#mod :: { a as b, self };\nfn f() { ::std::r#type::X::new(); Vec::<u8>::with(1); <A as B>::c() }",
    );
    let scope = &parsed.scopes[0];
    let uses: Vec<_> = scope.uses.iter().map(|u| (u.path.as_str(), u.binds.as_deref())).collect();
    assert_eq!(uses, [("mod::a", Some("b")), ("mod", Some("mod"))]);
    let paths: Vec<_> =
        scope.paths.iter().map(|p| steps(&p.path).collect::<Vec<_>>().join("::")).collect();
    assert!(paths.contains(&"std::type::X::new".to_owned()), "{paths:?}");
    assert!(paths.contains(&"Vec::with".to_owned()), "{paths:?}");
}
