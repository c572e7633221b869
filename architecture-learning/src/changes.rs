//! What lies between two states of a codebase, as an architect asks: dependencies between parts, roles, cycles, violations.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::architecture::Link;
use crate::baseline::{Baseline, Comparison};
use crate::components;
use crate::discovery::is_dependency;
use crate::role::Role;
use crate::survey::Survey;

/// What a change did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// Dependencies between parts that were not there before, with a place that shows each.
    pub links_new: Vec<PartLink>,
    /// Dependencies between parts that are gone.
    pub links_gone: Vec<PartLink>,
    /// Files whose role changed: before and after.
    pub roles: Vec<(String, Option<Role>, Option<Role>)>,
    /// Groups of files that depend on one another and did not before.
    pub cycles_opened: Vec<Vec<String>>,
    /// Groups of files that did and do not any more.
    pub cycles_closed: Vec<Vec<String>>,
    /// Violations beside those of before.
    pub violations: Comparison,
}

/// A dependency of one part on another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartLink {
    /// The part that depends.
    pub from: String,
    /// The part that it depends on.
    pub to: String,
    /// Whether it points up in the order of layers.
    pub upward: bool,
    /// A file that depends, and its line.
    pub place: (String, u32),
}

/// What changed from `before` to `after`.
pub fn changes(before: &Survey, after: &Survey) -> Changes {
    let (was, is) = (links(before), links(after));
    let minus = |a: &BTreeMap<(String, String), PartLink>, b: &BTreeMap<_, PartLink>| {
        a.iter().filter(|(key, _)| !b.contains_key(*key)).map(|(_, l)| l.clone()).collect()
    };
    let known = Baseline::of(&before.architecture.violations);
    Changes {
        links_new: minus(&is, &was),
        links_gone: minus(&was, &is),
        roles: roles(before, after),
        cycles_opened: cycles(before, after),
        cycles_closed: cycles(after, before),
        violations: known.compare(&after.architecture.violations),
    }
}

fn links(survey: &Survey) -> BTreeMap<(String, String), PartLink> {
    let architecture = &survey.architecture;
    let name = |part: usize| architecture.parts[part].name.clone();
    let upward: BTreeSet<_> = architecture.layering.upward.iter().map(|u| u.link).collect();
    let link = |(i, l): (usize, &Link)| PartLink {
        from: name(l.from),
        to: name(l.to),
        upward: upward.contains(&i),
        place: (l.path.clone(), l.line),
    };
    let links = architecture.links.iter().enumerate().map(link);
    links.map(|l| ((l.from.clone(), l.to.clone()), l)).collect()
}

/// Of files that are in both.
fn roles(before: &Survey, after: &Survey) -> Vec<(String, Option<Role>, Option<Role>)> {
    let of = |survey: &Survey| -> BTreeMap<String, Option<Role>> {
        let files = survey.shard.files.iter().zip(&survey.assigned);
        files.map(|(f, a)| (f.path.clone(), a.map(|a| a.role))).collect()
    };
    let was = of(before);
    let both = of(after).into_iter().filter_map(|(path, is)| Some((was.get(&path)?, path, is)));
    both.filter(|(was, _, is)| *was != is).map(|(was, path, is)| (path, *was, is)).collect()
}

/// Cycles of `of` with two files that were in no cycle together in `without`.
fn cycles(without: &Survey, of: &Survey) -> Vec<Vec<String>> {
    let old = groups(without);
    let home: BTreeMap<&str, usize> =
        old.iter().enumerate().flat_map(|(i, g)| g.iter().map(move |f| (f.as_str(), i))).collect();
    let is_new = |group: &Vec<String>| {
        let homes: BTreeSet<_> = group.iter().map(|f| home.get(f.as_str())).collect();
        homes.len() > 1 || homes.contains(&None)
    };
    groups(of).into_iter().filter(is_new).collect()
}

/// Files that depend on one another, each group sorted.
fn groups(survey: &Survey) -> Vec<Vec<String>> {
    let shard = &survey.shard;
    let dependencies = shard.edges.iter().filter(|e| is_dependency(&shard.files, e));
    let found = components::groups(shard.files.len(), dependencies.map(|e| (e.from, e.to)));
    let mut groups: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (i, file) in (0..).zip(&shard.files) {
        groups.entry(found.of(i)).or_default().push(file.path.clone());
    }
    let mut cycles: Vec<_> = groups.into_values().filter(|g| g.len() > 1).collect();
    cycles.sort();
    cycles
}
