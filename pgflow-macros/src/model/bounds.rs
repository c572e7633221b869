//! What may be written behind a word: the bounds of a map, the limit of a signal.

use syn::{Expr, ExprMethodCall};

use super::{Bounds, lift::awaits, lower::Lower};
use crate::diagnostics as say;

impl Lower<'_> {
    /// The bounds of a map; nothing where one is refused.
    pub fn bounds(&mut self, methods: &[&ExprMethodCall]) -> Option<Bounds> {
        let mut bounds = Bounds::default();
        let mut sound = true;
        for method in methods {
            let name = method.method.to_string();
            let slot = match name.as_str() {
                "limit" => &mut bounds.limit,
                "at_least" => &mut bounds.at_least,
                _ => return self.unknown_method("map", method, &["limit", "at_least"]),
            };
            if slot.is_some() {
                return self.refuse(&method.method, &say::twice(&name));
            }
            match method.args.first() {
                Some(value) if method.args.len() == 1 => {
                    *slot = Some(value.clone());
                    sound &= self.is_constant(value, &name);
                }
                // rustc counts the arguments
                _ => return self.refuse(&method.method, &say::bound_takes_one(&name)),
            }
        }
        sound.then_some(bounds)
    }

    /// A bound is part of the definition, so it reads nothing of the run.
    fn is_constant(&mut self, value: &Expr, name: &str) -> bool {
        let reads = self.reading(|lower| lower.names(value));
        let constant = reads.bindings.is_empty() && !awaits(value);
        if !constant {
            self.refuse::<()>(value, &say::not_constant(name));
        }
        constant
    }

    /// A word that has no methods.
    pub fn no_methods(&mut self, word: &str, methods: &[&ExprMethodCall]) -> Option<()> {
        match methods.first() {
            Some(method) => self.unknown_method(word, method, &[]),
            None => Some(()),
        }
    }

    /// Reports a method that the word does not have.
    pub fn unknown_method<T>(
        &mut self,
        word: &str,
        method: &ExprMethodCall,
        known: &[&str],
    ) -> Option<T> {
        let text = say::unknown_method(word, &method.method.to_string(), known);
        self.refuse(&method.method, &text)
    }
}
