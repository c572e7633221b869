//! The code of each node, and its line in the spec.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, Ident, spanned::Spanned};

use super::{
    option, private, private_at,
    slices::{Slices, alias, codec},
    step::encode,
};
use crate::{
    model::{
        Arm, Bounds, Branch, Call, Items, Mode, Model, Needs, Node, NodeId, Signal, Wait, Work,
    },
    text::stable,
};

/// What a node's slice holds around its call.
#[derive(Default)]
struct Leading {
    /// A parameter beside the environment.
    parameter: TokenStream,
    /// What comes before all.
    first: TokenStream,
    /// What comes just before the call.
    last: TokenStream,
}

fn function(name: &str, index: NodeId) -> Ident {
    format_ident!("__pgflow_{name}_{index}")
}

/// `step`'s id, at the call.
fn step_id(index: NodeId, node: &Node, call: &Call) -> TokenStream {
    let (p, step) = (private_at(node.span), alias(index, node, call));
    quote_spanned!(node.span=> <#step as #p::Step>::SPEC.id)
}

/// The name of the workflow that a child runs, at the call.
fn child_name(index: NodeId, node: &Node, call: &Call) -> TokenStream {
    let (p, child) = (private_at(node.span), alias(index, node, call));
    quote_spanned!(node.span=> <#child as #p::Workflow>::NAME)
}

/// The id of a node: a constant, but for a branch, which is called after the first node in it.
pub fn node_id(model: &Model, index: NodeId) -> TokenStream {
    let node = &model.nodes[index];
    if let Some(id) = &node.id {
        return quote!(#id);
    }
    match &node.work {
        Work::Step(call) | Work::Map(call, _) => step_id(index, node, call),
        Work::Child(call) => child_name(index, node, call),
        Work::Wait(wait) => wait.name().into_token_stream(),
        Work::Branch(_) => {
            let inside = |n: &Node| n.arm.is_some_and(|(of, _)| of == index);
            let first = model.nodes.iter().position(inside).map(|first| node_id(model, first));
            quote!(::std::format!("if:{}", #first))
        }
    }
}

impl Slices<'_> {
    /// The functions of a node. `error` is the workflow's error type.
    pub fn node(&self, index: NodeId, error: &TokenStream) -> TokenStream {
        match &self.model.nodes[index].work {
            Work::Step(call) => self.step(index, call, error),
            Work::Map(call, items) => {
                let list = self.list(index, call, items, error);
                let each = self.each(index, call, items, error);
                quote!(#list #each)
            }
            Work::Branch(branch) => self.decision(index, branch, error),
            Work::Wait(wait) => self.wait(index, wait, error),
            Work::Child(call) => self.child(index, call, error),
        }
    }

    fn step(&self, index: NodeId, call: &Call, error: &TokenStream) -> TokenStream {
        let node = &self.model.nodes[index];
        let (p, name) = (private_at(node.span), function("node", index));
        let slice = self.calling_slice(index, call, error, &Leading::default());
        let result = quote_spanned!(node.span=> __pgflow_slice(&__pgflow_env).await);
        let finish = finish_step(index, node, call, &result);
        quote_spanned! {node.span=>
            fn #name(__pgflow_env: #p::Env) -> #p::BoxFuture<#p::Outcome> {
                #slice
                ::std::boxed::Box::pin(async move { #finish })
            }
        }
    }

    /// The slice that ends in the user's call.
    fn calling_slice(
        &self,
        index: NodeId,
        called: &Call,
        error: &TokenStream,
        leading: &Leading,
    ) -> TokenStream {
        let node = &self.model.nodes[index];
        let needs = self.model.needs(&node.reads);
        let (p, step) = (private_at(node.span), alias(index, node, called));
        let call = self.fill(&Expr::Call(called.expr.clone()));
        let Leading { parameter, first, last } = leading;
        let end = quote_spanned! {node.span=>
            #last
            return ::core::result::Result::Ok(::core::option::Option::Some(#call.await));
        };
        let statements = self.lead(index, &needs, &end);
        let sync =
            needs.opaque.then(|| self.sync_check((index, node), error, leading, &needs, &call));
        let output = quote_spanned!(node.span=> <#step as #p::Step>::Output);
        let failure = quote_spanned!(node.span=> <#step as #p::Step>::Error);
        quote_spanned! {node.span=>
            #sync
            async fn __pgflow_slice(__pgflow_env: &#p::Env #parameter)
                -> #p::Slice<::core::result::Result<#output, #failure>, #error>
            {
                #first
                #statements
            }
        }
    }

    /// A macro of the user's might await, which would run a step inside this slice. So the statements are also
    /// type-checked where nothing can await, in a function that is never called.
    fn sync_check(
        &self,
        (index, node): (NodeId, &Node),
        error: &TokenStream,
        leading: &Leading,
        needs: &Needs,
        call: &TokenStream,
    ) -> TokenStream {
        let p = private_at(node.span);
        let Leading { parameter, first, last } = leading;
        let end = quote_spanned! {node.span=>
            #last
            let _ = #call;
            return ::core::result::Result::Ok(::core::option::Option::None);
        };
        let statements = self.lead(index, needs, &end);
        quote_spanned! {node.span=>
            fn __pgflow_sync(__pgflow_env: &#p::Env #parameter) -> #p::Slice<(), #error> {
                #first
                #statements
            }
        }
    }

    /// The elements of a map, each as JSON.
    fn list(&self, index: NodeId, call: &Call, items: &Items, error: &TokenStream) -> TokenStream {
        let node = &self.model.nodes[index];
        let p = private_at(node.span);
        let (name, id) = (function("items", index), step_id(index, node, call));
        let (list, encode) = (self.fill(&items.expr), encode(&quote!(&__pgflow_item)));
        let end = quote! {
            let mut __pgflow_items = ::std::vec::Vec::new();
            for __pgflow_item in ::core::iter::IntoIterator::into_iter(#list) {
                __pgflow_items.push(#encode);
            }
            return ::core::result::Result::Ok(::core::option::Option::Some(__pgflow_items));
        };
        let statements = self.lead(index, &self.model.needs(&items.reads), &end);
        quote! {
            fn #name(__pgflow_env: &#p::Env) -> #p::Outcome {
                fn __pgflow_slice(__pgflow_env: &#p::Env)
                    -> #p::Slice<::std::vec::Vec<::core::result::Result<#p::Json, #p::PayloadError>>, #error>
                {
                    #statements
                }
                #p::finish_items(__pgflow_env, #id, __pgflow_body_failure, __pgflow_slice(__pgflow_env))
            }
        }
    }

    /// The call for one element. The element's type is that of the list's elements, which nobody names: a branch that
    /// never runs takes one out of the list.
    fn each(&self, index: NodeId, call: &Call, items: &Items, error: &TokenStream) -> TokenStream {
        let node = &self.model.nodes[index];
        let (p, name) = (private_at(node.span), function("each", index));
        let witness = self.witness(index, items);
        let place = Span::call_site().located_at(items.expr.span());
        let at = private_at(place);
        let element = quote_spanned!(place=> #at::element(__pgflow_env, __pgflow_json));
        let pat = items.element.as_ref().map_or_else(
            || Ident::new("__pgflow_item", call.callee.span()).into_token_stream(),
            ToTokens::to_token_stream,
        );
        let first = quote! {
            let __pgflow_element = if let ::core::option::Option::Some(__pgflow_value) = #element {
                __pgflow_value
            } else if true {
                return ::core::result::Result::Ok(::core::option::Option::None);
            } else {
                #witness
            };
        };
        let leading = Leading {
            parameter: quote!(, __pgflow_json: &#p::Json),
            first,
            last: quote!(let #pat = __pgflow_element;),
        };
        let slice = self.calling_slice(index, call, error, &leading);
        let result =
            quote_spanned!(node.span=> __pgflow_slice(&__pgflow_env, &__pgflow_json).await);
        let finish = finish_step(index, node, call, &result);
        quote_spanned! {node.span=>
            fn #name(__pgflow_env: #p::Env, __pgflow_json: #p::Json) -> #p::BoxFuture<#p::Outcome> {
                #slice
                ::std::boxed::Box::pin(async move { #finish })
            }
        }
    }

    fn witness(&self, index: NodeId, items: &Items) -> TokenStream {
        let list = self.fill(&items.expr);
        let end = quote! {
            break '__pgflow_witness match ::core::iter::Iterator::next(&mut ::core::iter::IntoIterator::into_iter(#list)) {
                ::core::option::Option::Some(__pgflow_value) => __pgflow_value,
                ::core::option::Option::None => return ::core::result::Result::Ok(::core::option::Option::None),
            };
        };
        let statements = self.lead(index, &self.model.needs(&items.reads), &end);
        quote!('__pgflow_witness: { #statements })
    }

    /// Which arm a branch takes.
    fn decision(&self, index: NodeId, branch: &Branch, error: &TokenStream) -> TokenStream {
        let (p, on) = (private(), self.fill(&branch.on));
        let taken = if branch.is_match {
            let arms = branch.arms.iter().enumerate().map(|(arm, Arm { pat, guard, .. })| {
                let guard = guard.as_ref().map(|guard| quote!(if #guard));
                quote!(#pat #guard => #arm,)
            });
            // an arm that is missing is one mistake, of the plain function
            let diverged = self.diverged(index);
            quote!(match #on { #(#arms)* _ => { #diverged } })
        } else {
            quote!(if #on { 0usize } else { 1usize })
        };
        let end = quote!(return ::core::result::Result::Ok(::core::option::Option::Some(#taken)););
        let statements = self.lead(index, &self.model.data(&self.model.nodes[index]), &end);
        let name = function("node", index);
        quote! {
            fn #name(__pgflow_env: &#p::Env) -> #p::Outcome {
                fn __pgflow_slice(__pgflow_env: &#p::Env) -> #p::Slice<usize, #error> { #statements }
                #p::finish_arm(__pgflow_env, __pgflow_body_failure, __pgflow_slice(__pgflow_env))
            }
        }
    }

    /// How long a sleep lasts, or a signal is waited for: the user's own call says it.
    fn wait(&self, index: NodeId, wait: &Wait, error: &TokenStream) -> TokenStream {
        let node = &self.model.nodes[index];
        let (p, name, call) = (private(), function("node", index), self.fill(&wait.call));
        let end = quote! {
            return ::core::result::Result::Ok(::core::option::Option::Some((#call).limit()));
        };
        let statements = self.lead(index, &self.model.data(node), &end);
        quote! {
            fn #name(__pgflow_env: &#p::Env) -> #p::Outcome {
                fn __pgflow_slice(__pgflow_env: &#p::Env)
                    -> #p::Slice<::core::option::Option<::core::time::Duration>, #error>
                {
                    #statements
                }
                #p::finish_wait(__pgflow_env, __pgflow_body_failure, __pgflow_slice(__pgflow_env))
            }
        }
    }

    /// The input of a child. The arguments get their types from the workflow's own parameters, in a branch that never
    /// runs, so that a wrong one is the mistake that rustc finds in the plain call too.
    fn child(&self, index: NodeId, call: &Call, error: &TokenStream) -> TokenStream {
        let node = &self.model.nodes[index];
        let (p, name, child) = (private(), function("node", index), alias(index, node, call));
        let callee = &call.callee;
        let arguments: Vec<_> = call.expr.args.iter().map(|argument| self.fill(argument)).collect();
        let names: Vec<_> = call
            .expr
            .args
            .iter()
            .enumerate()
            .map(|(i, argument)| Ident::new(&format!("__pgflow_a{i}"), argument.span()))
            .collect();
        let encoded = names.iter().map(|name| encode(&quote!(&#name)));
        let spec = quote_spanned!(node.span=> <#child as #p::Workflow>::SPEC);
        let end = quote! {
            #(let #names = #arguments;)*
            return ::core::result::Result::Ok(::core::option::Option::Some(if false {
                let _ = #callee(#(#names),*);
                ::core::unreachable!()
            } else {
                #p::child_input((#spec)(), ::std::vec![#(#encoded),*])
            }));
        };
        let statements = self.lead(index, &self.model.data(node), &end);
        let child = child_name(index, node, call);
        quote! {
            fn #name(__pgflow_env: &#p::Env) -> #p::Outcome {
                fn __pgflow_slice(__pgflow_env: &#p::Env)
                    -> #p::Slice<::core::result::Result<#p::Json, #p::PayloadError>, #error>
                {
                    #statements
                }
                #p::finish_input(__pgflow_env, #child, __pgflow_body_failure, __pgflow_slice(__pgflow_env))
            }
        }
    }

    /// The node's line in the spec.
    pub fn spec(&self, index: NodeId) -> TokenStream {
        let node = &self.model.nodes[index];
        let p = private_at(node.span);
        let reads = self.model.needs(&node.reads).loads;
        let (loads, each_loads) = match &node.work {
            Work::Map(_, items) => (self.model.needs(&items.reads).loads, reads),
            _ => (self.model.data(node).loads, BTreeSet::new()),
        };
        let (kind, run) = self.code(index);
        let id = option(node.id.as_ref().map(|id| quote!(#id)));
        let (loads, each_loads, order) = (loads.iter(), each_loads.iter(), node.order.iter());
        let condition = option(node.arm.map(|(branch, arm)| quote!((#branch, #arm))));
        let tolerated = node.mode == Mode::Tolerated;
        quote! {
            #p::NodeSpec {
                kind: #p::NodeKindSpec::#kind, id: #id, loads: &[#(#loads),*],
                each_loads: &[#(#each_loads),*], order: &[#(#order),*], condition: #condition,
                tolerated: #tolerated, run: #p::NodeRun::#run,
            }
        }
    }

    /// What a node does and the functions that do it.
    fn code(&self, index: NodeId) -> (TokenStream, TokenStream) {
        let node = &self.model.nodes[index];
        let (p, run) = (private_at(node.span), function("node", index));
        let step = |call| {
            let step = alias(index, node, call);
            quote_spanned!(node.span=> <#step as #p::Step>::SPEC)
        };
        match &node.work {
            Work::Step(call) => {
                let step = step(call);
                (quote!(Step(#step)), quote!(Step(#run)))
            }
            Work::Map(call, items) => {
                let (step, bounds) = (step(call), map_options(&items.bounds));
                let (list, each) = (function("items", index), function("each", index));
                (quote!(Map(#step, #bounds)), quote!(Map { items: #list, each: #each }))
            }
            Work::Wait(wait) => match &wait.signal {
                None => (quote!(Sleep), quote!(Pure(#run))),
                Some(Signal { name, ty }) => {
                    let text = stable(ty);
                    (quote!(Signal { name: #name, output: #text }), quote!(Pure(#run)))
                }
            },
            Work::Child(call) => {
                let child = alias(index, node, call);
                let spec = quote_spanned!(node.span=> <#child as #p::Workflow>::SPEC);
                (quote!(Child(#spec)), quote!(Pure(#run)))
            }
            Work::Branch(branch) => {
                let keys = branch.arms.iter().map(|arm| &arm.key);
                (quote!(Branch(&[#(#keys),*])), quote!(Pure(#run)))
            }
        }
    }
}

/// The bounds of a map as a constant.
pub fn map_options(bounds: &Bounds) -> TokenStream {
    let p = private();
    let constant = |bound: &Option<Expr>| option(bound.as_ref().map(ToTokens::to_token_stream));
    let (limit, at_least) = (constant(&bounds.limit), constant(&bounds.at_least));
    quote!(#p::MapOptions { limit: #limit, at_least: #at_least })
}

fn finish_step(index: NodeId, node: &Node, call: &Call, slice: &TokenStream) -> TokenStream {
    let (p, id) = (private_at(node.span), step_id(index, node, call));
    let codec = codec(index, node, call);
    quote_spanned! {node.span=>
        let __pgflow_result = #slice;
        #p::finish_step(&__pgflow_env, #id, #codec, __pgflow_body_failure, __pgflow_result)
    }
}
