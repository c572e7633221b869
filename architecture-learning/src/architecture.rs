//! What the roles and the dependencies of a codebase come to: style, layers, dependencies against the codebase's own
//! grain, names that disagree with their code, and what was not seen. Derived by explicit rules, nothing of it learnt.

mod blind;
mod grain;
mod knots;
mod layers;
mod names;
mod parts;
mod roles;
mod style;

use serde::{Deserialize, Serialize};

use crate::classify::Classification;
use crate::discovery::{Edge, Pattern, Shard, is_dependency};
use crate::role::Role;
use crate::settings::Settings;

pub use blind::BlindSpots;
pub use grain::{Severity, Violation};
pub use layers::{Layering, Upward};
pub use names::Misnomer;
pub use parts::{Link, Part, ROOT};
pub use roles::{Assigned, Basis};
pub use style::Style;

/// What a codebase is built like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Architecture {
    /// In a few words, with what they are derived from.
    pub style: Style,
    /// Groups of files, at most sixty, sorted by name.
    pub parts: Vec<Part>,
    /// Dependencies between the parts.
    pub links: Vec<Link>,
    /// How the parts lie on one another.
    pub layering: Layering,
    /// Dependencies that one of the rules objects to, the gravest first.
    pub violations: Vec<Violation>,
    /// Files whose name says another role than their code.
    pub names: Vec<Misnomer>,
    /// What was found in it, with evidence.
    pub patterns: Vec<Pattern>,
    /// What was not seen.
    pub blind: BlindSpots,
}

impl Architecture {
    /// Derives it from what discovery and the model found.
    pub fn of(shard: &Shard, classification: &Classification, settings: &Settings) -> Self {
        Self::with(shard, classification, settings, &assigned(shard, classification, settings))
    }

    /// [`Architecture::of`] with the roles that it goes by.
    pub(crate) fn with(
        shard: &Shard,
        classification: &Classification,
        settings: &Settings,
        roles: &[Option<Assigned>],
    ) -> Self {
        let dependencies = dependencies(shard);
        let (parts, part_of) = parts::parts(shard, roles);
        let links = parts::links(shard, &dependencies, &part_of);
        let layering = layers::layering(&parts, &links);
        let mut style = style::style(shard, &layering, &parts);
        style.reasons.extend(knots::knots(shard, &dependencies));
        Self {
            style,
            violations: grain::violations(shard, &dependencies, roles, settings),
            names: names::misnomers(classification, settings),
            patterns: shard.patterns.clone(),
            blind: blind::blind(shard, classification),
            parts,
            links,
            layering,
        }
    }
}

/// Dependencies of modules on one another, one per pair of files, sorted.
fn dependencies(shard: &Shard) -> Vec<Edge> {
    let mut edges: Vec<_> =
        shard.edges.iter().filter(|e| is_dependency(&shard.files, e)).copied().collect();
    edges.sort_by_key(|e| (e.from, e.to, e.line));
    edges.dedup_by_key(|e| (e.from, e.to));
    edges
}

/// The role of each file of a shard, where it is assigned one.
pub fn assigned(
    shard: &Shard,
    classification: &Classification,
    settings: &Settings,
) -> Vec<Option<Assigned>> {
    roles::assign(shard, classification, settings)
}

/// Roles that readers mix up: no disagreement of these is worth a word.
fn is_blurred(a: Role, b: Role) -> bool {
    use Role::{
        Cli, Codec, Codegen, HttpApi, Parsing, Persistence, Platform, Runtime, Transport, Ui,
    };
    let pairs = [
        (Codec, Parsing),
        (Cli, Ui),
        (Platform, Transport),
        (HttpApi, Transport),
        (Persistence, Runtime),
        (Codegen, Parsing),
        (Platform, Runtime),
        (Transport, Codec),
    ];
    pairs.contains(&(a, b)) || pairs.contains(&(b, a))
}
