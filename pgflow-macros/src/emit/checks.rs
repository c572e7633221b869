//! What only rustc can add up, as constants that fail the build: steps and their options may come from other crates.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{
    nodes::{map_options, node_id},
    private_at,
    slices::{Slices, alias},
};
use crate::{
    model::{Call, Node, NodeId, Work},
    options::WorkflowAttribute,
};

impl Slices<'_> {
    /// All checks of a workflow.
    pub fn checks(&self, attribute: &WorkflowAttribute) -> TokenStream {
        let time = self.time(attribute);
        let (ids, bounds) = (self.ids(), self.bounds());
        quote!(#time #ids #bounds)
    }

    /// No step longer than the workflow, and the longest path within it.
    fn time(&self, attribute: &WorkflowAttribute) -> Option<TokenStream> {
        let (timeout, at) = attribute.timeout?;
        let steps = self.calls().map(|(i, node, call)| {
            let (p, step) = (private_at(node.span), alias(i, node, call));
            let text = quote_spanned! {node.span=>
                #p::step_too_long(
                    <#step as #p::Step>::SPEC.id,
                    #p::timeout_of(<#step as #p::Step>::SPEC.options.timeout_ms),
                    #timeout,
                )
            };
            complaint(node.span, &text)
        });
        let path = (!attribute.allows_longest_path).then(|| {
            let (n, costs) = (self.model.nodes.len(), self.costs());
            let p = private_at(at);
            let costs = quote!(const __PGFLOW_COSTS: [#p::Cost; #n] = [#(#costs),*];);
            let text = quote_spanned!(at=> #p::longest_path(#timeout, &__PGFLOW_COSTS));
            let check = complaint(at, &text);
            quote!(#costs #check)
        });
        Some(quote!(#(#steps)* #path))
    }

    fn calls(&self) -> impl Iterator<Item = (NodeId, &Node, &Call)> {
        let nodes = self.model.nodes.iter().enumerate();
        nodes.filter_map(|(i, node)| Some((i, node, node.work.step()?)))
    }

    fn costs(&self) -> impl Iterator<Item = TokenStream> {
        self.model.nodes.iter().enumerate().map(|(i, node)| {
            let p = private_at(node.span);
            let mut waits = self.model.data(node).loads;
            waits.extend(&node.order);
            waits.extend(node.arm.map(|(branch, _)| branch));
            let waits = waits.iter();
            let (name, ms) = match &node.work {
                Work::Step(call) | Work::Map(call, _) => {
                    let step = alias(i, node, call);
                    let spec = quote_spanned!(node.span=> <#step as #p::Step>::SPEC);
                    (quote!(#spec.id), quote!(#p::timeout_of(#spec.options.timeout_ms)))
                }
                Work::Child(call) => {
                    let child = alias(i, node, call);
                    let child = quote_spanned!(node.span=> <#child as #p::Workflow>);
                    (quote!(#child::NAME), quote!(#child::TIMEOUT_MS))
                }
                Work::Wait(wait) => {
                    let (name, ms) = (wait.name(), wait.ms.unwrap_or(0));
                    (quote!(#name), quote!(#ms))
                }
                Work::Branch(_) => (quote!(""), quote!(0)),
            };
            quote_spanned!(node.span=> #p::Cost { name: #name, ms: #ms, waits: &[#(#waits),*] })
        })
    }

    /// Bounds of maps that let something run.
    fn bounds(&self) -> TokenStream {
        let bounded = self.model.nodes.iter().filter_map(|node| match &node.work {
            Work::Map(_, items) => {
                items.bounds.limit.iter().chain(&items.bounds.at_least).next().map(|first| {
                    let (p, options) = (private_at(first.span()), map_options(&items.bounds));
                    complaint(first.span(), &quote!(#p::map_bounds(#options)))
                })
            }
            _ => None,
        });
        bounded.collect()
    }

    /// No two nodes of one id, whatever name a step is imported under. A branch without an id is called after a node
    /// that is in it alone.
    fn ids(&self) -> TokenStream {
        let nodes = self.model.nodes.iter().enumerate();
        let named =
            nodes.filter(|(_, node)| node.id.is_some() || !matches!(node.work, Work::Branch(_)));
        let ids: Vec<_> = named.map(|(i, node)| (node.span, node_id(self.model, i))).collect();
        let checks = ids.iter().enumerate().skip(1).map(|(i, (span, id))| {
            let (p, earlier) = (private_at(*span), ids[..i].iter().map(|(_, id)| id));
            complaint(*span, &quote_spanned!(*span=> #p::clash(&[#(#earlier),*], #id)))
        });
        checks.collect()
    }
}

/// Fails the build with the text that `text` gives, if any, at `span`.
fn complaint(span: proc_macro2::Span, text: &TokenStream) -> TokenStream {
    quote_spanned! {span=>
        const _: () = if let ::core::option::Option::Some(__pgflow_text) = &#text {
            ::core::panic!("{}", __pgflow_text.as_str())
        };
    }
}
