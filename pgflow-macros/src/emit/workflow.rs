//! `#[workflow]`: the function as written, the type of its name, and the graph of its body.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Index, ItemFn, ReturnType, Type, parse_quote, visit_mut::VisitMut};

use super::{
    declared,
    options::workflow_options,
    private, quiet,
    slices::Slices,
    step::{assert_error, assert_payload, decode, encode, failure},
    type_of_name,
};
use crate::{
    diagnostics::{self as say, Errors},
    model::{self, Model},
    options::WorkflowAttribute,
    signature::{self, Input, inputs, output_text, result_types, return_type, stored_name},
    text::stable,
};

/// The expansion of `#[workflow(attribute)] item`.
pub fn workflow(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let attribute = WorkflowAttribute::parse(attribute, &mut errors);
    let function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(e) => {
            let error = e.to_compile_error();
            return quote!(#item #error);
        }
    };
    signature::check(&function.sig, "workflow", &mut errors);
    if attribute.id.is_none() {
        signature::check_name(&function.sig.ident, &mut errors);
    }
    let inputs = inputs(&function.sig);
    signature::check_owned(&inputs, &mut errors);
    let mut model = model::lower(&inputs, &function.block, &mut errors);
    check_value(&function, &mut model, &mut errors);
    let workflow = Expansion::new(&function, &attribute, &inputs);
    let plain = plain(&function);
    if errors.is_empty() {
        let described = workflow.describe(&model);
        quote!(#plain #described)
    } else if function.sig.receiver().is_some() {
        // nothing else can stand in an `impl`
        let errors = errors.to_tokens();
        quote!(#plain #errors)
    } else {
        let plain = if model.refused { blank(&plain) } else { quote!(#[allow(unused)] #plain) };
        let (stub, errors) = (workflow.stub(), errors.to_tokens());
        quote!(#plain #stub #errors)
    }
}

/// A body ends with its value, unless the function should return one in the first place.
fn check_value(function: &ItemFn, model: &mut Model, errors: &mut Errors) {
    if model.body.value.is_none() && !matches!(function.sig.output, ReturnType::Default) {
        errors.at(function.block.brace_token.span.close(), say::NO_VALUE);
        model.refused = true;
    }
}

/// The function without `#[id]`, which only we read.
fn plain(function: &ItemFn) -> ItemFn {
    struct Strip;
    impl VisitMut for Strip {
        fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
            attributes.retain(|a| !a.path().is_ident("id"));
        }
    }
    let mut plain = function.clone();
    Strip.visit_block_mut(&mut plain.block);
    plain
}

/// The function whose body holds what is no Rust outside of a later version: rustc would complain as well, so only the
/// editor sees the body.
fn blank(plain: &ItemFn) -> TokenStream {
    let mut blank = plain.clone();
    blank.block = parse_quote!({ ::core::unreachable!() });
    let quiet = quiet();
    quote! {
        #[allow(unused)]
        #blank
        #quiet
        const _: () = {
            #[cfg(rust_analyzer)]
            #plain
        };
    }
}

struct Expansion<'a> {
    function: &'a ItemFn,
    attribute: &'a WorkflowAttribute,
    inputs: &'a [Input],
    id: String,
    ret: Type,
    ok: TokenStream,
    error: TokenStream,
}

impl<'a> Expansion<'a> {
    fn new(function: &'a ItemFn, attribute: &'a WorkflowAttribute, inputs: &'a [Input]) -> Self {
        let ret = return_type(&function.sig);
        let (ok, error) = result_types(&ret);
        let id = attribute.id.clone().unwrap_or_else(|| stored_name(&function.sig.ident));
        Self { function, attribute, inputs, id, ret, ok, error }
    }

    fn describe(&self, model: &Model) -> TokenStream {
        let slices = Slices { model, inputs: self.inputs };
        let (p, quiet, name) = (private(), quiet(), &self.function.sig.ident);
        let marker = type_of_name(&self.function.vis, name);
        let (asserts, items) = (self.asserts(), &model.items);
        let spec = self.spec(&slices);
        let implementation = self.implementation(&quote! {
            {
                #[cfg(not(rust_analyzer))]
                { #(#items)* #spec || &__PGFLOW_SPEC }
                // the editor maps each token to one copy of the body, the plain one
                #[cfg(rust_analyzer)]
                { || ::core::unreachable!() }
            }
        });
        quote! {
            #marker
            #quiet
            const _: () = {
                #asserts
                #implementation
                #[#p::linkme::distributed_slice(#p::WORKFLOWS)]
                #[linkme(crate = #p::linkme)]
                static __PGFLOW_ENTRY: fn() -> &'static #p::WorkflowSpec = <#name as #p::Workflow>::SPEC;
                fn __pgflow_used() { let _ = #name; }
            };
        }
    }

    /// Without a graph: the errors are reported, and `start::<w>` elsewhere should not complain as well.
    fn stub(&self) -> TokenStream {
        let (quiet, name) = (quiet(), &self.function.sig.ident);
        let marker = type_of_name(&self.function.vis, name);
        let borrowed = self.inputs.iter().any(|input| matches!(input.ty, Type::Reference(_)));
        let implementation = (signature::can_be_described(&self.function.sig) && !borrowed)
            .then(|| self.implementation(&quote!(|| ::core::unreachable!())));
        quote!(#marker #quiet const _: () = { #implementation };)
    }

    /// Inputs and value must be storable; each is asked at its type.
    fn asserts(&self) -> TokenStream {
        let types = self.inputs.iter().map(|input| input.ty.to_token_stream());
        let payloads = types.chain([self.ok.clone()]).map(|ty| assert_payload(&ty));
        payloads.chain([assert_error(&self.error)]).collect()
    }

    fn implementation(&self, spec: &TokenStream) -> TokenStream {
        let (p, name, id) = (private(), &self.function.sig.ident, &self.id);
        let (ok, error) = (&self.ok, &self.error);
        let version = self.attribute.version.unwrap_or(1);
        let timeout = self.attribute.timeout.map_or(0, |(ms, _)| ms);
        let types = self.inputs.iter().map(|input| &input.ty);
        let input = if let [only] = self.inputs {
            only.ty.to_token_stream()
        } else {
            quote!((#(#types,)*))
        };
        let (encode, decode) = (self.encode_input(), decode(ok, &quote!(__pgflow_output)));
        quote! {
            #[automatically_derived]
            impl #p::Workflow for #name {
                const SPEC: fn() -> &'static #p::WorkflowSpec = #spec;
                const NAME: &'static str = #id;
                const VERSION: u32 = #version;
                const TIMEOUT_MS: u64 = #timeout;
                type Input = #input;
                type Output = #ok;
                type Error = #error;
                fn encode(__pgflow_input: &Self::Input) -> ::core::result::Result<#p::Json, #p::PayloadError> {
                    #encode
                }
                fn decode_output(__pgflow_output: &#p::Json) -> ::core::result::Result<#ok, #p::PayloadError> {
                    #decode
                }
            }
        }
    }

    fn encode_input(&self) -> TokenStream {
        let p = private();
        match self.inputs {
            [] => quote!(::core::result::Result::Ok(#p::Json::null())),
            [_] => encode(&quote!(__pgflow_input)),
            several => {
                let members = several.iter().enumerate().map(|(i, input)| {
                    let (name, index) = (&input.name, Index::from(i));
                    let value = encode(&quote!(&__pgflow_input.#index));
                    quote!((#name, #value))
                });
                quote!(#p::object(::std::vec![#(#members),*]))
            }
        }
    }

    /// Slices, checks and the static that holds the graph.
    fn spec(&self, slices: &Slices<'_>) -> TokenStream {
        let (p, id, model) = (private(), &self.id, slices.model);
        let version = self.attribute.version.unwrap_or(1);
        let aliases = model.nodes.iter().enumerate().filter_map(|(i, node)| {
            let call = node.work.call()?;
            let (path, alias) = (&call.callee, super::slices::alias(i, node, call));
            Some(quote!(use #path as #alias;))
        });
        let nodes = (0..model.nodes.len()).map(|i| slices.node(i, &self.error));
        let specs = (0..model.nodes.len()).map(|i| slices.spec(i));
        let checks = slices.checks(self.attribute);
        let (declared, options) = (declared(), workflow_options(self.attribute));
        let names = self.inputs.iter().map(|input| {
            let (name, text) = (&input.name, stable(&input.ty));
            quote!((#name, #text))
        });
        let output_type = output_text(&self.ret);
        let (check_input, body_failure) = (self.check_input(slices), self.body_failure());
        let (output, output_loads) = self.output(slices);
        quote! {
            #(#aliases)*
            #checks
            #body_failure
            #check_input
            #(#nodes)*
            #output
            static __PGFLOW_SPEC: #p::WorkflowSpec = #p::WorkflowSpec {
                id: #id, version: #version, #declared inputs: &[#(#names),*],
                check_input: __pgflow_check_input, output_type: #output_type,
                output_loads: &[#(#output_loads),*], options: #options, nodes: &[#(#specs),*],
                output: __pgflow_output,
            };
        }
    }

    fn check_input(&self, slices: &Slices<'_>) -> TokenStream {
        let p = private();
        let checks = self.inputs.iter().enumerate().map(|(i, input)| {
            let name = slices.input_name(i);
            let decode = decode(&input.ty.to_token_stream(), &quote!(__pgflow_json));
            quote!(#p::input_of(__pgflow_payload, #name, |__pgflow_json| #decode)?;)
        });
        quote! {
            fn __pgflow_check_input(__pgflow_payload: &#p::Json) -> ::core::result::Result<(), #p::PayloadError> {
                #(#checks)*
                ::core::result::Result::Ok(())
            }
        }
    }

    fn body_failure(&self) -> TokenStream {
        let (p, error) = (private(), &self.error);
        let failure = failure(error, &quote!(#p::BODY), "Body");
        quote!(fn __pgflow_body_failure(__pgflow_error: #error) -> #p::Failure { #failure })
    }

    /// The function that evaluates the final value, and the nodes it loads.
    fn output(&self, slices: &Slices<'_>) -> (TokenStream, Vec<usize>) {
        let (p, ret, error) = (private(), &self.ret, &self.error);
        let Some(value) = &slices.model.body.value else { return (TokenStream::new(), Vec::new()) };
        let needs = slices.model.needs(&value.reads);
        let prefix = slices.prefix(&needs);
        let (expr, encode) = (slices.fill(&value.expr), encode(&quote!(&__pgflow_value)));
        let output = quote! {
            fn __pgflow_output(__pgflow_env: &#p::Env) -> #p::Outcome {
                fn __pgflow_slice(__pgflow_env: &#p::Env)
                    -> #p::Slice<::core::result::Result<#p::Json, #p::PayloadError>, #error>
                {
                    #prefix
                    let __pgflow_end: #ret = #expr;
                    let __pgflow_value = __pgflow_end?;
                    ::core::result::Result::Ok(::core::option::Option::Some(#encode))
                }
                #p::finish_value(__pgflow_env, __pgflow_body_failure, __pgflow_slice(__pgflow_env))
            }
        };
        (output, needs.loads.into_iter().collect())
    }
}
