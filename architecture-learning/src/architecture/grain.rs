//! Dependencies that the codebase itself, or nearly every codebase, speaks against. Three rules and no more: what one reader
//! in a hundred would believe is not worth a line.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::roles::{Assigned, Basis};
use crate::components::components;
use crate::discovery::{Edge, Shard};
use crate::role::Role;
use crate::rule::Rule;
use crate::settings::{Policy, Settings};

/// Dependencies one way from which on a direction means something.
const MAJORITY_MIN: usize = 8;
/// Share of the minority up to which it goes against the grain.
const MINORITY_MAX: f64 = 0.15;
/// Share of the minority up to which an edge of a cycle is the one to blame.
const CLOSING_MAX: f64 = 0.34;
/// Confidence of both roles from which on the rule of nearly all codebases holds; a framework's code is as good.
const SURE: f64 = 0.6;
/// Pairs that are one-way nearly everywhere: the first does not depend on the second.
const ONE_WAY: [(Role, Role); 3] =
    [(Role::Error, Role::Cli), (Role::Config, Role::HttpApi), (Role::Persistence, Role::Ui)];
/// Roles that everything leans on: cycles through them are normal.
const CENTRAL: [Role; 3] = [Role::Error, Role::Config, Role::Observability];

/// How grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Look at it first.
    High,
    /// Look at it.
    Medium,
    /// Know of it.
    Low,
}

impl Severity {
    /// The name in files and on the terminal.
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// A dependency that a rule objects to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// How grave.
    pub severity: Severity,
    /// The file that depends.
    pub from: String,
    /// Its role.
    pub from_role: Role,
    /// The line that says so.
    pub line: u32,
    /// The file that it depends on.
    pub to: String,
    /// Its role.
    pub to_role: Role,
    /// What speaks against it, in words.
    pub evidence: String,
}

/// Dependencies of role on role.
struct Directions(BTreeMap<(Role, Role), usize>);

impl Directions {
    fn of(dependencies: &[Edge], roles: &[Option<Assigned>]) -> Self {
        let mut counts = BTreeMap::new();
        for edge in dependencies {
            if let Some(pair) = pair(edge, roles) {
                *counts.entry(pair).or_default() += 1;
            }
        }
        Self(counts)
    }

