//! A list of options, and the kinds of value they can have.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{
    Expr, ExprLit, ExprUnary, Ident, Lit, LitStr, Meta, MetaList, Token, UnOp, parse::Parser,
    punctuated::Punctuated,
};

use super::values;
use crate::{
    diagnostics::{self as say, Errors},
    names,
};

/// One option as written.
pub struct Entry {
    pub key: Ident,
    meta: Meta,
}

/// What may be written: the attribute's or option's own name, its options, and the other attribute with its own.
pub struct Known<'a> {
    pub what: &'a str,
    pub options: &'a [&'a str],
    pub elsewhere: Option<(&'a str, &'a [&'a str])>,
}

/// The options that are known and given once; the others are reported.
pub fn parse(tokens: TokenStream, known: &Known<'_>, errors: &mut Errors) -> Vec<Entry> {
    let metas = match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(metas) => metas,
        Err(e) => {
            errors.push(e);
            return Vec::new();
        }
    };
    let mut entries: Vec<Entry> = Vec::new();
    for meta in metas {
        let Some(key) = meta.path().get_ident().cloned() else {
            errors.on(meta.path(), say::NO_KEY);
            continue;
        };
        if entries.iter().any(|e| e.key == key) {
            errors.on(&key, say::twice(&key.to_string()));
        } else if is_known(&key, known, errors) {
            entries.push(Entry { key, meta });
        }
    }
    entries
}

fn is_known(key: &Ident, known: &Known<'_>, errors: &mut Errors) -> bool {
    let name = key.to_string();
    if known.options.contains(&name.as_str()) {
        return true;
    }
    let elsewhere = known.elsewhere.filter(|(_, o)| o.contains(&name.as_str())).map(|(n, _)| n);
    errors.on(key, say::unknown_option(known.what, &name, known.options, elsewhere));
    false
}

impl Entry {
    pub fn name(&self) -> String {
        self.key.to_string()
    }

    /// The value after `=`.
    pub fn value(&self, errors: &mut Errors) -> Option<&Expr> {
        if let Meta::NameValue(pair) = &self.meta {
            return Some(&pair.value);
        }
        errors.on(&self.key, say::needs_value(&self.name()));
        None
    }

    /// The value after `=`, where there is one.
    pub fn optional_value(&self) -> Option<&Expr> {
        if let Meta::NameValue(pair) = &self.meta { Some(&pair.value) } else { None }
    }

    /// The list in parentheses, where there is one.
    pub fn list(&self) -> Option<&MetaList> {
        if let Meta::List(list) = &self.meta { Some(list) } else { None }
    }

    pub fn is_flag(&self) -> bool {
        matches!(self.meta, Meta::Path(_))
    }

    /// Milliseconds, and where they stand.
    pub fn duration(&self, errors: &mut Errors) -> Option<(u64, Span)> {
        let value = self.value(errors)?;
        let ms = self.checked(
            value,
            text(value).and_then(|t| values::duration(&t.value())),
            errors,
            say::not_a_duration,
        )?;
        Some((ms, syn::spanned::Spanned::span(value)))
    }

    pub fn size(&self, errors: &mut Errors) -> Option<u64> {
        let value = self.value(errors)?;
        self.checked(
            value,
            text(value).and_then(|t| values::size(&t.value())),
            errors,
            say::not_a_size,
        )
    }

    /// A whole number that may be 0.
    pub fn number(&self, errors: &mut Errors) -> Option<u32> {
        let value = self.value(errors)?;
        self.checked(value, whole(value), errors, say::not_a_count)
    }

    /// A whole number from 1.
    pub fn count(&self, errors: &mut Errors) -> Option<u32> {
        let value = self.value(errors)?;
        let number = self.checked(value, whole(value), errors, say::not_a_count)?;
        self.checked(value, Some(number).filter(|n| *n > 0), errors, say::at_least_one)
    }

    pub fn text(&self, errors: &mut Errors) -> Option<LitStr> {
        let value = self.value(errors)?;
        self.checked(value, text(value).cloned(), errors, say::not_a_text)
    }

    /// A stored name.
    pub fn stored_name(&self, errors: &mut Errors) -> Option<String> {
        let literal = self.text(errors)?;
        let name = literal.value();
        match names::check(&name) {
            Ok(()) => Some(name),
            Err(why) => {
                errors.on(&literal, say::unfit_name(&name, why));
                None
            }
        }
    }

    /// JSON pointers; alone it is the whole payload.
    pub fn pointers(&self, errors: &mut Errors) -> Vec<String> {
        if self.is_flag() {
            return vec![String::new()];
        }
        match self.optional_value() {
            Some(Expr::Array(list)) if !list.elems.is_empty() => {
                list.elems.iter().filter_map(|item| pointer(item, errors)).collect()
            }
            other => {
                match other {
                    Some(value) => errors.on(value, say::NOT_REDACT),
                    None => errors.on(&self.key, say::NOT_REDACT),
                }
                Vec::new()
            }
        }
    }

    fn checked<T>(
        &self,
        value: &impl ToTokens,
        read: Option<T>,
        errors: &mut Errors,
        complaint: fn(&str) -> String,
    ) -> Option<T> {
        if read.is_none() {
            errors.on(value, complaint(&self.name()));
        }
        read
    }
}

fn pointer(item: &Expr, errors: &mut Errors) -> Option<String> {
    let found = text(item).map(LitStr::value);
    match &found {
        None => errors.on(item, say::NOT_REDACT),
        Some(found) if !values::is_pointer(found) => errors.on(item, say::not_a_pointer(found)),
        Some(_) => return found,
    }
    None
}

/// The string that an expression is.
pub fn text(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

/// The whole number that an expression is.
pub fn whole<N: std::str::FromStr<Err: std::fmt::Display>>(value: &Expr) -> Option<N> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.suffix().is_empty() => {
            number.base10_parse().ok()
        }
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => match &**expr {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
                format!("-{}", number.base10_digits()).parse().ok()
            }
            _ => None,
        },
        _ => None,
    }
}

/// The number that an expression is, with or without a fraction.
pub fn number(value: &Expr) -> Option<f64> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(n), .. }) => n.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Float(n), .. }) => n.base10_parse().ok(),
        _ => None,
    }
}
