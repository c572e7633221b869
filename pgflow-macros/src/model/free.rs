//! The free names of pure Rust: which bindings of the body an expression reads. Finding too many costs parallelism,
//! finding too few is a compile error in the slice.

use std::collections::HashSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::{Arm, Block, Expr, Ident, Local, Pat, visit::Visit};

use super::{BindingId, Reads, lift::HOLE};
use crate::{
    diagnostics::{self as say, Errors},
    text::stable,
};

/// Functions that give another value each time.
const IMPURE: &[(&str, &str)] = &[
    ("Uuid", "new_v4"),
    ("Uuid", "now_v7"),
    ("Instant", "now"),
    ("SystemTime", "now"),
    ("Utc", "now"),
    ("Local", "now"),
    ("OffsetDateTime", "now_utc"),
    ("Timestamp", "now"),
    ("Zoned", "now"),
    ("env", "var"),
];

/// What of the crate `rand` gives the same value each time; all else gives another.
const SEEDED: &[&str] = &["seed_from_u64", "from_seed"];

/// Functions that begin something beside the workflow.
const SPAWNS: &[(&str, &str)] = &[
    ("tokio", "spawn"),
    ("task", "spawn"),
    ("task", "spawn_blocking"),
    ("task", "spawn_local"),
    ("thread", "spawn"),
];

/// Macros that await without the word: a step in them would run inside its reader's slice.
const JOINS: &[&str] = &["join", "try_join", "select", "select_biased", "try_select"];

/// Macros that are known not to await.
const TRANSPARENT: &[&str] = &[
    "format",
    "vec",
    "matches",
    "concat",
    "stringify",
    "env",
    "option_env",
    "include_str",
    "include_bytes",
    "json",
    "assert",
    "assert_eq",
    "unreachable",
    "todo",
    "panic",
    "line",
    "file",
    "format_args",
    HOLE,
];

/// The names that a pattern binds.
pub fn bound(pat: &Pat) -> Vec<Ident> {
    struct Bound(Vec<Ident>);
    impl Visit<'_> for Bound {
        fn visit_pat_ident(&mut self, pat: &syn::PatIdent) {
            // `None` and constants parse as names
            let constant = pat.ident.to_string().starts_with(char::is_uppercase);
            if pat.subpat.is_some() || !constant {
                self.0.push(pat.ident.clone());
            }
            if let Some((_, inner)) = &pat.subpat {
                self.visit_pat(inner);
            }
        }
        fn visit_expr(&mut self, _: &Expr) {}
    }
    let mut names = Bound(Vec::new());
    names.visit_pat(pat);
    names.0
}

/// Every name in a macro's tokens, captures inside string literals included; fields and methods are left out.
pub fn names_in_tokens(tokens: TokenStream) -> Vec<String> {
    let mut names = Vec::new();
    let mut after_dot = false;
    for token in tokens {
        let dot = matches!(&token, TokenTree::Punct(p) if p.as_char() == '.');
        match token {
            TokenTree::Ident(name) if !after_dot => names.push(name.to_string()),
            TokenTree::Group(group) => names.extend(names_in_tokens(group.stream())),
            TokenTree::Literal(literal) => names.extend(captures(&literal.to_string())),
            _ => {}
        }
        // the second dot of a range is followed by a name again
        after_dot = dot && !after_dot;
    }
    names
}

/// `{x}`, `{x:?}` and `{x:>width$}` inside a string literal.
fn captures(literal: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    let mut word = String::new();
    for c in literal.chars() {
        if inside && (c.is_alphanumeric() || c == '_') {
            word.push(c);
            continue;
        }
        if inside && !word.is_empty() {
            names.push(std::mem::take(&mut word));
        }
        inside = c == '{' || (inside && c != '}');
    }
    names
}

/// Collects into `reads` what an expression reads, and reports what pure Rust in a workflow must not do.
pub struct FreeNames<'a> {
    pub lookup: &'a dyn Fn(&str) -> Option<BindingId>,
    pub reads: &'a mut Reads,
    pub errors: &'a mut Errors,
    scopes: Vec<HashSet<String>>,
    closures: usize,
}

impl<'a> FreeNames<'a> {
    pub fn new(
        lookup: &'a dyn Fn(&str) -> Option<BindingId>,
        reads: &'a mut Reads,
        errors: &'a mut Errors,
    ) -> Self {
        Self { lookup, reads, errors, scopes: vec![HashSet::new()], closures: 0 }
    }

    fn name(&mut self, name: &str) {
        if self.scopes.iter().any(|scope| scope.contains(name)) {
            return;
        }
        self.reads.bindings.extend((self.lookup)(name));
    }

    fn bind(&mut self, pat: &Pat) {
        let names = bound(pat).into_iter().map(|name| name.to_string());
        if let Some(scope) = self.scopes.last_mut() {
            scope.extend(names);
        }
    }

