//! What only rustc can add up, as constants that fail the build: steps and their options may come from other crates.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{
    private_at,
    slices::{Slices, alias},
};
use crate::options::WorkflowAttribute;

impl Slices<'_> {
    /// All checks of a workflow.
    pub fn checks(&self, attribute: &WorkflowAttribute) -> TokenStream {
        let time = self.time(attribute);
        let ids = self.ids();
        quote!(#time #ids)
    }

    /// No step longer than the workflow, and the longest path within it.
    fn time(&self, attribute: &WorkflowAttribute) -> Option<TokenStream> {
        let (timeout, at) = attribute.timeout?;
        let steps = self.model.nodes.iter().enumerate().map(|(i, node)| {
            let (p, step) = (private_at(node.span), alias(i, node));
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

    fn costs(&self) -> impl Iterator<Item = TokenStream> {
        self.model.nodes.iter().enumerate().map(|(i, node)| {
            let (p, step) = (private_at(node.span), alias(i, node));
            let data = self.model.data(node);
            let waits = data.union(&node.order);
            quote_spanned! {node.span=>
                #p::Cost {
                    name: <#step as #p::Step>::SPEC.id,
                    ms: #p::timeout_of(<#step as #p::Step>::SPEC.options.timeout_ms),
                    waits: &[#(#waits),*],
                }
            }
        })
    }

    /// No two nodes of one id, whatever name a step is imported under.
    fn ids(&self) -> TokenStream {
        let ids: Vec<_> = self
            .model
            .nodes
            .iter()
            .enumerate()
            .map(|(i, node)| {
                let (p, step) = (private_at(node.span), alias(i, node));
                node.id.as_ref().map_or_else(
                    || quote_spanned!(node.span=> <#step as #p::Step>::SPEC.id),
                    |id| quote!(#id),
                )
            })
            .collect();
        let checks = self.model.nodes.iter().enumerate().skip(1).map(|(i, node)| {
            let (p, earlier, id) = (private_at(node.span), &ids[..i], &ids[i]);
            complaint(node.span, &quote_spanned!(node.span=> #p::clash(&[#(#earlier),*], #id)))
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
