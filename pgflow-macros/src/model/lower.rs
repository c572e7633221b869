//! Statements to the model.

use std::collections::BTreeMap;

use proc_macro2::Span;
use quote::ToTokens;
use syn::{
    Attribute, Block, Expr, ExprCall, Item, Local, Meta, Pat, Path, Stmt, parse_quote, visit::Visit,
};

use super::{
    Binding, BindingId, Body, Call, Let, Mode, Model, Node, NodeId, Origin, Reads, Statement,
    Value, Work,
    free::{FreeNames, bound},
    lift::{awaits, hole_in, returns},
};
use crate::{
    diagnostics::{self as say, Errors},
    names,
    options::text_of,
    signature::Input,
    text::stable,
};

/// Reads a body and checks it.
pub fn lower(inputs: &[Input], block: &Block, errors: &mut Errors) -> Model {
    let mut lower = Lower {
        errors,
        scopes: vec![BTreeMap::new()],
        model: Model::default(),
        body: Body::default(),
        arm: None,
        reads: Reads::default(),
        id: None,
    };
    for (i, input) in inputs.iter().enumerate() {
        lower.refuse_mut(&input.pat);
        lower.bind(&input.pat, Origin::Input(i));
    }
    let body = lower.body(block, Tail::Final);
    let mut model = Model { body, ..lower.model };
    model.finish(errors);
    model
}

/// The model as it grows.
pub struct Lower<'e> {
    pub errors: &'e mut Errors,
    /// Names in sight; `None` where a closure binds the name.
    pub scopes: Vec<BTreeMap<String, Option<BindingId>>>,
    pub model: Model,
    /// The body under way.
    body: Body,
    /// The arm under way.
    arm: Option<(NodeId, usize)>,
    /// What the piece of Rust under way reads.
    reads: Reads,
    /// The `#[id]` of the statement under way, until its call takes it.
    pub id: Option<(String, Attribute)>,
}

/// What becomes of an expression's value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// It is the workflow's.
    Final,
    Read,
    /// Nobody takes it.
    Unread,
}

