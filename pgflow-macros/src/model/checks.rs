//! What is known of a body as a whole: what nobody reads, what is called twice.

use std::collections::BTreeSet;

use syn::{Expr, Pat, spanned::Spanned};

use super::{
    BindingId, Let, LetId, Model, Needs, Value, Work, lift::hole_in, numbers::bare_number,
    question::question,
};
use crate::diagnostics::{self as say, Errors};

impl Model {
    /// Checks the body and fills in the order of its nodes.
    pub(super) fn finish(&mut self, errors: &mut Errors) {
        let live = self.live();
        // a refused call reads nothing, so that its arguments would seem unused
        if errors.is_empty() {
            self.check_unread(&live, errors);
        }
        self.check_numbers(errors);
        self.check_twice(errors);
        self.order_nodes(&live);
    }

    /// What some node or the final value reads.
    fn live(&self) -> Needs {
        let mut live = Needs::default();
        for node in &self.nodes {
            self.add_needs(&node.reads, &mut live);
            self.add_needs(&node.after, &mut live);
            if let Some(reads) = node.work.reads() {
                self.add_needs(reads, &mut live);
            }
        }
        if let Some(value) = &self.body.value {
            self.add_needs(&value.reads, &mut live);
        }
        live
    }

    /// A binding that only another unread one reads is not reported: the other is.
    fn check_unread(&self, live: &Needs, errors: &mut Errors) {
        let lets = self.lets.iter().map(|binding| &binding.reads);
        let values = self.arm_values().map(|(_, value)| &value.reads);
        let read: BTreeSet<BindingId> =
            lets.chain(values).flat_map(|reads| &reads.bindings).copied().collect();
        for (id, binding) in self.lets.iter().enumerate() {
            if live.lets.contains(&id) {
                continue;
            }
            let unread = binding.bindings.iter().filter(|b| !read.contains(b));
            let names = unread.map(|b| &self.bindings[*b].name);
            let wrong = names.filter(|name| !name.to_string().starts_with('_')).min();
            if let Some(name) = wrong {
                errors.on(name, say::unused(&name.to_string(), !binding.reads.nodes.is_empty()));
            } else if let Some(question) = question(&binding.init) {
                errors.on(question, say::UNREAD_QUESTION);
            }
        }
        for (branch, value) in self.arm_values() {
            if !live.loads.contains(&branch)
                && let Some(question) = question(&value.expr)
            {
                errors.on(question, say::UNREAD_QUESTION);
            }
        }
    }

    /// What the arms of all branches come to.
    fn arm_values(&self) -> impl Iterator<Item = (usize, &Value)> {
        self.nodes.iter().enumerate().flat_map(|(branch, node)| {
            let values = node.work.arms().iter().filter_map(|arm| arm.body.value.as_ref());
            values.map(move |value| (branch, value))
        })
    }

    /// Numbers whose type would be decided in each reader apart.
    fn check_numbers(&self, errors: &mut Errors) {
        for (id, Let { pat, init, .. }) in self.lets.iter().enumerate() {
            if !matches!(pat, Pat::Type(_))
                && let Some(number) = self.bare(init)
                && self.readers(id) > 1
            {
                errors.at(number.span(), say::BARE_NUMBER);
            }
        }
    }

    /// The number without a type that gives a value its own; of a branch, the first of such numbers in all arms.
    fn bare<'e>(&'e self, expr: &'e Expr) -> Option<&'e Expr> {
        let Some(node) = hole_in(expr) else { return bare_number(expr).then_some(expr) };
        let arms = self.nodes[node].work.arms().iter();
        let bare: Option<Vec<_>> =
            arms.map(|arm| self.bare(&arm.body.value.as_ref()?.expr)).collect();
        bare?.first().copied()
    }

    fn readers(&self, id: LetId) -> usize {
        let arguments = self.nodes.iter().map(|n| &n.reads);
        let further = self.nodes.iter().filter_map(|n| n.work.reads());
        let value = self.body.value.iter().map(|v| &v.reads);
        let all = arguments.chain(further).chain(value);
        all.filter(|reads| self.needs(reads).lets.contains(&id)).count()
    }

    /// A second call must say who it is. Two imports of one step are told apart by a constant, see `emit::checks`.
    fn check_twice(&self, errors: &mut Errors) {
        let mut seen = BTreeSet::new();
        for node in &self.nodes {
            // a branch without an id is called after what is in it
            let Some(name) = node.id.clone().or_else(|| node.work.own_name()) else { continue };
            if !seen.insert(name.clone()) {
                let text = say::called_twice(&name);
                match &node.work {
                    Work::Wait(wait) => errors.on(&wait.word(), text),
                    work => match work.call() {
                        Some(call) => errors.on(&call.callee, text),
                        None => errors.at(node.span, text),
                    },
                }
            }
        }
    }
}
