//! Model to tokens. Nothing here can fail, and the user's function always comes out again: as it stands, so that rustc
//! and the editor see it once more than us, and so that one mistake is one error.

mod checks;
mod nodes;
mod options;
mod slices;
mod step;
mod workflow;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Visibility};

pub use step::step;
pub use workflow::workflow;

/// The module under which the facade keeps what expansions name.
fn private() -> TokenStream {
    private_at(Span::call_site())
}

/// The same at a place of the user's: a path whose parts stand in two places is reported from one to the other.
fn private_at(span: Span) -> TokenStream {
    quote_spanned!(span=> ::pgflow::__private)
}

/// Silences lints in code that nobody wrote: they would name the user's lines.
fn quiet() -> TokenStream {
    quote!(#[allow(warnings, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)])
}

/// The type of the function's name. Braced, so that it lives in the type namespace only; `use steps::train` brings both.
fn type_of_name(vis: &Visibility, name: &Ident) -> TokenStream {
    quote! {
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #name {}
    }
}

/// `Some(…)` or `None`, written out.
fn option(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

/// The crate and the place of the declaration, as fields of a spec.
fn declared() -> TokenStream {
    quote! {
        krate: ::core::env!("CARGO_PKG_NAME"),
        at: ::core::concat!(::core::file!(), ":", ::core::line!()),
    }
}
