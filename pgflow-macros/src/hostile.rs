//! The attributes against what nobody meant: options that are a soup of tokens, and source that is half typed. A panic
//! would reach the user as "custom attribute panicked", without a place.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proc_macro2::{Group, TokenStream, TokenTree};
use proptest::{collection::vec, prelude::*, sample::Index};
use quote::ToTokens;
use syn::{Attribute, ItemFn, Meta, visit::Visit};

use crate::{
    diagnostics::Errors,
    emit,
    options::{StepAttribute, WorkflowAttribute, duration},
};

/// Programs that compile.
const SOURCES: [&str; 11] = [
    include_str!("../../tests/ui/pass/branches.rs"),
    include_str!("../../tests/ui/pass/options.rs"),
    include_str!("../../tests/ui/pass/pipeline.rs"),
    include_str!("../../tests/ui/pass/places.rs"),
    include_str!("../../tests/ui/pass/waits.rs"),
    include_str!("../../examples/command_line.rs"),
    include_str!("../../examples/enqueue_in_transaction.rs"),
    include_str!("../../examples/hello.rs"),
    include_str!("../../examples/run_in_parallel.rs"),
    include_str!("../../examples/share_state.rs"),
    include_str!("../../examples/test_without_database.rs"),
];

/// A function with one of our attributes.
#[derive(Debug, Clone)]
struct Marked {
    is_step: bool,
    options: TokenStream,
    item: TokenStream,
}

thread_local! {
    /// Read once: tokens belong to a thread.
    static MARKED: Vec<Marked> = marked();
}

/// All of them in [`SOURCES`].
fn marked() -> Vec<Marked> {
    struct Find(Vec<Marked>);
    impl Visit<'_> for Find {
        fn visit_item_fn(&mut self, function: &ItemFn) {
            let ours = |a: &Attribute| {
                a.path().segments.last().is_some_and(|s| s.ident == "step" || s.ident == "workflow")
            };
            let mut function = function.clone();
            let Some(at) = function.attrs.iter().position(ours) else { return };
            let attribute = function.attrs.remove(at);
            let is_step = attribute.path().segments.last().unwrap().ident == "step";
            let options = match attribute.meta {
                Meta::List(list) => list.tokens,
                _ => TokenStream::new(),
            };
            self.0.push(Marked { is_step, options, item: function.to_token_stream() });
        }
    }
    let mut find = Find(Vec::new());
    for source in SOURCES {
        find.visit_file(&syn::parse_file(source).unwrap());
    }
    find.0
}

impl Marked {
    /// Expands it, which must not panic; what comes out of a whole function is Rust.
    fn expand(&self) -> TokenStream {
        let expand = if self.is_step { emit::step } else { emit::workflow };
        let expanded = catch_unwind(AssertUnwindSafe(|| expand(self.options.clone(), &self.item)));
        let Ok(expanded) = expanded else {
            panic!("this panics: #[({})] {}", self.options, self.item)
        };
        if syn::parse2::<ItemFn>(self.item.clone()).is_ok() {
            let parsed = syn::parse2::<syn::File>(expanded.clone());
            assert!(parsed.is_ok(), "no Rust: #[({})] {} → {expanded}", self.options, self.item);
        }
        expanded
    }
}

/// Tokens, a group and what is in it counted apart.
fn count(tokens: &TokenStream) -> usize {
    let inside = |token| match token {
        TokenTree::Group(group) => count(&group.stream()),
        _ => 0,
    };
    tokens.clone().into_iter().map(|token| 1 + inside(token)).sum()
}

/// The first tokens, with the groups closed that are open then, as an editor does.
fn cut(tokens: TokenStream, left: &mut usize) -> TokenStream {
    let mut kept = TokenStream::new();
    for token in tokens {
        if *left == 0 {
            break;
        }
        *left -= 1;
        kept.extend([inside(token, |stream| cut(stream, left))]);
    }
    kept
}

/// Without the token of this number, or with others in its place; a group goes with all that is in it.
fn replaced(tokens: TokenStream, at: &mut Option<usize>, with: &TokenStream) -> TokenStream {
    let mut kept = TokenStream::new();
    for token in tokens {
        match at {
            Some(0) => {
                *at = None;
                kept.extend(with.clone());
                continue;
            }
            Some(left) => *left -= 1,
            None => {}
        }
        kept.extend([inside(token, |stream| replaced(stream, at, with))]);
    }
    kept
}

