//! Awaited calls: steps, and the words of the language, which are recognised by `pgflow::` in front and never by a
//! bare name.

use std::collections::BTreeMap;

use syn::{
    Expr, ExprCall, ExprClosure, ExprMethodCall, Ident, Pat, Path, PathArguments, parse_quote,
    spanned::Spanned,
};

use super::{
    Items, Mode, NodeId, Reads, Work,
    free::bound,
    lower::{Lower, Tail},
};
use crate::{diagnostics as say, text::stable};

/// The words that this version knows.
const WORDS: &[&str] = &["map", "after"];
/// The words of later versions.
const LATER: &[&str] = &["sleep", "signal", "child"];

/// The word of a path `pgflow::word`.
fn word(path: &Path) -> Option<&Ident> {
    let mut segments = path.segments.iter();
    match (segments.next(), segments.next(), segments.next()) {
        (Some(krate), Some(word), None) if krate.ident == "pgflow" => Some(&word.ident),
        _ => None,
    }
}

fn path_of(expr: &Expr) -> Option<&Path> {
    if let Expr::Path(path) = expr { Some(&path.path) } else { None }
}

impl Lower<'_> {
    /// The node of an awaited call; nothing where it was refused.
    pub fn call(&mut self, call: &Expr, mode: Mode) -> Option<NodeId> {
        match call {
            Expr::Call(call) => match path_of(&call.func) {
                Some(path) => self.call_by_path(call, path, mode),
                None => self.refuse(&call.func, say::CALL_BY_PATH),
            },
            Expr::Paren(paren) => self.call(&paren.expr, mode),
            Expr::Group(group) => self.call(&group.expr, mode),
            Expr::MethodCall(method) => self.refuse_method(method),
            Expr::Macro(m) => {
                self.refuse(&m.mac.path, &say::macro_hides_steps(&stable(&m.mac.path)))
            }
            Expr::Async(block) => self.refuse(&block.async_token, say::ASYNC_BLOCK),
            other => self.refuse(other, say::AWAIT_A_STEP),
        }
    }

    fn call_by_path(&mut self, call: &ExprCall, path: &Path, mode: Mode) -> Option<NodeId> {
        let Some(word) = word(path) else { return self.step(call, path, mode) };
        match word.to_string().as_str() {
            "map" => self.map(call, mode),
            "after" => self.after(call, mode),
            later if LATER.contains(&later) => {
                self.refuse(path, &say::comes_later(&format!("pgflow::{later}")))
            }
            unknown => {
                let known: Vec<_> = WORDS.iter().chain(LATER).copied().collect();
                self.refuse(path, &say::unknown_builtin(&stable(path), unknown, &known))
            }
        }
    }

    fn refuse_method(&mut self, method: &ExprMethodCall) -> Option<NodeId> {
        let name = method.method.to_string();
        let path = match &*method.receiver {
            Expr::Call(call) => path_of(&call.func),
            _ => None,
        };
        match path.zip(path.and_then(word)) {
            Some((_, map)) if map == "map" => {
                self.refuse(&method.method, &say::comes_later(&format!(".{name}")))
            }
            Some((path, word)) if LATER.iter().any(|later| word == later) => {
                self.refuse(path, &say::comes_later(&format!("pgflow::{word}")))
            }
            _ => self.refuse(&method.method, &say::not_a_step_method(&name)),
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
    fn arguments(&mut self, call: &mut ExprCall) -> Reads {
        self.reading(|lower| {
            for argument in &mut call.args {
                lower.lift(argument, Tail::Read);
                lower.names(argument);
            }
        })
    }

    fn map(&mut self, call: &ExprCall, mode: Mode) -> Option<NodeId> {
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
        let items = Box::new(Items { expr, reads, element });
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
