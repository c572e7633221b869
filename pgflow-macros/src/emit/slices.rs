//! Slices: the few statements of the body that lead to an expression, verbatim, with every awaited call in them
//! replaced by a load of its stored result. A name that we failed to find is unbound here, and rustc says so.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, Ident, visit_mut::VisitMut};

use super::{nodes::node_id, option, private, private_at, step::decode};
use crate::{
    model::{
        Arm, BindingId, Body, Branch, Call, LetId, Mode, Model, Needs, Node, NodeId, Signal,
        Statement, Work, hole_in,
    },
    signature::{Input, stored_name},
};

/// What all slices of a workflow share.
pub struct Slices<'a> {
    pub model: &'a Model,
    pub inputs: &'a [Input],
}

/// The callee's type under a name of ours, at the callee's place: where it is no step, this name stands in rustc's
/// sentence.
pub fn alias(index: NodeId, node: &Node, call: &Call) -> Ident {
    let name = call.callee.segments.last().map_or_else(String::new, |s| stored_name(&s.ident));
    let again = if call.first { String::new() } else { format!("_{index}") };
    let what = if matches!(node.work, Work::Child(_)) { "workflow" } else { "step" };
    format_ident!("{name}__is_not_a_{what}{again}", span = node.span)
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
    /// What leads to the final value.
    pub fn prefix(&self, needs: &Needs) -> TokenStream {
        let (inputs, lets) = (self.needed_inputs(needs), self.lets(&self.model.body, needs, None));
        quote!(#inputs #lets)
    }

    /// What leads to a node, into the arms in which it stands, and then `end`, which leaves the slice.
    pub fn lead(&self, node: NodeId, needs: &Needs, end: &TokenStream) -> TokenStream {
        let inputs = self.needed_inputs(needs);
        let way = self.model.way_to(node);
        let rest = self.descend(&self.model.body, &way, node, needs, end);
        quote!(#inputs #rest)
    }

    fn descend(
        &self,
        body: &Body,
        way: &[(NodeId, usize)],
        to: NodeId,
        needs: &Needs,
        end: &TokenStream,
    ) -> TokenStream {
        let next = way.first().map_or(to, |(branch, _)| *branch);
        let lets = self.lets(body, needs, Some(self.model.nodes[next].statement));
        let Some(((branch, arm), inner)) = way.split_first() else { return quote!(#lets #end) };
        let Work::Branch(choice) = &self.model.nodes[*branch].work else { return quote!() };
        let arm = &choice.arms[*arm];
        let inside = self.descend(&arm.body, inner, to, needs, end);
        if !needs.arms.contains(branch) {
            let hidden = self.not_read(&arm.bindings);
            return quote!(#lets { #hidden #inside });
        }
        let (on, pat, diverged) = (self.fill(&choice.on), &arm.pat, self.diverged(*branch));
        if choice.is_match {
            quote!(#lets match #on { #pat => { #inside } _ => {} } #diverged)
        } else {
            quote!(#lets if #on { #inside } #diverged)
        }
    }

    /// The `let`s of a body that are needed, before the statement `end`.
    fn lets(&self, body: &Body, needs: &Needs, end: Option<usize>) -> TokenStream {
        let statements = &body.statements[..end.unwrap_or(body.statements.len())];
        let lets = statements.iter().map(|statement| match statement {
            Statement::Let(id) if needs.lets.contains(id) => self.binding(*id),
            Statement::Let(id) => self.not_read(&self.model.lets[*id].bindings),
            Statement::Effect => TokenStream::new(),
        });
        lets.collect()
    }

    fn binding(&self, id: LetId) -> TokenStream {
        let binding = &self.model.lets[id];
        let (pat, init) = (&binding.pat, self.fill(&binding.init));
        quote!(let #pat = #init;)
    }

    /// Left out, but it shadows: a reader that we overlooked must not see the older binding of the name.
    fn not_read(&self, bindings: &[BindingId]) -> TokenStream {
        let p = private();
        let names = bindings
            .iter()
            .filter(|binding| self.model.shadows(**binding))
            .map(|binding| &self.model.bindings[*binding].name);
        quote!(#(let #names = #p::NotRead;)*)
    }

    fn needed_inputs(&self, needs: &Needs) -> TokenStream {
        needs.inputs.iter().map(|i| self.input(*i)).collect()
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
                    // in parentheses: a block-like expression may begin a statement that goes on after it
                    Some(node) => {
                        let load = self.0.load(node);
                        *expr = Expr::Verbatim(quote!((#load)));
                    }
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
        let value = match &node.work {
            Work::Step(call) => load_call(index, node, call, ["output", "result"]),
            Work::Map(call, items) if items.bounds.at_least.is_some() => {
                load_call(index, node, call, ["partial", "partial_result"])
            }
            Work::Map(call, _) => load_call(index, node, call, ["outputs", "results"]),
            Work::Branch(branch) => return self.value_of(index, branch),
            Work::Wait(wait) => match &wait.signal {
                Some(signal) => load_signal(index, node, signal),
                None => return quote!(()),
            },
            Work::Child(call) => load_child(index, node, call),
        };
        match node.mode {
            Mode::Final => quote!(::core::result::Result::Ok(#value)),
            Mode::Required | Mode::Tolerated => value,
        }
    }

    /// The value of the arm that was taken.
    fn value_of(&self, index: NodeId, branch: &Branch) -> TokenStream {
        let (p, diverged) = (private(), self.diverged(index));
        let took = |arm: &Arm| {
            let key = &arm.key;
            loaded(&quote!(#p::took(__pgflow_env, #index, #key)))
        };
        let values: Vec<_> = branch.arms.iter().map(|arm| self.value_in(arm)).collect();
        if branch.is_match && branch.binds {
            let (on, pats) = (self.fill(&branch.on), branch.arms.iter().map(|arm| &arm.pat));
            let guards = branch.arms.iter().map(took);
            return quote!(match #on { #(#pats if #guards => { #values })* _ => { #diverged } });
        }
        if branch.is_match {
            let guards = branch.arms.iter().map(took);
            return quote!(match () { #(() if #guards => { #values })* _ => { #diverged } });
        }
        let (taken, then, other) = (took(&branch.arms[0]), &values[0], &values[1]);
        if branch.binds {
            let on = self.fill(&branch.on);
            quote!(if #taken { if #on { #then } else { #diverged } } else { #other })
        } else {
            quote!(if #taken { #then } else { #other })
        }
    }

    fn value_in(&self, arm: &Arm) -> TokenStream {
        let Some(value) = &arm.body.value else { return TokenStream::new() };
        let lets = self.lets(&arm.body, &self.model.needs(&value.reads), None);
        let value = self.fill(&value.expr);
        quote!(#lets #value)
    }

    /// Ends a slice whose patterns do not match what was recorded.
    pub fn diverged(&self, branch: NodeId) -> TokenStream {
        let (p, id) = (private(), node_id(self.model, branch));
        quote!(return ::core::result::Result::Ok(#p::diverged(__pgflow_env, &#id));)
    }
}

/// Loads what a call of a step came to, by the functions for a required and a tolerated one.
fn load_call(
    index: NodeId,
    node: &Node,
    call: &Call,
    [required, tolerated]: [&str; 2],
) -> TokenStream {
    let (p, step, codec) =
        (private_at(node.span), alias(index, node, call), codec(index, node, call));
    let is_tolerated = node.mode == Mode::Tolerated;
    let load = format_ident!("{}", if is_tolerated { tolerated } else { required });
    let error = quote_spanned!(node.span=> <#step as #p::Step>::Error);
    let revive = match (required, is_tolerated) {
        // the plain call asks for it, at `.at_least`
        ("partial", _) => quote! {
            , |__pgflow_failure| {
                use #p::{Revives as _, RevivesNot as _};
                (&#p::ProbeType::<#error>(::core::marker::PhantomData)).revive(__pgflow_failure)
            }
        },
        (_, true) => quote_spanned!(node.span=> , <#error as #p::Tolerable>::from_failure),
        (_, false) => TokenStream::new(),
    };
    loaded(&quote_spanned!(node.span=> #p::#load(__pgflow_env, #index, #codec #revive)))
}

/// Loads the payload of a signal, whose error is the failure itself.
fn load_signal(index: NodeId, node: &Node, signal: &Signal) -> TokenStream {
    let (p, decode) = (private(), decode(&signal.ty.to_token_stream(), &quote!(__pgflow_payload)));
    let decode = quote!(|__pgflow_payload| #decode);
    loaded(&if node.mode == Mode::Tolerated {
        quote!(#p::value_result(__pgflow_env, #index, #decode, ::core::clone::Clone::clone))
    } else {
        quote!(#p::value(__pgflow_env, #index, #decode))
    })
}

/// Loads the value of a child: tolerated, its error is read back where it was stored, else made from the failure.
fn load_child(index: NodeId, node: &Node, call: &Call) -> TokenStream {
    let (p, child) = (private_at(node.span), alias(index, node, call));
    let value = quote_spanned!(node.span=> <#child as #p::Workflow>::decode_output);
    if node.mode != Mode::Tolerated {
        return loaded(&quote_spanned!(node.span=> #p::value(__pgflow_env, #index, #value)));
    }
    let error = quote_spanned!(node.span=> <#child as #p::Workflow>::Error);
    let data = decode(&error, &quote!(&#p::Json::from_trusted(__pgflow_data)));
    let revive = quote_spanned! {node.span=>
        |__pgflow_failure: &#p::Failure| {
            let __pgflow_data = __pgflow_failure.data.as_deref().and_then(|__pgflow_data| #data.ok());
            __pgflow_data.unwrap_or_else(|| <#error as #p::Tolerable>::from_failure(__pgflow_failure.clone()))
        }
    };
    loaded(&quote_spanned!(node.span=> #p::value_result(__pgflow_env, #index, #value, #revive)))
}

/// The codec of a node's step.
pub fn codec(index: NodeId, node: &Node, call: &Call) -> TokenStream {
    let (p, step) = (private_at(node.span), alias(index, node, call));
    quote_spanned!(node.span=> <<#step as #p::Step>::Codec as ::core::default::Default>::default())
}
