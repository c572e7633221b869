//! Slices: the few statements of the body that lead to an expression, verbatim, with every awaited call in them
//! replaced by a load of its stored result. A name that we failed to find is unbound here, and rustc says so.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, Ident, visit_mut::VisitMut};

use super::{option, private, private_at, step::decode};
use crate::{
    model::{LetId, Mode, Model, Needs, Node, NodeId, Statement, Work, hole_in},
    signature::{Input, stored_name},
};

/// What all slices of a workflow share.
pub struct Slices<'a> {
    pub model: &'a Model,
    pub inputs: &'a [Input],
}

/// The callee's type under a name of ours, at the callee's place: where it is no step, this name stands in rustc's
/// sentence.
pub fn alias(index: NodeId, node: &Node) -> Ident {
    let name = node.callee.segments.last().map_or_else(String::new, |s| stored_name(&s.ident));
    let again = if node.first { String::new() } else { format!("_{index}") };
    format_ident!("{name}__is_not_a_step{again}", span = node.span)
}

/// The value of a load, or the end of the slice.
fn loaded(load: &TokenStream) -> TokenStream {
    quote! {
        match #load {
            ::core::option::Option::Some(__pgflow_value) => __pgflow_value,
            ::core::option::Option::None => return ::core::result::Result::Ok(::core::option::Option::None),
        }
    }
}

impl Slices<'_> {
    /// The statements before the statement `end` that `needs` asks for.
    pub fn prefix(&self, needs: &Needs, end: usize) -> TokenStream {
        let inputs = needs.inputs.iter().map(|i| self.input(*i));
        let lets = self.model.statements[..end].iter().map(|statement| match statement {
            Statement::Let(id) if needs.lets.contains(id) => {
                let binding = &self.model.lets[*id];
                let (pat, init) = (&binding.pat, self.fill(&binding.init));
                quote!(let #pat = #init;)
            }
            Statement::Let(id) => self.left_out(*id),
            Statement::Effect => TokenStream::new(),
        });
        quote!(#(#inputs)* #(#lets)*)
    }

    /// Left out, but it shadows: a reader that we overlooked must not see the older binding of the name.
    fn left_out(&self, id: LetId) -> TokenStream {
        let p = private();
        let bindings = &self.model.lets[id].bindings;
        let names = bindings
            .iter()
            .filter(|binding| self.model.shadows(**binding))
            .map(|binding| &self.model.bindings[*binding].name);
        quote!(#(let #names = #p::NotRead;)*)
    }

    fn input(&self, index: usize) -> TokenStream {
        let (p, Input { pat, ty, .. }) = (private(), &self.inputs[index]);
        let name = self.input_name(index);
        let decode = decode(&ty.to_token_stream(), &quote!(__pgflow_json));
        let value = loaded(&quote!(#p::input(__pgflow_env, #name, |__pgflow_json| #decode)));
        quote!(let #pat: #ty = #value;)
    }

    /// The member of the payload that holds an input; the only input is the payload itself.
    pub fn input_name(&self, index: usize) -> TokenStream {
        let name = &self.inputs[index].name;
        option((self.inputs.len() > 1).then(|| quote!(#name)))
    }

    /// An expression with its holes filled by loads.
    pub fn fill(&self, expr: &Expr) -> TokenStream {
        struct Fill<'a>(&'a Slices<'a>);
        impl VisitMut for Fill<'_> {
            fn visit_expr_mut(&mut self, expr: &mut Expr) {
                match hole_in(expr) {
                    Some(node) => *expr = Expr::Verbatim(self.0.load(node)),
                    None => syn::visit_mut::visit_expr_mut(self, expr),
                }
            }
        }
        let mut expr = expr.clone();
        Fill(self).visit_expr_mut(&mut expr);
        expr.into_token_stream()
    }

    fn load(&self, index: NodeId) -> TokenStream {
        let node = &self.model.nodes[index];
        let p = private_at(node.span);
        let step = alias(index, node);
        let codec = codec(index, node);
        let tolerated = node.mode == Mode::Tolerated;
        let load = match (&node.work, tolerated) {
            (Work::Step, false) => format_ident!("output"),
            (Work::Step, true) => format_ident!("result"),
            (Work::Map(_), false) => format_ident!("outputs"),
            (Work::Map(_), true) => format_ident!("results"),
        };
        let revive = tolerated.then(
            || quote_spanned!(node.span=> , <<#step as #p::Step>::Error as #p::Tolerable>::from_failure),
        );
        let value =
            loaded(&quote_spanned!(node.span=> #p::#load(__pgflow_env, #index, #codec #revive)));
        match node.mode {
            Mode::Final => quote!(::core::result::Result::Ok(#value)),
            Mode::Required | Mode::Tolerated => value,
        }
    }
}

/// The codec of a node's step.
pub fn codec(index: NodeId, node: &Node) -> TokenStream {
    let (p, step) = (private_at(node.span), alias(index, node));
    quote_spanned!(node.span=> <<#step as #p::Step>::Codec as ::core::default::Default>::default())
}
