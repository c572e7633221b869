//! Takes the awaited calls out of an expression. Each becomes a node and leaves a hole, `__pgflow_hole!(index)`, which
//! the emitter fills with a load of the node's stored result. Where a call cannot stand, this says so on the token.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    BinOp, Block, Expr, Ident, Index, parse_quote,
    visit::{self, Visit},
    visit_mut::{self, VisitMut},
};

use super::{
    Mode, NodeId,
    branch::{if_awaits, match_awaits},
    lower::{Lower, Tail},
};
use crate::{diagnostics as say, text::stable};

/// The name of the macro that stands for a hole; nobody expands it.
pub const HOLE: &str = "__pgflow_hole";

/// The hole of a node.
pub fn hole(node: NodeId) -> Expr {
    let (name, index) = (Ident::new(HOLE, Span::call_site()), Index::from(node));
    parse_quote!(#name!(#index))
}

/// Stands for an expression that was refused.
fn refused() -> Expr {
    let name = Ident::new(HOLE, Span::call_site());
    parse_quote!(#name!())
}

/// The node whose hole an expression is.
pub fn hole_in(expr: &Expr) -> Option<NodeId> {
    match expr {
        Expr::Macro(m) if m.mac.path.is_ident(HOLE) => m.mac.tokens.to_string().parse().ok(),
        _ => None,
    }
}

/// Whether there is an `.await` in an expression, in a macro's tokens too.
pub fn awaits(expr: &Expr) -> bool {
    let mut finder = Awaits(false);
    finder.visit_expr(expr);
    finder.0
}

pub fn block_awaits(block: &Block) -> bool {
    let mut finder = Awaits(false);
    finder.visit_block(block);
    finder.0
}

struct Awaits(bool);

impl Visit<'_> for Awaits {
    fn visit_expr_await(&mut self, _: &syn::ExprAwait) {
        self.0 = true;
    }
    fn visit_macro(&mut self, mac: &syn::Macro) {
        self.0 |= tokens_await(mac.tokens.clone());
    }
}

fn tokens_await(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "await",
        TokenTree::Group(group) => tokens_await(group.stream()),
        _ => false,
    })
}

impl Lower<'_> {
    /// Replaces the awaited calls of `expr` by holes. `tail`: what becomes of its value.
    pub fn lift(&mut self, expr: &mut Expr, tail: Tail) {
        if !awaits(expr) {
            return;
        }
        match expr {
            Expr::Group(group) => self.lift(&mut group.expr, tail),
            Expr::Paren(paren) => self.lift(&mut paren.expr, tail),
            Expr::Try(question) if matches!(&*question.expr, Expr::Await(_)) => {
                if let Expr::Await(awaited) = &*question.expr {
                    *expr = self.lift_call(&awaited.base, Mode::Required);
                }
            }
            Expr::Await(awaited) => {
                let mode = if tail == Tail::Final { Mode::Final } else { Mode::Tolerated };
                *expr = self.lift_call(&awaited.base, mode);
            }
            // steps in what is decided on alone: a pure choice over results
            Expr::If(choice) if !if_awaits(choice) => self.lift(&mut choice.cond, Tail::Read),
            Expr::If(choice) => *expr = hole(self.branch_if(choice, tail)),
            Expr::Match(choice) if !match_awaits(choice) => {
                self.lift(&mut choice.expr, Tail::Read);
            }
            Expr::Match(choice) => *expr = hole(self.branch_match(choice, tail)),
            Expr::Binary(binary) if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) => {
                self.lift(&mut binary.left, Tail::Read);
                if awaits(&binary.right) {
                    self.errors.on(&binary.op, say::LAZY_OPERATOR);
                    *expr = refused();
                }
            }
            _ => self.lift_inside(expr),
        }
    }

    /// The awaited call, or what stands for a refused one.
    fn lift_call(&mut self, call: &Expr, mode: Mode) -> Expr {
        self.call(call, mode).map_or_else(refused, hole)
    }

    /// Expressions whose parts are all evaluated, once; the others are refused.
    fn lift_inside(&mut self, expr: &mut Expr) {
        struct Parts<'a, 'e>(&'a mut Lower<'e>);
        impl VisitMut for Parts<'_, '_> {
            fn visit_expr_mut(&mut self, expr: &mut Expr) {
                self.0.lift(expr, Tail::Read);
            }
        }
        if self.hides_steps(expr) {
            *expr = refused();
        } else {
            visit_mut::visit_expr_mut(&mut Parts(self), expr);
        }
    }

    /// Reports an expression in which no step can stand.
    fn hides_steps(&mut self, expr: &Expr) -> bool {
        let errors = &mut *self.errors;
        match expr {
            Expr::Block(block) => errors.at(block.block.brace_token.span.open(), say::BLOCK),
            Expr::Macro(m) => errors.on(&m.mac.path, say::macro_hides_step(&stable(&m.mac.path))),
            Expr::Closure(closure) => errors.on(&closure.inputs_begin, say::CLOSURE),
            Expr::Async(block) => errors.on(&block.async_token, say::ASYNC_BLOCK),
            Expr::ForLoop(each) => errors.on(&each.for_token, say::FOR_LOOP),
            Expr::While(each) => errors.on(&each.while_token, say::LOOP),
            Expr::Loop(each) => errors.on(&each.loop_token, say::LOOP),
            Expr::Unsafe(block) => errors.on(&block.unsafe_token, say::UNSAFE),
            Expr::Return(value) => errors.on(&value.return_token, say::RETURN),
            _ => return false,
        }
        true
    }
}

/// Whether a `return` of the body itself stands in an expression.
pub fn returns(expr: &Expr) -> bool {
    struct Returns(bool);
    impl Visit<'_> for Returns {
        fn visit_expr_return(&mut self, _: &syn::ExprReturn) {
            self.0 = true;
        }
        fn visit_expr_closure(&mut self, _: &syn::ExprClosure) {}
        fn visit_expr(&mut self, expr: &Expr) {
            visit::visit_expr(self, expr);
        }
    }
    let mut finder = Returns(false);
    finder.visit_expr(expr);
    finder.0
}
