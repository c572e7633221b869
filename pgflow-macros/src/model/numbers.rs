//! Numbers without a type of their own. rustc takes the type of such a number from its readers; each slice has other
//! readers, and one alone would fall back to `i32` or `f64` without a word.

use syn::{BinOp, Block, Expr, Lit, Stmt, Token, UnOp, punctuated::Punctuated};

/// Whether a number without a type stands in the place that gives the value its type; conditions, and operands beside
/// a typed one, do not count.
pub fn bare_number(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.suffix().is_empty(),
            Lit::Float(number) => number.suffix().is_empty(),
            _ => false,
        },
        Expr::Paren(e) => bare_number(&e.expr),
        Expr::Group(e) => bare_number(&e.expr),
        Expr::Reference(e) => bare_number(&e.expr),
        Expr::Repeat(e) => bare_number(&e.expr),
        Expr::MethodCall(e) => bare_number(&e.receiver),
        Expr::Unary(e) => matches!(e.op, UnOp::Neg(_) | UnOp::Not(_)) && bare_number(&e.expr),
        Expr::Binary(e) => bare_operation(&e.op, &e.left, &e.right),
        Expr::Tuple(e) => e.elems.iter().any(bare_number),
        Expr::Array(e) => !e.elems.is_empty() && e.elems.iter().all(bare_number),
        Expr::Block(e) => bare_block(&e.block),
        Expr::If(e) => {
            let other = e.else_branch.as_ref().is_some_and(|(_, e)| bare_number(e));
            other && bare_block(&e.then_branch)
        }
        Expr::Match(e) => e.arms.iter().all(|arm| bare_number(&arm.body)),
        Expr::Macro(e) if e.mac.path.is_ident("vec") => bare_list(&e.mac),
        _ => false,
    }
}

fn bare_operation(op: &BinOp, left: &Expr, right: &Expr) -> bool {
    match op {
        BinOp::Add(_)
        | BinOp::Sub(_)
        | BinOp::Mul(_)
        | BinOp::Div(_)
        | BinOp::Rem(_)
        | BinOp::BitXor(_)
        | BinOp::BitAnd(_)
        | BinOp::BitOr(_) => bare_number(left) && bare_number(right),
        BinOp::Shl(_) | BinOp::Shr(_) => bare_number(left),
        _ => false,
    }
}

fn bare_block(block: &Block) -> bool {
    matches!(block.stmts.last(), Some(Stmt::Expr(value, None)) if bare_number(value))
}

fn bare_list(mac: &syn::Macro) -> bool {
    mac.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated)
        .is_ok_and(|elements| !elements.is_empty() && elements.iter().all(bare_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_type() {
        for text in [
            "3",
            "-1.5",
            "(2 + 3) * 4",
            "[1, 2]",
            "(1, x)",
            "vec![1, 2]",
            "if c { 1 } else { 2 }",
            "{ f(); 7 }",
            "1.max(2)",
        ] {
            assert!(bare_number(&syn::parse_str(text).unwrap()), "{text}");
        }
        for text in [
            "3u32",
            "x",
            "x + 1",
            "1 < 2",
            "f(3)",
            "\"3\"",
            "[x, 1]",
            "if c { x } else { 1 }",
            "vec![0u8; 3]",
        ] {
            assert!(!bare_number(&syn::parse_str(text).unwrap()), "{text}");
        }
    }
}
