//! Waits: `pgflow::sleep`, `pgflow::signal`, and `pgflow::child`, which waits for another run.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Expr, ExprCall, ExprMethodCall, GenericArgument, Lit, Path, PathArguments, Type, parse_quote,
    spanned::Spanned,
};

use super::{
    Mode, NodeId, Reads, Signal, Wait, Work,
    calls::path_of,
    lower::{Lower, Tail},
};
use crate::{diagnostics as say, names, options::duration, options::text_of};

impl Lower<'_> {
    /// `pgflow::sleep(duration)`
    pub fn sleep(&mut self, call: &ExprCall, mode: Mode) -> Option<NodeId> {
        let (Some(time), 1) = (call.args.first(), call.args.len()) else {
            return self.refuse(&call.func, say::SLEEP);
        };
        let ms = written_out(time);
        let mut call = call.clone();
        let id = self.id.take();
        let reads = self.arguments(&mut call);
        self.id = id;
        let place = call.func.span();
        let wait = Wait { call: Expr::Call(call), ms, signal: None };
        Some(self.node(Work::Wait(Box::new(wait)), reads, mode, place))
    }

    /// `pgflow::signal::<T>("name")`, and `.within(limit)` behind it
    pub fn signal(
        &mut self,
        call: &ExprCall,
        path: &Path,
        methods: &[&ExprMethodCall],
        mode: Mode,
    ) -> Option<NodeId> {
        let (Some(ty), Some(name), 1) =
            (only_type(path), call.args.first().and_then(text_of), call.args.len())
        else {
            return self.refuse(path, say::SIGNAL);
        };
        let signal = Signal { name: name.value(), ty: ty.clone() };
        if let Err(why) = names::check(&signal.name) {
            return self.refuse(name, &say::unfit_name(&signal.name, why));
        }
        let (limit, ms, reads) = self.within(methods)?;
        let call = parse_quote!(#call #limit);
        let wait = Wait { call, ms, signal: Some(signal) };
        Some(self.node(Work::Wait(Box::new(wait)), reads, mode, path.span()))
    }

    /// The limit of a signal as it is called, its milliseconds where it is written out, and what it reads.
    fn within(&mut self, methods: &[&ExprMethodCall]) -> Option<(TokenStream, Option<u64>, Reads)> {
        let method = match methods {
            [] => return Some((TokenStream::new(), None, Reads::default())),
            [method] => method,
            [_, again, ..] => {
                return self.refuse(&again.method, &say::twice(&again.method.to_string()));
            }
        };
        let (true, Some(limit), 1) =
            (method.method == "within", method.args.first(), method.args.len())
        else {
            return self.unknown_method("signal", method, &["within"]);
        };
        let within = &method.method;
        if let Some(text) = text_of(limit) {
            let Some(ms) = duration(&text.value()) else {
                return self.refuse(text, &say::not_a_duration("within"));
            };
            let limit = quote!(.#within(::core::time::Duration::from_millis(#ms)));
            return Some((limit, Some(ms), Reads::default()));
        }
        let ms = written_out(limit);
        let mut limit = limit.clone();
        let id = self.id.take();
        let reads = self.piece(&mut limit, Tail::Read);
        self.id = id;
        Some((quote!(.#within(#limit)), ms, reads))
    }

    /// `pgflow::child(workflow(args))`
    pub fn child(&mut self, call: &ExprCall, mode: Mode) -> Option<NodeId> {
        let (Some(Expr::Call(run)), 1) = (call.args.first(), call.args.len()) else {
            return self.refuse(&call.func, say::CHILD);
        };
        let Some(path) = path_of(&run.func) else {
            return self.refuse(&run.func, say::CHILD);
        };
        let mut run = run.clone();
        let id = self.id.take();
        let reads = self.arguments(&mut run);
        self.id = id;
        let work = Work::Child(self.called(path.clone(), run.clone()));
        Some(self.node(work, reads, mode, path.span()))
    }
}

/// The only type argument of a path's last segment.
fn only_type(path: &Path) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &path.segments.last()?.arguments else {
        return None;
    };
    match (arguments.args.first()?, arguments.args.len()) {
        (GenericArgument::Type(ty), 1) => Some(ty),
        _ => None,
    }
}

/// Milliseconds of `Duration::from_secs(60)` and the like, where the number is written out.
fn written_out(time: &Expr) -> Option<u64> {
    let Expr::Call(call) = time else { return None };
    let mut segments = path_of(&call.func)?.segments.iter().rev();
    let (function, ty) = (segments.next()?, segments.next()?);
    let factor = match function.ident.to_string().as_str() {
        "from_millis" => 1,
        "from_secs" => 1_000,
        "from_mins" => 60_000,
        "from_hours" => 3_600_000,
        _ => return None,
    };
    let Expr::Lit(number) = call.args.first()? else { return None };
    let Lit::Int(number) = &number.lit else { return None };
    (ty.ident == "Duration").then(|| number.base10_parse::<u64>().ok()?.checked_mul(factor))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_that_is_written_out_is_known() {
        let known = |text: &str| written_out(&syn::parse_str(text).unwrap());
        assert_eq!(known("Duration::from_secs(60)"), Some(60_000));
        assert_eq!(known("std::time::Duration::from_millis(1_500)"), Some(1_500));
        assert_eq!(known("Duration::from_hours(2)"), Some(7_200_000));
        for text in ["d", "Duration::from_secs(n)", "Duration::ZERO", "from_secs(3)", "5"] {
            assert_eq!(known(text), None, "{text}");
        }
    }
}
