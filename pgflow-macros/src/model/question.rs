//! The first `?` of an expression that leaves the body.

use syn::{Expr, ExprTry, Token, visit::Visit};

/// The `?` that would leave the body; those of closures leave the closure.
pub fn question(expr: &Expr) -> Option<&Token![?]> {
    struct Question<'a>(Option<&'a Token![?]>);
    impl<'a> Visit<'a> for Question<'a> {
        fn visit_expr_try(&mut self, expr: &'a ExprTry) {
            self.0.get_or_insert(&expr.question_token);
        }
        fn visit_expr_closure(&mut self, _: &'a syn::ExprClosure) {}
    }
    let mut finder = Question(None);
    finder.visit_expr(expr);
    finder.0
}
