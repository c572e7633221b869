//! Branches with awaited calls in their arms: `if`, `if let`, `match`. A branch is a node of its own; which arm it takes is
//! decided once and recorded.

use std::collections::BTreeMap;

use quote::ToTokens;
use syn::{
    Expr, ExprIf, ExprMatch, FieldPat, Pat, parse_quote, spanned::Spanned, token::Colon,
    visit_mut::VisitMut,
};

use super::{
    Arm, Body, Branch, Mode, NodeId, Origin, Reads, Work,
    lift::{awaits, block_awaits},
    lower::{Lower, Tail},
};
use crate::{diagnostics as say, text::stable};

/// Whether an awaited call stands in an arm.
pub fn if_awaits(choice: &ExprIf) -> bool {
    let other = choice.else_branch.as_ref().is_some_and(|(_, other)| awaits(other));
    other || block_awaits(&choice.then_branch)
}

/// Whether an awaited call stands in an arm or, wrongly, in a guard.
pub fn match_awaits(choice: &ExprMatch) -> bool {
    choice.arms.iter().any(|arm| awaits(&arm.body) || guard_of(&arm.pat).1.is_some_and(awaits))
}

fn guard_of(pat: &Pat) -> (&Pat, Option<&Expr>) {
    match pat {
        Pat::Guard(guarded) => (&guarded.pat, Some(&guarded.guard)),
        pat => (pat, None),
    }
}

impl Lower<'_> {
    /// The node of an `if` whose arms call steps.
    pub fn branch_if(&mut self, choice: &ExprIf, tail: Tail) -> NodeId {
        let id = self.id.take();
        let mut on = (*choice.cond).clone();
        let reads = self.piece(&mut on, Tail::Read);
        self.id = id;
        let node = self.decision(on.clone(), false, reads, &choice.if_token);
        self.scopes.push(BTreeMap::new());
        let bindings: Vec<_> =
            patterns(&on).into_iter().flat_map(|pat| self.arm_bindings(pat, node)).collect();
        let binds = !bindings.is_empty();
        let then = self.in_arm(node, 0, |lower| lower.body(&choice.then_branch, tail));
        self.scopes.pop();
        let other = choice.else_branch.as_ref().map_or_else(Body::default, |(_, other)| {
            self.in_arm(node, 1, |lower| lower.arm_body(other, tail))
        });
        let arm = |key: &str, bindings, body| Arm {
            pat: parse_quote!(_),
            guard: None,
            key: key.into(),
            bindings,
            body,
        };
        let arms = vec![arm("then", bindings, then), arm("else", Vec::new(), other)];
        self.decided(node, Reads::default(), binds, arms);
        node
    }

    /// The node of a `match` whose arms call steps.
    pub fn branch_match(&mut self, choice: &ExprMatch, tail: Tail) -> NodeId {
        let id = self.id.take();
        let mut on = (*choice.expr).clone();
        let reads = self.piece(&mut on, Tail::Read);
        self.id = id;
        let node = self.decision(on, true, reads, &choice.match_token);
        let keys = arm_keys(choice.arms.iter().map(|arm| guard_of(&arm.pat).0));
        let mut guards = Reads::default();
        let mut arms = Vec::new();
        for (index, (arm, key)) in choice.arms.iter().zip(keys).enumerate() {
            let (pat, guard) = guard_of(&arm.pat);
            self.scopes.push(BTreeMap::new());
            let bindings = self.arm_bindings(pat, node);
            if let Some(guard) = guard {
                self.guard(guard, node, &mut guards);
            }
            self.attributes(&arm.attrs);
            let body = self.in_arm(node, index, |lower| lower.arm_body(&arm.body, tail));
            self.scopes.pop();
            arms.push(Arm { pat: pat.clone(), guard: guard.cloned(), key, bindings, body });
        }
        let binds = arms.iter().any(|arm| !arm.bindings.is_empty());
        self.decided(node, guards, binds, arms);
        node
    }

    /// The node of a branch, its arms yet to come.
    fn decision(
        &mut self,
        on: Expr,
        is_match: bool,
        reads: Reads,
        keyword: &impl ToTokens,
    ) -> NodeId {
        let guards = Reads::default();
        let branch = Branch { is_match, on, guards, binds: false, arms: Vec::new() };
        self.node(Work::Branch(Box::new(branch)), reads, Mode::Required, keyword.span())
    }

    fn decided(&mut self, node: NodeId, guards: Reads, binds: bool, arms: Vec<Arm>) {
        if let Work::Branch(branch) = &mut self.model.nodes[node].work {
            (branch.guards, branch.binds, branch.arms) = (guards, binds, arms);
        }
    }

    fn arm_bindings(&mut self, pat: &Pat, branch: NodeId) -> Vec<super::BindingId> {
        self.refuse_mut(pat);
        self.bind(pat, Origin::Arm(branch))
    }

    /// A guard is asked when the branch is decided, and not again.
    fn guard(&mut self, guard: &Expr, branch: NodeId, guards: &mut Reads) {
        if awaits(guard) {
            self.errors.on(guard, say::GUARD);
            return;
        }
        let reads = self.reading(|lower| lower.names(guard));
        let own =
            |b: &&usize| matches!(self.model.bindings[**b].origin, Origin::Arm(of) if of == branch);
        guards.bindings.extend(reads.bindings.iter().filter(|b| !own(b)));
        guards.opaque |= reads.opaque;
    }

    fn arm_body(&mut self, expr: &Expr, tail: Tail) -> Body {
        match expr {
            Expr::Block(block) if block.label.is_none() => {
                if let Some((_, attribute)) = self.id.take() {
                    self.errors.on(&attribute, say::ID_BEFORE_BLOCK);
                }
                self.body(&block.block, tail)
            }
            other => self.expression_body(other, tail),
        }
    }
}