    fn scoped(&mut self, visit: impl FnOnce(&mut Self)) {
        self.scopes.push(HashSet::new());
        visit(self);
        self.scopes.pop();
    }
}

impl<'ast> Visit<'ast> for FreeNames<'_> {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(name) = path.path.get_ident() {
            self.name(&name.to_string());
        }
        let segments: Vec<_> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
        let [.., owner, function] = &segments[..] else { return };
        let random = segments[0] == "rand" && !SEEDED.contains(&function.as_str());
        if random {
            self.errors.on(path, say::impure(&segments.join("::")));
        } else if IMPURE.contains(&(owner, function)) {
            self.errors.on(path, say::impure(&format!("{owner}::{function}")));
        } else if SPAWNS.contains(&(owner, function)) {
            self.errors.on(path, say::spawns(&format!("{owner}::{function}")));
        }
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.closures += 1;
        self.scoped(|v| {
            closure.inputs.iter().for_each(|pat| v.bind(pat));
            v.visit_expr(&closure.body);
        });
        self.closures -= 1;
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.scoped(|v| block.stmts.iter().for_each(|s| v.visit_stmt(s)));
    }

    fn visit_local(&mut self, local: &'ast Local) {
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, diverge)) = &init.diverge {
                self.visit_expr(diverge);
            }
        }
        self.bind(&local.pat);
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        self.scoped(|v| {
            v.bind(&arm.pat);
            v.visit_pat(&arm.pat);
            v.visit_expr(&arm.body);
        });
    }

    fn visit_expr_let(&mut self, expr: &'ast syn::ExprLet) {
        self.visit_expr(&expr.expr);
        self.bind(&expr.pat);
    }

    fn visit_expr_if(&mut self, branch: &'ast syn::ExprIf) {
        self.scoped(|v| {
            v.visit_expr(&branch.cond);
            v.visit_block(&branch.then_branch);
        });
        if let Some((_, other)) = &branch.else_branch {
            self.visit_expr(other);
        }
    }

    fn visit_expr_while(&mut self, expr: &'ast syn::ExprWhile) {
        self.scoped(|v| {
            v.visit_expr(&expr.cond);
            v.visit_block(&expr.body);
        });
    }

    fn visit_expr_for_loop(&mut self, expr: &'ast syn::ExprForLoop) {
        self.visit_expr(&expr.expr);
        self.scoped(|v| {
            v.bind(&expr.pat);
            v.visit_block(&expr.body);
        });
    }

    fn visit_expr_return(&mut self, expr: &'ast syn::ExprReturn) {
        if self.closures == 0 {
            self.errors.on(&expr.return_token, say::RETURN);
        }
    }

    fn visit_expr_unsafe(&mut self, expr: &'ast syn::ExprUnsafe) {
        self.errors.on(&expr.unsafe_token, say::UNSAFE);
    }

    fn visit_expr_async(&mut self, expr: &'ast syn::ExprAsync) {
        self.errors.on(&expr.async_token, say::ASYNC_BLOCK);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let is = |words: &[&str]| {
            mac.path.segments.last().is_some_and(|s| words.iter().any(|w| s.ident == w))
        };
        if is(JOINS) {
            self.errors.on(&mac.path, say::macro_hides_steps(&stable(&mac.path)));
        }
        self.reads.opaque |= !is(TRANSPARENT);
        for name in names_in_tokens(mac.tokens.clone()) {
            self.name(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        names_in_tokens(text.parse().unwrap())
    }

    #[test]
    fn captures_are_names() {
        assert_eq!(
            tokens(r#""{a} {b:?} {c:>width$} {{d}} {}", e"#),
            ["a", "b", "c", "width", "d", "e"]
        );
        assert_eq!(tokens("a.b.c(d), 0..e"), ["a", "d", "e"]);
    }

    #[test]
    fn what_is_random_is_refused_unless_it_has_a_seed() {
        let refused = |path: &str| {
            let body = format!("async fn w(n: u64) -> Result<u64, String> {{ Ok({path}(n)) }}");
            let out = crate::emit::workflow(TokenStream::new(), &body.parse().unwrap());
            out.to_string().contains("gives another value each time")
        };
        assert!(refused("rand::random_range") && refused("::rand::rngs::StdRng::from_rng"));
        assert!(!refused("rand::rngs::StdRng::seed_from_u64") && !refused("dice::random"));
    }

    #[test]
    fn constants_in_patterns_bind_nothing() {
        let local: syn::Stmt =
            syn::parse_str("let (a, Some(b), C { d, e: f, .. }, None, g @ [h, ..]) = x;").unwrap();
        let syn::Stmt::Local(local) = local else { panic!("a let") };
        let names: Vec<_> = bound(&local.pat).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["a", "b", "d", "f", "g", "h"]);
    }
}
