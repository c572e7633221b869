//! What is known of a body as a whole: what nobody reads, what is called twice.

use std::collections::BTreeSet;

use syn::{Pat, spanned::Spanned};

use super::{BindingId, Let, LetId, Model, Needs, Work, numbers::bare_number, question::question};
use crate::{
    diagnostics::{self as say, Errors},
    text::stable,
};

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
            if let Work::Map(items) = &node.work {
                self.add_needs(&items.reads, &mut live);
            }
        }
        if let Some(value) = &self.value {
            self.add_needs(&value.reads, &mut live);
        }
        live
    }

    /// A binding that only another unread one reads is not reported: the other is.
    fn check_unread(&self, live: &Needs, errors: &mut Errors) {
        let read: BTreeSet<BindingId> =
            self.lets.iter().flat_map(|binding| &binding.reads.bindings).copied().collect();
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
    }

    /// Numbers whose type would be decided in each reader apart.
    fn check_numbers(&self, errors: &mut Errors) {
        for (id, Let { pat, init, .. }) in self.lets.iter().enumerate() {
            if !matches!(pat, Pat::Type(_)) && bare_number(init) && self.readers(id) > 1 {
                errors.at(init.span(), say::BARE_NUMBER);
            }
        }
    }

    fn readers(&self, id: LetId) -> usize {
        let arguments = self.nodes.iter().map(|n| &n.reads);
        let items = self.nodes.iter().filter_map(|n| match &n.work {
            Work::Map(items) => Some(&items.reads),
            Work::Step => None,
        });
        let value = self.value.iter().map(|v| &v.reads);
        let all = arguments.chain(items).chain(value);
        all.filter(|reads| self.needs(reads).lets.contains(&id)).count()
    }

    /// A second call must say who it is. Two imports of one step are told apart by a constant, see `emit::checks`.
    fn check_twice(&self, errors: &mut Errors) {
        let mut seen = BTreeSet::new();
        for node in &self.nodes {
            let name = node.id.clone().unwrap_or_else(|| stable(&node.callee));
            if !seen.insert(name.clone()) {
                errors.on(&node.callee, say::called_twice(&name));
            }
        }
    }
}
