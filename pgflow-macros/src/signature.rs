//! The function under an attribute: what its signature must look like, and the types it names.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{
    Attribute, Block, FnArg, GenericArgument, GenericParam, Ident, ItemFn, Pat, PathArguments,
    ReturnType, Type,
    parse::{ParseStream, Parser},
    parse_quote,
    spanned::Spanned,
};

use crate::{
    diagnostics::{self as say, Errors},
    names,
    text::stable,
};

/// A parameter.
pub struct Input {
    pub pat: Pat,
    pub ty: Type,
    /// Its name in the stored input.
    pub name: String,
}

/// Attributes, visibility and signature; the body stays tokens, so that half-typed code keeps rustc's help.
pub fn header(item: TokenStream) -> syn::Result<(ItemFn, TokenStream)> {
    let parse = |input: ParseStream<'_>| {
        let (attrs, vis, sig) =
            (input.call(Attribute::parse_outer)?, input.parse()?, input.parse()?);
        let body: TokenStream = input.parse()?;
        let block: Block = parse_quote!({});
        let function = ItemFn {
            attrs,
            vis,
            modifiers: syn::FnModifiers::default(),
            sig,
            block: Box::new(block),
        };
        Ok((function, body))
    };
    parse.parse2(item)
}

/// The function's name without `r#`, as it is stored.
pub fn stored_name(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

/// What holds for steps and workflows alike; `what` is one of the two.
pub fn check(sig: &syn::Signature, what: &str, errors: &mut Errors) {
    if sig.asyncness.is_none() {
        errors.on(&sig.fn_token, say::not_async(what));
    }
    for parameter in &sig.generics.params {
        if !matches!(parameter, GenericParam::Lifetime(_)) {
            errors.on(parameter, say::generic(what));
        }
    }
    if let Some(receiver) = sig.receiver() {
        errors.on(receiver, say::method(what));
    }
    for input in &sig.inputs {
        if let FnArg::Typed(input) = input
            && let Some(ty) = impl_trait(&input.ty)
        {
            errors.on(ty, say::impl_trait(what));
        }
    }
    match &sig.output {
        ReturnType::Default => errors.on(&sig.ident, say::no_result(what)),
        ReturnType::Type(_, ty) if never_result(ty) => errors.on(ty, say::no_result(what)),
        ReturnType::Type(..) => {}
    }
}

/// The name under which the function is stored, where no option gives one.
pub fn check_name(ident: &Ident, errors: &mut Errors) {
    let name = stored_name(ident);
    if let Err(why) = names::check(&name) {
        errors.on(ident, say::unfit_name(&name, why));
    }
}

/// A step with `batch` takes one `Vec`.
pub fn check_batch(sig: &syn::Signature, errors: &mut Errors) {
    let mut inputs = sig.inputs.iter();
    let is_list = match (inputs.next(), inputs.next()) {
        (Some(FnArg::Typed(input)), None) => last_segment(&input.ty).is_some_and(|s| s == "Vec"),
        _ => false,
    };
    if !is_list {
        errors.on(&sig.ident, say::BATCH_PARAMETER);
    }
}

/// A workflow's inputs come out of the database.
pub fn check_owned(inputs: &[Input], errors: &mut Errors) {
    for input in inputs {
        if let Type::Reference(reference) = &input.ty {
            errors.on(reference, say::BORROWED_INPUT);
        }
    }
}

fn impl_trait(ty: &Type) -> Option<&Type> {
    match ty {
        Type::ImplTrait(_) => Some(ty),
        Type::Reference(reference) => impl_trait(&reference.elem),
        _ => None,
    }
}

/// Types that no alias of `Result` can hide behind; others are left to rustc.
fn never_result(ty: &Type) -> bool {
    const NEVER: &[&str] = &[
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
        "u32", "u64", "u128", "usize", "String", "Vec", "Option", "Box",
    ];
    match ty {
        Type::Path(_) => last_segment(ty).is_some_and(|s| NEVER.iter().any(|n| s == n)),
        Type::Tuple(_) | Type::Reference(_) | Type::Array(_) | Type::Never(_) => true,
        _ => false,
    }
}

fn last_segment(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|s| &s.ident),
        _ => None,
    }
}

/// The typed parameters.
pub fn inputs(sig: &syn::Signature) -> Vec<Input> {
    let typed = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(input) => Some(input),
        FnArg::Receiver(_) => None,
    });
    typed
        .enumerate()
        .map(|(i, input)| {
            let name = match &*input.pat {
                Pat::Ident(pat) => stored_name(&pat.ident),
                _ => format!("arg{i}"),
            };
            Input { pat: (*input.pat).clone(), ty: (*input.ty).clone(), name }
        })
        .collect()
}

/// The declared return type.
pub fn return_type(sig: &syn::Signature) -> Type {
    match &sig.output {
        ReturnType::Type(_, ty) => (**ty).clone(),
        ReturnType::Default => parse_quote!(()),
    }
}

/// `T` and `E` of `Result<T, E>` where they are written out, else by way of the alias.
pub fn result_types(ret: &Type) -> (TokenStream, TokenStream) {
    if let Type::Path(path) = ret
        && let Some(last) = path.path.segments.last()
        && last.ident == "Result"
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let [GenericArgument::Type(ok), GenericArgument::Type(error)] =
            arguments.args.iter().collect::<Vec<_>>()[..]
    {
        return (ok.to_token_stream(), error.to_token_stream());
    }
    let place = Span::call_site().located_at(ret.span());
    let ok = quote_spanned!(place=> <#ret as ::pgflow::__private::StepResult>::Output);
    let error = quote_spanned!(place=> <#ret as ::pgflow::__private::StepResult>::Error);
    (ok, error)
}

/// The text of `T` of a return type, for readers: the first argument of `Result` and of aliases like `anyhow::Result<T>`,
/// else the alias itself.
pub fn output_text(ret: &Type) -> String {
    if let Type::Path(path) = ret
        && let Some(last) = path.path.segments.last()
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(output) = arguments.args.first()
    {
        return stable(output);
    }
    stable(ret)
}

/// Whether the types of a refused function can be named all the same.
pub fn can_be_described(sig: &syn::Signature) -> bool {
    let generic = sig.generics.params.iter().any(|p| !matches!(p, GenericParam::Lifetime(_)));
    let returns = matches!(&sig.output, ReturnType::Type(_, ty) if !never_result(ty));
    let named = inputs(sig).iter().all(|input| impl_trait(&input.ty).is_none());
    sig.asyncness.is_some() && sig.receiver().is_none() && !generic && returns && named
}
