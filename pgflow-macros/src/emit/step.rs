//! `#[step]`: the function as written, the type of its name, and what is stored of it.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{FnArg, ItemFn, parse_quote, spanned::Spanned};

use super::{declared, options::step_options, private, private_at, quiet, type_of_name};
use crate::{
    diagnostics::Errors,
    options::StepAttribute,
    signature::{self, inputs, output_text, result_types, return_type, stored_name},
};

/// The expansion of `#[step(attribute)] item`.
pub fn step(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let attribute = StepAttribute::parse(attribute, &mut errors);
    let (function, body) = match signature::header(item.clone()) {
        Ok(parts) => parts,
        Err(e) => {
            let error = e.to_compile_error();
            return quote!(#item #error);
        }
    };
    signature::check(&function.sig, "step", &mut errors);
    if attribute.id.is_none() {
        signature::check_name(&function.sig.ident, &mut errors);
    }
    if attribute.batch.is_some() {
        signature::check_batch(&function.sig, &mut errors);
    }
    if !errors.is_empty() {
        let refused = refused(&function, &errors);
        return quote!(#item #refused);
    }
    let described = describe(&attribute, &function);
    let item =
        if attribute.asks_first() { asking(&attribute, &function, body) } else { item.clone() };
    quote!(#item #described)
}

/// A step that asks the context before it runs: its body moves to a function inside it.
fn asking(attribute: &StepAttribute, function: &ItemFn, body: TokenStream) -> TokenStream {
    let (p, name) = (private(), &function.sig.ident);
    let (attrs, vis) = (&function.attrs, &function.vis);
    let (mut inner, mut outer) = (function.sig.clone(), function.sig.clone());
    inner.ident = format_ident!("__pgflow_body");
    let mut arguments = Vec::new();
    for (i, input) in outer.inputs.iter_mut().enumerate() {
        let FnArg::Typed(input) = input else { continue };
        let argument = format_ident!("__pgflow_a{i}");
        input.pat = parse_quote!(#argument);
        arguments.push(argument);
    }
    let spec = quote!(<#name as #p::Step>::SPEC);
    let call = if attribute.batch.is_some() {
        let ret = return_type(&function.sig);
        let (ok, _) = result_types(&ret);
        let types = inputs(&function.sig).into_iter().map(|input| input.ty);
        quote! {
            {
                static __PGFLOW_COLLECTOR: #p::Collector<#(<#types as #p::List>::Item,)* <#ok as #p::List>::Item> =
                    #p::Collector::new();
                __PGFLOW_COLLECTOR.join(
                    #spec.options.batch, #(#arguments)*,
                    |__pgflow_items| ::std::boxed::Box::pin(__pgflow_body(__pgflow_items)),
                )
            }
        }
    } else {
        quote!(__pgflow_body(#(#arguments),*))
    };
    let call = if attribute.cache_ms.is_some() {
        let encoded = arguments.iter().map(|argument| encode(&quote!(&#argument)));
        quote! {
            {
                let __pgflow_arguments = ::std::vec![#(#encoded),*];
                #p::cached(
                    #spec, __pgflow_arguments, <<#name as #p::Step>::Codec as ::core::default::Default>::default(),
                    move || #call,
                )
            }
        }
    } else {
        call
    };
    // a body that awaits nothing is not flagged in a public function; inside this one it would be
    quote! {
        #(#attrs)*
        #vis #outer {
            #[allow(clippy::unused_async)]
            #inner #body
            #call.await
        }
    }
}

/// The errors. Where a workflow calls the step, it should not complain as well.
fn refused(function: &ItemFn, errors: &Errors) -> TokenStream {
    let errors = errors.to_tokens();
    let stub = signature::can_be_described(&function.sig)
        .then(|| describe(&StepAttribute::default(), function));
    quote!(#stub #errors)
}

/// The type of the name and its `impl Step`.
fn describe(attribute: &StepAttribute, function: &ItemFn) -> TokenStream {
    let name = &function.sig.ident;
    let id = attribute.id.clone().unwrap_or_else(|| stored_name(name));
    let ret = return_type(&function.sig);
    let (ok, error) = result_types(&ret);
    let (p, quiet) = (private(), quiet());
    let marker = type_of_name(&function.vis, name);
    let (text, declared) = (output_text(&ret), declared());
    let options = step_options(attribute, &id);
    let needs = attribute
        .needs
        .iter()
        .map(|ty| quote!(|| (::core::any::TypeId::of::<#ty>(), ::core::any::type_name::<#ty>())));
    let asserts = asserts(&ok, &error);
    let codec = codec(&id, &ok, &error);
    let send = send(function);
    quote! {
        #marker
        #quiet
        const _: () = {
            #asserts
            #[automatically_derived]
            impl #p::Step for #name {
                const SPEC: #p::StepSpec = #p::StepSpec {
                    id: #id, #declared output: #text, check_output: #p::check_output::<Self>,
                    options: #options, needs: &[#(#needs),*],
                };
                type Output = #ok;
                type Error = #error;
                type Codec = __PgflowCodec;
            }
            #codec
            #send
        };
    }
}

/// The only bounds on the types, each at its type.
fn asserts(ok: &TokenStream, error: &TokenStream) -> TokenStream {
    let (payload, refusable) = (assert_payload(ok), assert_error(error));
    quote!(#payload #refusable)
}

/// Asks at a type for what is stored.
pub fn assert_payload(ty: &TokenStream) -> TokenStream {
    let p = private_at(ty.span());
    quote_spanned!(ty.span()=> const _: () = #p::assert_payload::<#ty>();)
}

/// Asks at a type for an error.
pub fn assert_error(ty: &TokenStream) -> TokenStream {
    let p = private_at(ty.span());
    quote_spanned!(ty.span()=> const _: () = #p::assert_error::<#ty>();)
}

/// Probes, not bounds: what cannot be stored is one error, from the assertions.
fn codec(id: &str, ok: &TokenStream, error: &TokenStream) -> TokenStream {
    let p = private();
    let result = quote!(::core::result::Result);
    let fail = failure(error, &id.to_token_stream(), "Failed");
    let encode = encode(&quote!(__pgflow_output));
    let decode_output = decode(ok, &quote!(__pgflow_stored));
    let decode_error = decode(error, &quote!(&#p::Json::from_trusted(__pgflow_data.as_str())));
    quote! {
        #[derive(Clone, Copy, Default)]
        pub struct __PgflowCodec;
        #[automatically_derived]
        impl #p::Codec<#ok, #error> for __PgflowCodec {
            fn encode(self, __pgflow_output: &#ok) -> #result<#p::Json, #p::PayloadError> { #encode }
            fn decode(self, __pgflow_stored: &#p::Json) -> #result<#ok, #p::PayloadError> { #decode_output }
            fn fail(self, __pgflow_error: #error) -> #p::Failure { #fail }
            fn decode_error(self, __pgflow_failure: &#p::Failure) -> ::core::option::Option<#error> {
                let __pgflow_data = __pgflow_failure.data.as_ref()?;
                #decode_error.ok()
            }
        }
    }
}

/// A value as JSON, by a probe on its type; `value` is a reference.
pub fn encode(value: &TokenStream) -> TokenStream {
    let p = private();
    quote!({ use #p::{Encodes as _, EncodesNot as _}; (&#p::Probe(#value)).encode() })
}

/// A value from JSON, by a probe on its type; `stored` is a reference.
pub fn decode(ty: &TokenStream, stored: &TokenStream) -> TokenStream {
    let p = private();
    quote! {
        { use #p::{Decodes as _, DecodesNot as _};
          (&#p::ProbeType::<#ty>(::core::marker::PhantomData)).decode(#stored) }
    }
}

/// `__pgflow_error` of type `error` as a failure of the step `id`, by probes on its type.
pub fn failure(error: &TokenStream, id: &TokenStream, kind: &str) -> TokenStream {
    let (p, kind) = (private(), format_ident!("{kind}"));
    let data = encode(&quote!(&__pgflow_error));
    quote! {
        use #p::{Fails as _, FailsNot as _, Retries as _, RetriesNot as _};
        let __pgflow_data = #data.ok();
        let __pgflow_retryable = (&#p::Probe(&__pgflow_error)).retries();
        (&#p::ProbeError::<#error>(::core::cell::Cell::new(::core::option::Option::Some(__pgflow_error))))
            .failure(#id, #p::FailureKind::#kind, __pgflow_data, __pgflow_retryable)
    }
}

/// Asks for a future that moves between threads; never called, reported on the name.
fn send(function: &ItemFn) -> TokenStream {
    let (name, generics) = (&function.sig.ident, &function.sig.generics);
    let p = private_at(name.span());
    let bounds = &generics.where_clause;
    let types: Vec<_> = inputs(&function.sig).into_iter().map(|input| input.ty).collect();
    let arguments: Vec<_> = (0..types.len()).map(|i| format_ident!("__pgflow_a{i}")).collect();
    let call = quote_spanned!(name.span()=> #p::assert_send(#name(#(#arguments),*)););
    quote! {
        fn __pgflow_send #generics (#(#arguments: #types),*) #bounds { #call }
    }
}