/// The token with what is in it changed.
fn inside(token: TokenTree, change: impl FnOnce(TokenStream) -> TokenStream) -> TokenTree {
    let TokenTree::Group(group) = token else { return token };
    let mut changed = Group::new(group.delimiter(), change(group.stream()));
    changed.set_span(group.span());
    TokenTree::Group(changed)
}

fn without(tokens: &TokenStream, at: usize) -> TokenStream {
    replaced(tokens.clone(), &mut Some(at), &TokenStream::new())
}

/// The token of a number.
fn nth(tokens: &TokenStream, mut at: usize) -> Option<TokenTree> {
    for token in tokens.clone() {
        if at == 0 {
            return Some(token);
        }
        at -= 1;
        if let TokenTree::Group(group) = &token {
            let inside = count(&group.stream());
            if at < inside {
                return nth(&group.stream(), at);
            }
            at -= inside;
        }
    }
    None
}

#[test]
fn source_cut_at_any_token_never_panics() {
    let mut seen = 0;
    for whole in marked() {
        for at in 0..=count(&whole.item) {
            let item = cut(whole.item.clone(), &mut at.clone());
            Marked { item, ..whole.clone() }.expand();
            seen += 1;
        }
        for at in 0..count(&whole.options) {
            let options = cut(whole.options.clone(), &mut at.clone());
            Marked { options, ..whole.clone() }.expand();
        }
    }
    assert!(seen > 1_000, "{seen}");
}

#[test]
fn source_without_any_of_its_tokens_never_panics() {
    for whole in marked() {
        for at in 0..count(&whole.item) {
            Marked { item: without(&whole.item, at), ..whole.clone() }.expand();
        }
        for at in 0..count(&whole.options) {
            Marked { options: without(&whole.options, at), ..whole.clone() }.expand();
        }
    }
}

#[test]
fn a_result_of_what_is_no_type_still_gives_rust() {
    for ret in
        ["Result<{ 1 }, String>", "Result<'a, u32>", "Result<3, 4>", "Result<u32, String, u8>"]
    {
        let item: TokenStream =
            format!("async fn f(n: u32) -> {ret} {{ g(n).await }}").parse().unwrap();
        for is_step in [true, false] {
            Marked { is_step, options: TokenStream::new(), item: item.clone() }.expand();
        }
    }
}

#[test]
fn what_is_cut_and_replaced_is_what_was_meant() {
    let tokens: TokenStream = "a (b c [d]) e".parse().unwrap();
    assert_eq!(count(&tokens), 7);
    let cuts: Vec<String> = (0..=7).map(|mut n| cut(tokens.clone(), &mut n).to_string()).collect();
    assert_eq!(cuts[3], "a (b)");
    assert_eq!(cuts[5], "a (b c [])");
    assert_eq!(cuts[7], tokens.to_string());
    assert_eq!(without(&tokens, 1).to_string(), "a e");
    assert_eq!(without(&tokens, 5).to_string(), "a (b c []) e");
    assert_eq!(nth(&tokens, 5).unwrap().to_string(), "d");
    assert_eq!(nth(&tokens, 6).unwrap().to_string(), "e");
}

/// Values as options have them, and nearly so.
fn value() -> impl Strategy<Value = String> {
    let words = [
        "fixed",
        "exponential",
        "gpu",
        "a-b",
        "2nd",
        "/a/b",
        "/a~2",
        "0 3 * * *",
        "é",
        "\\u{0}",
        "{",
        "0",
    ];
    prop_oneof![
        "[0-9]{0,22} ?(ms|s|m|min|h|d|MiB|GB|TiB|/s|/m|/week|x)?([0-9]{1,3}(ms|s|h))?"
            .prop_map(|text| format!("\"{text}\"")),
        prop::sample::select(words.to_vec()).prop_map(|text| format!("\"{text}\"")),
        "-?[0-9]{1,22}(u8|i64|f32)?",
        "[0-9]{1,5}\\.[0-9]{0,5}(e[0-9]{1,3})?",
        prop::sample::select(
            &["true", "'c'", "b\"x\"", "x", "a::b", "[\"/a\", 3]", "[]", "Vec<u8>", "-", "(1)"][..]
        )
        .prop_map(str::to_owned),
    ]
}