    fn count(&self, from: Role, to: Role) -> usize {
        self.0.get(&(from, to)).copied().unwrap_or(0)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of edges")]
    fn share(&self, from: Role, to: Role) -> f64 {
        let (this, other) = (self.count(from, to), self.count(to, from));
        this as f64 / (this + other).max(1) as f64
    }

    fn words(&self, from: Role, to: Role) -> String {
        let (from_name, to_name) = (from.name(), to.name());
        let (this, other) = (self.count(from, to), self.count(to, from));
        format!("{this} {from_name} \u{2192} {to_name} against {other} the other way")
    }
}

/// The violations of a codebase, the gravest first.
pub(super) fn violations(
    shard: &Shard,
    dependencies: &[Edge],
    roles: &[Option<Assigned>],
    settings: &Settings,
) -> Vec<Violation> {
    let directions = Directions::of(dependencies, roles);
    let cycles = Cycles::of(shard, dependencies);
    let wanted = |rule: &Rule| settings.policy(*rule) != Policy::Off;
    let judge = |edge: &Edge| {
        let (from, to) = pair(edge, roles)?;
        let (rule, severity, evidence) = one_way(edge, roles)
            .or_else(|| against_the_grain(&directions, from, to))
            .or_else(|| closes_a_cycle(&directions, &cycles, edge, from, to, shard))?;
        // one name in three is wrong
        let is_named = |file: u32| roles[file as usize].is_some_and(|a| a.basis == Basis::Name);
        let (severity, evidence) = if is_named(edge.from) || is_named(edge.to) {
            (Severity::Low, format!("{evidence}; a role by name alone"))
        } else {
            (severity, evidence)
        };
        wanted(&rule).then(|| Violation {
            rule,
            severity,
            from: shard.files[edge.from as usize].path.clone(),
            from_role: from,
            line: edge.line,
            to: shard.files[edge.to as usize].path.clone(),
            to_role: to,
            evidence,
        })
    };
    let mut found: Vec<_> = dependencies.iter().filter_map(judge).collect();
    found.retain(|v| !settings.excludes(&v.from) && !settings.excludes(&v.to));
    found.sort_by(|a, b| {
        let key = |v: &Violation| (v.severity, v.rule, v.from.clone(), v.to.clone());
        key(a).cmp(&key(b))
    });
    found
}

fn pair(edge: &Edge, roles: &[Option<Assigned>]) -> Option<(Role, Role)> {
    let (from, to) = (roles[edge.from as usize]?.role, roles[edge.to as usize]?.role);
    (from != to).then_some((from, to))
}

type Judgement = (Rule, Severity, String);

fn one_way(edge: &Edge, roles: &[Option<Assigned>]) -> Option<Judgement> {
    let (from, to) = (roles[edge.from as usize]?, roles[edge.to as usize]?);
    let sure = |role: &Assigned| role.confidence >= SURE || role.basis == Basis::Code;
    let asked = from.basis != Basis::Code && to.basis != Basis::Code;
    (sure(&from) && sure(&to) && ONE_WAY.contains(&(from.role, to.role))).then(|| {
        let why = if asked {
            let (from, to) = (from.confidence * 100.0, to.confidence * 100.0);
            format!("the model is sure of both ({from:.0} %, {to:.0} %)")
        } else {
            "a framework's code tells the roles".to_owned()
        };
        let (from, to) = (from.role.name(), to.role.name());
        let evidence = format!("{from} does not depend on {to} in nearly every codebase; {why}");
        (Rule::OneWay, Severity::High, evidence)
    })
}

fn against_the_grain(directions: &Directions, from: Role, to: Role) -> Option<Judgement> {
    let fits =
        directions.count(to, from) >= MAJORITY_MIN && directions.share(from, to) <= MINORITY_MAX;
    let grave = directions.share(from, to) <= MINORITY_MAX / 3.0;
    let severity = if grave { Severity::High } else { Severity::Medium };
    fits.then(|| (Rule::AgainstTheGrain, severity, directions.words(from, to)))
}

fn closes_a_cycle(
    directions: &Directions,
    cycles: &Cycles,
    edge: &Edge,
    from: Role,
    to: Role,
    shard: &Shard,
) -> Option<Judgement> {
    if directions.share(from, to) > CLOSING_MAX {
        return None;
    }
    let back = cycles.way_back(edge)?;
    let path = |file: &u32| shard.files[*file as usize].path.as_str();
    let way: Vec<_> = back.iter().map(path).collect();
    let evidence =
        format!("back through {}; {}", way.join(" \u{2192} "), directions.words(from, to));
    let central = CENTRAL.contains(&from) || CENTRAL.contains(&to);
    Some(if central {
        (Rule::CentralCycle, Severity::Low, evidence)
    } else {
        (Rule::Cycle, Severity::Medium, evidence)
    })
}

/// Which files are in a cycle with which, and how.
struct Cycles {
    group: Vec<usize>,
    next: BTreeMap<u32, BTreeSet<u32>>,
}

impl Cycles {
    fn of(shard: &Shard, dependencies: &[Edge]) -> Self {
        let mut next: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for edge in dependencies {
            next.entry(edge.from).or_default().insert(edge.to);
        }
        Self { group: components(shard.files.len(), &next), next }
    }

    /// The shortest way from the end of `edge` back to its start, both among it.
    fn way_back(&self, edge: &Edge) -> Option<Vec<u32>> {
        let group = |file: u32| self.group[file as usize];
        if group(edge.from) != group(edge.to) {
            return None;
        }
        let mut came: BTreeMap<u32, u32> = BTreeMap::from([(edge.to, edge.to)]);
        let mut open = std::collections::VecDeque::from([edge.to]);
        while let Some(at) = open.pop_front() {
            for &next in self.next.get(&at).into_iter().flatten() {
                if group(next) == group(edge.to) && !came.contains_key(&next) {
                    came.insert(next, at);
                    open.push_back(next);
                }
            }
        }
        let mut way = vec![edge.from];
        while let Some(&last) = way.last().filter(|last| **last != edge.to) {
            way.push(*came.get(&last)?);
        }
        way.reverse();
        Some(way)
    }
}