/// The patterns of a condition's `let`s, in order.
fn patterns(condition: &Expr) -> Vec<&Pat> {
    match condition {
        Expr::Let(found) => vec![&found.pat],
        Expr::Binary(both) => [patterns(&both.left), patterns(&both.right)].concat(),
        Expr::Group(group) => patterns(&group.expr),
        _ => Vec::new(),
    }
}

/// `Big { n, .. } if n > 3` is `Big { n: _, .. }`: what a rename or another guard does not change. Equal ones are counted.
fn arm_keys<'p>(patterns: impl Iterator<Item = &'p Pat>) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for pat in patterns {
        let mut pat = pat.clone();
        Blank.visit_pat_mut(&mut pat);
        let key = stable(&pat);
        let again = format!("{key} #");
        let equal = keys.iter().filter(|k| **k == key || k.starts_with(&again)).count();
        keys.push(if equal == 0 { key } else { format!("{again}{}", equal + 1) });
    }
    keys
}

/// Writes `_` for bindings.
struct Blank;

impl VisitMut for Blank {
    fn visit_field_pat_mut(&mut self, field: &mut FieldPat) {
        field.colon_token.get_or_insert_with(Colon::default);
        syn::visit_mut::visit_field_pat_mut(self, field);
    }

    fn visit_pat_mut(&mut self, pat: &mut Pat) {
        if let Pat::Ident(name) = pat
            && name.subpat.is_none()
            && !name.ident.to_string().starts_with(char::is_uppercase)
        {
            *pat = parse_quote!(_);
        } else {
            syn::visit_mut::visit_pat_mut(self, pat);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arm_is_called_after_its_pattern_without_bindings() {
        let choice: ExprMatch = syn::parse_str(
            "match x { None => 1, Some(n) if n > 3 => 2, Some(ref k) => 3, A::Big { n, .. } => 4, \
             1 | 2..=5 => 5, q @ [_, _] => 6, _ => 7 }",
        )
        .unwrap();
        let keys = arm_keys(choice.arms.iter().map(|arm| guard_of(&arm.pat).0));
        let expected = [
            "None",
            "Some(_)",
            "Some(_) #2",
            "A::Big { n: _, .. }",
            "1 | 2..=5",
            "q @ [_, _]",
            "_",
        ];
        assert_eq!(keys, expected);
    }
}
