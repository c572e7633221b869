//! Awaited calls: steps, and the words of the language, which are recognised by `pgflow::` in front and never by a
//! bare name.

use std::collections::BTreeMap;

use syn::{
    Expr, ExprCall, ExprClosure, ExprMethodCall, Ident, Pat, Path, PathArguments, parse_quote,
    spanned::Spanned,
};

use super::{
    Bounds, Items, Mode, NodeId, Reads, Work,
    free::bound,
    lower::{Lower, Tail},
};
use crate::{diagnostics as say, text::stable};

/// The words of the language.
const WORDS: &[&str] = &["map", "after", "sleep", "signal", "child"];

/// The word of a path `pgflow::word`.
fn word(path: &Path) -> Option<&Ident> {
    let mut segments = path.segments.iter();
    match (segments.next(), segments.next(), segments.next()) {
        (Some(krate), Some(word), None) if krate.ident == "pgflow" => Some(&word.ident),
        _ => None,
    }
}

pub fn path_of(expr: &Expr) -> Option<&Path> {
    if let Expr::Path(path) = expr { Some(&path.path) } else { None }
}

/// A call, and the methods behind it from the first to the last.
fn with_methods(call: &Expr) -> (&Expr, Vec<&ExprMethodCall>) {
    match call {
        Expr::MethodCall(method) => {
            let (call, mut methods) = with_methods(&method.receiver);
            methods.push(method);
            (call, methods)
        }
        Expr::Paren(paren) => with_methods(&paren.expr),
        Expr::Group(group) => with_methods(&group.expr),
        call => (call, Vec::new()),
    }
}

impl Lower<'_> {
    /// The node of an awaited call; nothing where it was refused.
    pub fn call(&mut self, awaited: &Expr, mode: Mode) -> Option<NodeId> {
        let (call, methods) = with_methods(awaited);
        let path = match call {
            Expr::Call(call) => path_of(&call.func).map(|path| (call, path)),
            _ => None,
        };
        if let Some((call, path)) = path
            && let Some(word) = word(path)
        {
            return self.word(&word.to_string(), call, path, &methods, mode);
        }
        if let Some(method) = methods.last() {
            let name = method.method.to_string();
            return self.refuse(&method.method, &say::not_a_step_method(&name));
        }
        match (path, call) {
            (Some((call, path)), _) => self.step(call, path, mode),
            (None, Expr::Call(call)) => self.refuse(&call.func, say::CALL_BY_PATH),
            (None, Expr::Macro(m)) => {
                self.refuse(&m.mac.path, &say::macro_hides_steps(&stable(&m.mac.path)))
            }
            (None, Expr::Async(block)) => self.refuse(&block.async_token, say::ASYNC_BLOCK),
            (None, other) => self.refuse(other, say::AWAIT_A_STEP),
        }
    }

    fn word(
        &mut self,
        word: &str,
        call: &ExprCall,
        path: &Path,
        methods: &[&ExprMethodCall],
        mode: Mode,
    ) -> Option<NodeId> {
        match word {
            "map" => {
                let bounds = self.bounds(methods)?;
                self.map(call, bounds, mode)
            }
            "signal" => self.signal(call, path, methods, mode),
            "after" | "sleep" | "child" => {
                self.no_methods(word, methods)?;
                match word {
                    "after" => self.after(call, mode),
                    "sleep" => self.sleep(call, mode),
                    _ => self.child(call, mode),
                }
            }
            unknown => self.refuse(path, &say::unknown_builtin(&stable(path), unknown, WORDS)),
        }
    }

    fn step(&mut self, call: &ExprCall, path: &Path, mode: Mode) -> Option<NodeId> {
        let text = stable(path);
        if text.ends_with("time::sleep") {
            return self.refuse(path, say::TOKIO_SLEEP);
        }
        if let Some(last) = path.segments.last()
            && !matches!(last.arguments, PathArguments::None)
        {
            return self.refuse(&last.arguments, say::TYPE_ARGUMENTS);
        }
        let id = self.id.take();
        let mut call = call.clone();
        let reads = self.arguments(&mut call);
        self.id = id;
        let work = Work::Step(self.called(path.clone(), call));
        Some(self.node(work, reads, mode, path.span()))
    }

    /// What the arguments of a call read.
    pub fn arguments(&mut self, call: &mut ExprCall) -> Reads {
        self.reading(|lower| {
            for argument in &mut call.args {
                lower.lift(argument, Tail::Read);
                lower.names(argument);
            }
        })
    }

    fn map(&mut self, call: &ExprCall, bounds: Bounds, mode: Mode) -> Option<NodeId> {
        let (Some(items), Some(step), 2) = (call.args.get(0), call.args.get(1), call.args.len())
        else {
            return self.refuse(&call.func, say::MAP);
        };
        let id = self.id.take();
        let mut expr = items.clone();
        let reads = self.piece(&mut expr, Tail::Read);
        let (callee, call, element, call_reads) = self.map_step(step)?;
        self.id = id;
        let place = callee.span();
        let items = Box::new(Items { expr, reads, element, bounds });
        let work = Work::Map(self.called(callee, call), items);
        Some(self.node(work, call_reads, mode, place))
    }

    /// The step that a map calls for each element: by its path, or in a closure that does nothing else.
    fn map_step(&mut self, step: &Expr) -> Option<(Path, ExprCall, Option<Pat>, Reads)> {
        if let Some(path) = path_of(step) {
            let item = Ident::new("__pgflow_item", path.span());
            return Some((path.clone(), parse_quote!(#path(#item)), None, Reads::default()));
        }
        match step {
            Expr::Closure(closure) => match called_by(closure) {
                Some((pat, path, call)) => {
                    let mut call = call.clone();
                    let bound = bound(pat).into_iter().map(|n| (n.to_string(), None));
                    self.scopes.push(bound.collect::<BTreeMap<_, _>>());
                    let reads = self.arguments(&mut call);
                    self.scopes.pop();
                    Some((path.clone(), call, Some(pat.clone()), reads))
                }
                None => self.refuse(step, say::MAP_STEP),
            },
            other => self.refuse(other, say::MAP_STEP),
        }
    }

    fn after(&mut self, call: &ExprCall, mode: Mode) -> Option<NodeId> {
        let (Some(earlier), Some(step), 2) = (call.args.get(0), call.args.get(1), call.args.len())
        else {
            return self.refuse(&call.func, say::AFTER);
        };
        let mut earlier = earlier.clone();
        let id = self.id.take();
        let after = self.piece(&mut earlier, Tail::Read);
        self.id = id;
        let node = self.call(step, mode)?;
        self.model.nodes[node].after = after;
        Some(node)
    }
}

/// The parameter, the step and the call of `|x| step(x)`.
fn called_by(closure: &ExprClosure) -> Option<(&Pat, &Path, &ExprCall)> {
    let pat = closure.inputs.first().filter(|_| closure.inputs.len() == 1)?;
    match &*closure.body {
        Expr::Call(call) => Some((pat, path_of(&call.func)?, call)),
        _ => None,
    }
}