/// Options, and nearly so.
fn soup() -> impl Strategy<Value = String> {
    let names = [
        "timeout",
        "retries",
        "retry_delay",
        "backoff",
        "concurrency",
        "gpu",
        "exclusive",
        "memory",
        "cpu",
        "priority",
        "rate_limit",
        "cache",
        "batch",
        "revision",
        "id",
        "needs",
        "transactional",
        "redact",
        "version",
        "allow",
        "schedule",
        "count",
        "vram",
        "max",
        "linger",
        "longest_path",
        "timout",
        "r#gpu",
        "a::b",
        "fn",
    ];
    let name = prop::sample::select(names.to_vec()).boxed();
    let option = (name.clone(), value()).prop_map(|(name, value)| format!("{name} = {value}"));
    let listed = |inner: BoxedStrategy<String>| {
        (prop::sample::select(names.to_vec()), vec(inner, 0..3))
            .prop_map(|(name, inner)| format!("{name}({})", inner.join(", ")))
    };
    let leaf = prop_oneof![option, name.prop_map(str::to_owned), value()].boxed();
    let nested = prop_oneof![3 => leaf.clone(), 1 => listed(leaf)];
    let between = prop::sample::select(&[", ", ",", " ", " = ", ",,", "; "][..]);
    let mostly = prop_oneof![6 => Just(", "), 1 => between];
    vec((nested, mostly), 0..6)
        .prop_map(|parts| parts.into_iter().map(|(option, between)| option + between).collect())
}

proptest! {
    #[test]
    fn options_of_any_tokens_are_read_or_refused(text in soup()) {
        let Ok(options) = text.parse::<TokenStream>() else { return Ok(()) };
        let mut errors = Errors::default();
        let step = StepAttribute::parse(options.clone(), &mut errors);
        prop_assert!(step.concurrency != Some(0) && step.cpu_milli != Some(0) && step.memory_bytes != Some(0));
        prop_assert!(step.gpu.is_none_or(|gpu| gpu.count > 0));
        let workflow = WorkflowAttribute::parse(options.clone(), &mut errors);
        prop_assert!(workflow.version != Some(0) && workflow.concurrency != Some(0));
        for (is_step, item) in [
            (true, "async fn f(n: u32) -> Result<u32, String> { Ok(n) }"),
            (true, "async fn f(all: Vec<u32>) -> Result<Vec<u32>, String> { Ok(all) }"),
            (false, "async fn f(n: u32) -> Result<u32, String> { let x = a(n).await?; Ok(x) }"),
        ] {
            Marked { is_step, options: options.clone(), item: item.parse().unwrap() }.expand();
        }
    }

    #[test]
    fn texts_of_any_kind_are_values_or_none(text in any::<String>(), number in "[0-9]{0,25}", unit in ".{0,3}") {
        duration(&text);
        let text = format!("{number}{unit}");
        let exact = number.parse::<u64>().ok();
        match (&*unit, duration(&text)) {
            ("ms", read) => prop_assert_eq!(read, exact),
            ("s", read) => prop_assert_eq!(read, exact.and_then(|n| n.checked_mul(1_000))),
            ("d", read) => prop_assert_eq!(read, exact.and_then(|n| n.checked_mul(86_400_000))),
            _ => {}
        }
    }

    #[test]
    fn source_with_tokens_from_elsewhere_never_panics(
        which in any::<Index>(),
        edits in vec((any::<Index>(), any::<Index>(), any::<Index>()), 1..5),
    ) {
        MARKED.with(|all| {
            let mut one = all[which.index(all.len())].clone();
            for (at, from, other) in edits {
                let other = &all[other.index(all.len())].item;
                let with = nth(other, from.index(count(other))).unwrap();
                let at = at.index(count(&one.item).max(1));
                one.item = replaced(one.item, &mut Some(at), &with.into());
            }
            one.expand();
        });
    }
}
