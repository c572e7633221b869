//! Statements to the model.

use std::collections::BTreeMap;

use proc_macro2::Span;
use quote::ToTokens;
use syn::{
    Attribute, Block, Expr, ExprCall, Item, Local, Meta, Pat, Path, Stmt, parse_quote,
    spanned::Spanned, visit::Visit,
};

use super::{
    Binding, BindingId, Let, Mode, Model, Node, NodeId, Origin, Reads, Statement, Value, Work,
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
        reads: Reads::default(),
        id: None,
    };
    for (i, input) in inputs.iter().enumerate() {
        lower.refuse_mut(&input.pat);
        lower.bind(&input.pat, Origin::Input(i));
    }
    lower.body(block);
    let mut model = lower.model;
    model.finish(errors);
    model
}

/// The model as it grows.
pub struct Lower<'e> {
    pub errors: &'e mut Errors,
    /// Names in sight; `None` where a closure binds the name.
    pub scopes: Vec<BTreeMap<String, Option<BindingId>>>,
    pub model: Model,
    /// What the piece of Rust under way reads.
    reads: Reads,
    /// The `#[id]` of the statement under way, until its call takes it.
    pub id: Option<(String, Attribute)>,
}

/// What makes a node.
pub struct NewNode {
    pub work: Work,
    pub callee: Path,
    pub call: ExprCall,
    pub reads: Reads,
    pub mode: Mode,
}

impl Lower<'_> {
    fn body(&mut self, block: &Block) {
        let last = block.stmts.len().wrapping_sub(1);
        for (i, statement) in block.stmts.iter().enumerate() {
            self.statement(statement, i == last);
            if let Some((_, attribute)) = self.id.take() {
                self.errors.on(&attribute, say::ID_WITHOUT_CALL);
            }
        }
        if self.model.value.is_none() {
            self.errors.at(block.brace_token.span.close(), say::NO_VALUE);
            self.model.refused = true;
        }
    }

    fn statement(&mut self, statement: &Stmt, is_last: bool) {
        match statement {
            Stmt::Item(item @ (Item::Use(_) | Item::Const(_))) => {
                self.model.items.push(item.clone());
            }
            Stmt::Item(item) => self.errors.on(item, say::ONLY_USE_AND_CONST),
            Stmt::Local(local) => self.binding(local),
            Stmt::Expr(value, None) if is_last => self.value(value.clone()),
            Stmt::Expr(expr, _) => self.effect(expr),
            Stmt::Macro(m) if is_last && m.semi_token.is_none() => {
                let mac = &m.mac;
                self.value(parse_quote!(#mac));
            }
            Stmt::Macro(m) => {
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
        let reads = self.piece(&mut init, false);
        let id = self.model.lets.len();
        let bindings = self.bind(&local.pat, Origin::Let(id));
        self.model.lets.push(Let { pat: local.pat.clone(), init, reads, bindings });
        self.model.statements.push(Statement::Let(id));
    }

    fn effect(&mut self, expr: &Expr) {
        self.attributes(attributes_of(expr));
        if !awaits(expr) {
            if returns(expr) {
                self.piece(&mut expr.clone(), false);
            } else {
                self.errors.on(expr, say::NO_STEP);
            }
            return;
        }
        let mut lifted = expr.clone();
        let before = self.errors.count();
        self.piece(&mut lifted, false);
        if hole_in(&lifted).is_none() && self.errors.count() == before {
            self.errors.on(expr, say::MORE_THAN_A_CALL);
        }
        self.model.statements.push(Statement::Effect);
    }

    fn value(&mut self, mut expr: Expr) {
        self.attributes(attributes_of(&expr));
        let reads = self.piece(&mut expr, true);
        self.model.value = Some(Value { expr, reads });
    }

    /// Lifts the calls out of one expression and finds the names it reads.
    fn piece(&mut self, expr: &mut Expr, is_final: bool) -> Reads {
        self.reading(|lower| {
            lower.lift(expr, is_final);
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

    /// Adds a node to the model and to what is read.
    pub fn node(&mut self, new: NewNode) -> NodeId {
        let name = |path: &Path| path.segments.last().map(|s| s.ident.to_string());
        let first = !self.model.nodes.iter().any(|n| name(&n.callee) == name(&new.callee));
        // the place is the user's token, the names are ours: also inside the body of a `macro_rules!`
        let span = Span::call_site().located_at(new.callee.span());
        let node = self.model.nodes.len();
        self.model.nodes.push(Node {
            work: new.work,
            callee: new.callee,
            call: new.call,
            reads: new.reads,
            after: Reads::default(),
            mode: new.mode,
            id: self.id.take().map(|(id, _)| id),
            first,
            span,
            statement: self.model.statements.len(),
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

    fn bind(&mut self, pat: &Pat, origin: Origin) -> Vec<BindingId> {
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

    fn refuse_mut(&mut self, pat: &Pat) {
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
    fn attributes(&mut self, attributes: &[Attribute]) {
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