impl Lower<'_> {
    /// The statements of a block; `tail`: what becomes of its value.
    pub fn body(&mut self, block: &Block, tail: Tail) -> Body {
        self.in_body(|lower| {
            let last = block.stmts.len().wrapping_sub(1);
            for (i, statement) in block.stmts.iter().enumerate() {
                lower.statement(statement, (i == last).then_some(tail));
                lower.spent_id();
            }
        })
    }

    /// The body of an arm that is no block.
    pub fn expression_body(&mut self, expr: &Expr, tail: Tail) -> Body {
        self.in_body(|lower| {
            lower.value(expr.clone(), tail);
            lower.spent_id();
        })
    }

    /// An `#[id]` that no call has taken.
    fn spent_id(&mut self) {
        if let Some((_, attribute)) = self.id.take() {
            self.errors.on(&attribute, say::ID_WITHOUT_CALL);
        }
    }

    fn in_body(&mut self, read: impl FnOnce(&mut Self)) -> Body {
        let outer = std::mem::take(&mut self.body);
        self.scopes.push(BTreeMap::new());
        read(self);
        self.scopes.pop();
        std::mem::replace(&mut self.body, outer)
    }

    /// Goes into an arm of a branch.
    pub fn in_arm(
        &mut self,
        branch: NodeId,
        arm: usize,
        read: impl FnOnce(&mut Self) -> Body,
    ) -> Body {
        let outer = self.arm.replace((branch, arm));
        let body = read(self);
        self.arm = outer;
        body
    }

    /// `tail`: it is the last one of its body.
    fn statement(&mut self, statement: &Stmt, tail: Option<Tail>) {
        match (statement, tail) {
            (Stmt::Item(item @ (Item::Use(_) | Item::Const(_))), _) if self.arm.is_none() => {
                self.model.items.push(item.clone());
            }
            (Stmt::Item(item), _) => self.errors.on(item, say::ONLY_USE_AND_CONST),
            (Stmt::Local(local), _) => self.binding(local),
            (Stmt::Expr(value, None), Some(tail)) => self.value(value.clone(), tail),
            (Stmt::Expr(expr, _), _) => self.effect(expr),
            (Stmt::Macro(m), Some(tail)) if m.semi_token.is_none() && tail != Tail::Unread => {
                let mac = &m.mac;
                self.value(parse_quote!(#mac), tail);
            }
            (Stmt::Macro(m), _) => {
                self.errors.on(&m.mac.path, say::statement_macro(&stable(&m.mac.path)));
            }
        }
    }

    fn binding(&mut self, local: &Local) {
        self.attributes(&local.attrs);
        self.refuse_mut(&local.pat);
        let Some(init) = &local.init else {
            self.refuse::<()>(local, say::LET_WITHOUT_VALUE);
            return;
        };
        if let Some((token, _)) = &init.diverge {
            self.errors.on(token, say::LET_ELSE);
        }
        let mut init = (*init.expr).clone();
        let reads = self.piece(&mut init, Tail::Read);
        let id = self.model.lets.len();
        let bindings = self.bind(&local.pat, Origin::Let(id));
        self.model.lets.push(Let { pat: local.pat.clone(), init, reads, bindings });
        self.body.statements.push(Statement::Let(id));
    }

    fn effect(&mut self, expr: &Expr) {
        self.attributes(attributes_of(expr));
        if !awaits(expr) {
            if returns(expr) {
                self.piece(&mut expr.clone(), Tail::Read);
            } else if let Expr::Macro(m) = expr {
                self.errors.on(&m.mac.path, say::statement_macro(&stable(&m.mac.path)));
            } else {
                self.errors.on(expr, say::NO_STEP);
            }
            return;
        }
        let mut lifted = expr.clone();
        let before = self.errors.count();
        self.piece(&mut lifted, Tail::Unread);
        if hole_in(&lifted).is_none() && self.errors.count() == before {
            self.errors.on(expr, say::MORE_THAN_A_CALL);
        }
        self.body.statements.push(Statement::Effect);
    }

    fn value(&mut self, mut expr: Expr, tail: Tail) {
        if tail == Tail::Unread {
            // what an arm of a statement comes to: a name or a literal is no loss, the rest would be
            if !matches!(expr, Expr::Path(_) | Expr::Lit(_) | Expr::Tuple(_)) || awaits(&expr) {
                self.effect(&expr);
            }
            return;
        }
        self.attributes(attributes_of(&expr));
        let reads = self.piece(&mut expr, tail);
        self.body.value = Some(Value { expr, reads });
    }

    /// Lifts the calls out of one expression and finds the names it reads.
    pub fn piece(&mut self, expr: &mut Expr, tail: Tail) -> Reads {
        self.reading(|lower| {
            lower.lift(expr, tail);
            lower.names(expr);
        })
    }

    /// What is read by the expressions that `visit` goes through.
    pub fn reading(&mut self, visit: impl FnOnce(&mut Self)) -> Reads {
        let outer = std::mem::take(&mut self.reads);
        visit(self);
        std::mem::replace(&mut self.reads, outer)
    }

    /// Adds the names that a lifted expression reads.
    pub fn names(&mut self, expr: &Expr) {
        let scopes = &self.scopes;
        let lookup =
            |name: &str| scopes.iter().rev().find_map(|scope| scope.get(name)).copied().flatten();
        FreeNames::new(&lookup, &mut self.reads, self.errors).visit_expr(expr);
    }

    /// A call by the path `callee`.
    pub fn called(&self, callee: Path, call: ExprCall) -> Call {
        let name = |path: &Path| path.segments.last().map(|s| s.ident.to_string());
        let mut earlier = self.model.nodes.iter().filter_map(|n| n.work.call());
        let first = !earlier.any(|c| name(&c.callee) == name(&callee));
        Call { callee, expr: call, first }
    }

    /// Adds a node to the model and to what is read; `place` is the user's token for it.
    pub fn node(&mut self, work: Work, reads: Reads, mode: Mode, place: Span) -> NodeId {
        let node = self.model.nodes.len();
        self.model.nodes.push(Node {
            work,
            reads,
            after: Reads::default(),
            mode,
            id: self.id.take().map(|(id, _)| id),
            // the place is the user's token, the names are ours: also inside the body of a `macro_rules!`
            span: Span::call_site().located_at(place),
            arm: self.arm,
            statement: self.body.statements.len(),
            order: std::collections::BTreeSet::new(),
        });
        self.reads.nodes.insert(node);
        node
    }

    /// Reports a call that cannot stand here. The `#[id]` before it is no second mistake.
    pub fn refuse<T>(&mut self, at: &impl ToTokens, text: &str) -> Option<T> {
        self.errors.on(at, text);
        self.model.refused = true;
        self.id = None;
        None
    }

    pub fn bind(&mut self, pat: &Pat, origin: Origin) -> Vec<BindingId> {
        let mut ids = Vec::new();
        for name in bound(pat) {
            let id = self.model.bindings.len();
            if let Some(scope) = self.scopes.last_mut() {
                scope.insert(name.to_string(), Some(id));
            }
            self.model.bindings.push(Binding { name, origin });
            ids.push(id);
        }
        ids
    }

    pub fn refuse_mut(&mut self, pat: &Pat) {
        struct Mutable<'a>(&'a mut Errors);
        impl Visit<'_> for Mutable<'_> {
            fn visit_pat_ident(&mut self, pat: &syn::PatIdent) {
                if let (None, Some(token)) = (&pat.by_ref, &pat.mutability) {
                    self.0.on(token, say::LET_MUT);
                }
            }
        }
        Mutable(self.errors).visit_pat(pat);
    }

    /// Reads `#[id = "…"]` and refuses `#[cfg(…)]`.
    pub fn attributes(&mut self, attributes: &[Attribute]) {
        for attribute in attributes {
            if attribute.path().is_ident("cfg") {
                self.errors.on(attribute, say::CFG);
            }
            if !attribute.path().is_ident("id") {
                continue;
            }
            // a wrong id is one mistake, and the call not one without an id
            let name = self.node_name(attribute).unwrap_or_else(|| stable(attribute));
            self.id = Some((name, attribute.clone()));
        }
    }

    fn node_name(&mut self, attribute: &Attribute) -> Option<String> {
        let Meta::NameValue(pair) = &attribute.meta else {
            self.errors.on(attribute, say::needs_value("id"));
            return None;
        };
        let Some(text) = text_of(&pair.value) else {
            self.errors.on(&pair.value, say::not_a_text("id"));
            return None;
        };
        let name = text.value();
        if let Err(why) = names::check(&name) {
            self.errors.on(text, say::unfit_name(&name, why));
        }
        Some(name)
    }
}

/// The attributes before an expression statement.
fn attributes_of(expr: &Expr) -> &[Attribute] {
    match expr {
        Expr::Await(e) => &e.attrs,
        Expr::Try(e) => &e.attrs,
        Expr::Call(e) => &e.attrs,
        Expr::MethodCall(e) => &e.attrs,
        Expr::If(e) => &e.attrs,
        Expr::Match(e) => &e.attrs,
        Expr::Macro(e) => &e.attrs,
        _ => &[],
    }
}
