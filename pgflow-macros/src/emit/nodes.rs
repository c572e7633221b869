//! The code of each node, and its line in the spec.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Expr, Ident, spanned::Spanned};

use super::{
    option, private_at,
    slices::{Slices, alias, codec},
    step::encode,
};
use crate::model::{Items, Mode, Node, NodeId, Work};

/// What a node's slice holds before its call.
struct Leading {
    /// A parameter beside the environment.
    parameter: TokenStream,
    statements: TokenStream,
    /// A macro that we cannot see into stands in them.
    opaque: bool,
}

fn function(name: &str, index: NodeId) -> Ident {
    format_ident!("__pgflow_{name}_{index}")
}

/// `step`'s id, at the call.
fn step_id(index: NodeId, node: &Node) -> TokenStream {
    let (p, step) = (private_at(node.span), alias(index, node));
    quote_spanned!(node.span=> <#step as #p::Step>::SPEC.id)
}

impl Slices<'_> {
    /// The functions of a node. `error` is the workflow's error type.
    pub fn node(&self, index: NodeId, error: &TokenStream) -> TokenStream {
        let node = &self.model.nodes[index];
        match &node.work {
            Work::Step => self.step(index, error),
            Work::Map(items) => {
                let (list, each) = (self.list(index, items, error), self.each(index, items, error));
                quote!(#list #each)
            }
        }
    }

    fn step(&self, index: NodeId, error: &TokenStream) -> TokenStream {
        let node = &self.model.nodes[index];
        let p = private_at(node.span);
        let needs = self.model.needs(&node.reads);
        let leading = Leading {
            parameter: TokenStream::new(),
            statements: self.prefix(&needs, node.statement),
            opaque: needs.opaque,
        };
        let name = function("node", index);
        let slice = self.calling_slice(index, error, &leading);
        let finish = finish_step(
            index,
            node,
            &quote_spanned!(node.span=> __pgflow_slice(&__pgflow_env).await),
        );
        quote_spanned! {node.span=>
            fn #name(__pgflow_env: #p::Env) -> #p::BoxFuture<#p::Outcome> {
                #slice
                ::std::boxed::Box::pin(async move { #finish })
            }
        }
    }

    /// The slice that ends in the user's call.
    fn calling_slice(&self, index: NodeId, error: &TokenStream, leading: &Leading) -> TokenStream {
        let node = &self.model.nodes[index];
        let p = private_at(node.span);
        let step = alias(index, node);
        let call = self.fill(&Expr::Call(node.call.clone()));
        let Leading { parameter, statements, opaque } = leading;
        let sync = opaque.then(|| sync_check(node, error, leading, &call));
        let output = quote_spanned!(node.span=> <#step as #p::Step>::Output);
        let failure = quote_spanned!(node.span=> <#step as #p::Step>::Error);
        quote_spanned! {node.span=>
            #sync
            async fn __pgflow_slice(__pgflow_env: &#p::Env #parameter)
                -> #p::Slice<::core::result::Result<#output, #failure>, #error>
            {
                #statements
                return ::core::result::Result::Ok(::core::option::Option::Some(#call.await));
            }
        }
    }

    /// The elements of a map, each as JSON.
    fn list(&self, index: NodeId, items: &Items, error: &TokenStream) -> TokenStream {
        let node = &self.model.nodes[index];
        let p = private_at(node.span);
        let (name, id) = (function("items", index), step_id(index, node));
        let needs = self.model.needs(&items.reads);
        let (prefix, list) = (self.prefix(&needs, node.statement), self.fill(&items.expr));
        let encode = encode(&quote!(&__pgflow_item));
        quote! {
            fn #name(__pgflow_env: &#p::Env) -> #p::Outcome {
                fn __pgflow_slice(__pgflow_env: &#p::Env)
                    -> #p::Slice<::std::vec::Vec<::core::result::Result<#p::Json, #p::PayloadError>>, #error>
                {
                    #prefix
                    let mut __pgflow_items = ::std::vec::Vec::new();
                    for __pgflow_item in ::core::iter::IntoIterator::into_iter(#list) {
                        __pgflow_items.push(#encode);
                    }
                    return ::core::result::Result::Ok(::core::option::Option::Some(__pgflow_items));
                }
                #p::finish_items(__pgflow_env, #id, __pgflow_body_failure, __pgflow_slice(__pgflow_env))
            }
        }
    }

    /// The call for one element. The element's type is that of the list's elements, which nobody names: a branch that
    /// never runs takes one out of the list.
    fn each(&self, index: NodeId, items: &Items, error: &TokenStream) -> TokenStream {
        let node = &self.model.nodes[index];
        let p = private_at(node.span);
        let name = function("each", index);
        let witness = self.witness(node, items);
        let place = Span::call_site().located_at(items.expr.span());
        let at = private_at(place);
        let element = quote_spanned!(place=> #at::element(__pgflow_env, __pgflow_json));
        let pat = items.element.as_ref().map_or_else(
            || Ident::new("__pgflow_item", node.callee.span()).into_token_stream(),
            ToTokens::to_token_stream,
        );
        let binding = quote! {
            let __pgflow_element = if let ::core::option::Option::Some(__pgflow_value) = #element {
                __pgflow_value
            } else if true {
                return ::core::result::Result::Ok(::core::option::Option::None);
            } else {
                #witness
            };
        };
        let needs = self.model.needs(&node.reads);
        let prefix = self.prefix(&needs, node.statement);
        let leading = Leading {
            parameter: quote!(, __pgflow_json: &#p::Json),
            statements: quote!(#binding #prefix let #pat = __pgflow_element;),
            opaque: needs.opaque,
        };
        let slice = self.calling_slice(index, error, &leading);
        let finish = finish_step(
            index,
            node,
            &quote_spanned!(node.span=> __pgflow_slice(&__pgflow_env, &__pgflow_json).await),
        );
        quote_spanned! {node.span=>
            fn #name(__pgflow_env: #p::Env, __pgflow_json: #p::Json) -> #p::BoxFuture<#p::Outcome> {
                #slice
                ::std::boxed::Box::pin(async move { #finish })
            }
        }
    }

    fn witness(&self, node: &Node, items: &Items) -> TokenStream {
        let needs = self.model.needs(&items.reads);
        let (prefix, list) = (self.prefix(&needs, node.statement), self.fill(&items.expr));
        quote! {
            {
                #prefix
                match ::core::iter::Iterator::next(&mut ::core::iter::IntoIterator::into_iter(#list)) {
                    ::core::option::Option::Some(__pgflow_value) => __pgflow_value,
                    ::core::option::Option::None => return ::core::result::Result::Ok(::core::option::Option::None),
                }
            }
        }
    }

    /// The node's line in the spec.
    pub fn spec(&self, index: NodeId) -> TokenStream {
        let node = &self.model.nodes[index];
        let p = private_at(node.span);
        let step = alias(index, node);
        let step = quote_spanned!(node.span=> <#step as #p::Step>::SPEC);
        let calls = self.model.needs(&node.reads).loads;
        let (kind, run, loads, each_loads) = match &node.work {
            Work::Step => {
                let run = function("node", index);
                let (kind, run) = (quote!(Step(#step)), quote!(Step(#run)));
                (kind, run, calls, BTreeSet::new())
            }
            Work::Map(items) => {
                let (list, each) = (function("items", index), function("each", index));
                let run = quote!(Map { items: #list, each: #each });
                (
                    quote!(Map(#step, #p::MapOptions::NONE)),
                    run,
                    self.model.needs(&items.reads).loads,
                    calls,
                )
            }
        };
        let id = option(node.id.as_ref().map(|id| quote!(#id)));
        let (loads, each_loads, order) = (loads.iter(), each_loads.iter(), node.order.iter());
        let tolerated = node.mode == Mode::Tolerated;
        quote! {
            #p::NodeSpec {
                kind: #p::NodeKindSpec::#kind, id: #id, loads: &[#(#loads),*],
                each_loads: &[#(#each_loads),*], order: &[#(#order),*], condition: ::core::option::Option::None, tolerated: #tolerated,
                run: #p::NodeRun::#run,
            }
        }
    }
}

/// A macro of the user's might await, which would run a step inside this slice. So the statements are also type-checked
/// where nothing can await, in a function that is never called.
fn sync_check(
    node: &Node,
    error: &TokenStream,
    leading: &Leading,
    call: &TokenStream,
) -> TokenStream {
    let p = private_at(node.span);
    let Leading { parameter, statements, .. } = leading;
    quote_spanned! {node.span=>
        fn __pgflow_sync(__pgflow_env: &#p::Env #parameter) -> #p::Slice<(), #error> {
            #statements
            let _ = #call;
            return ::core::result::Result::Ok(::core::option::Option::None);
        }
    }
}

fn finish_step(index: NodeId, node: &Node, slice: &TokenStream) -> TokenStream {
    let (p, id, codec) = (private_at(node.span), step_id(index, node), codec(index, node));
    quote_spanned! {node.span=>
        let __pgflow_result = #slice;
        #p::finish_step(&__pgflow_env, #id, #codec, __pgflow_body_failure, __pgflow_result)
    }
}
