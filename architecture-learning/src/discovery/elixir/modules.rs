//! Where Elixir finds a module: in whichever file defines its name.

use std::collections::{BTreeSet, HashMap};

use super::SCOPE;
use crate::discovery::dialect::{Facts, Found, Modules};

pub(super) struct Names<'a> {
    facts: &'a [Facts],
    files: HashMap<&'a str, usize>,
    /// First parts of the names that the codebase defines.
    own: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn of(facts: &'a [Facts]) -> Self {
        let mut files = HashMap::new();
        for (i, facts) in facts.iter().enumerate() {
            for name in &facts.defines {
                files.entry(name.as_str()).or_insert(i);
            }
        }
        let own = files.keys().filter_map(|name| name.split('.').next()).collect();
        Self { facts, files, own }
    }
}

impl Names<'_> {
    /// A module that a router names below one of its scopes, or below one in another.
    fn scoped(&self, from: usize, module: &str) -> Option<usize> {
        let scopes: Vec<_> =
            self.facts[from].signs.keys().filter_map(|sign| sign.strip_prefix(SCOPE)).collect();
        let get = |name: String| self.files.get(name.as_str()).copied();
        let inner =
            |outer: &str| scopes.iter().find_map(|inner| get(format!("{outer}.{inner}.{module}")));
        let below = |outer: &&str| get(format!("{outer}.{module}")).or_else(|| inner(outer));
        scopes.iter().find_map(below)
    }
}

impl Modules for Names<'_> {
    fn find(&self, from: usize, module: &str) -> Found {
        let first = module.split('.').next().unwrap_or(module);
        match self.files.get(module).copied().or_else(|| self.scoped(from, module)) {
            Some(file) => Found::Files(vec![file]),
            // the name of a process or of a protocol's part, as often as that of a module
            None if self.own.contains(first) => Found::Nothing,
            None => Found::Outside(first.to_owned()),
        }
    }
}
