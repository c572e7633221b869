//! Which role a file counts with: a person's word, else the model's answer, else what its name and the model's likeliest
//! agree on. The model never sees the name, so these two are witnesses of their own. In languages that the model has not
//! learnt, a framework's code or else the name alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::analysis::name_role;
use crate::classify::{Classification, RuleBasis};
use crate::discovery::Shard;
use crate::role::Role;
use crate::settings::Settings;

/// A role that a file counts with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assigned {
    /// The role.
    pub role: Role,
    /// Who says so.
    pub basis: Basis,
    /// The model's confidence in its likeliest role; 0 where the model was not asked.
    pub confidence: f64,
}

/// Who says that a file has a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// `archlearn.toml`.
    Person,
    /// The model, above its threshold.
    Model,
    /// The name, and the model's likeliest role below its threshold.
    Agreement,
    /// The code of a framework, in a language that the model has not learnt.
    Code,
    /// The name alone, in a language that the model has not learnt.
    Name,
}

impl Basis {
    /// Who says so, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Person => "archlearn.toml says so",
            Self::Model => "the model says so",
            Self::Agreement => "the name and the model's likeliest role agree",
            Self::Code => "a framework's code says so",
            Self::Name => "the name alone says so",
        }
    }
}

/// The role of each file of the shard.
pub(super) fn assign(
    shard: &Shard,
    classification: &Classification,
    settings: &Settings,
) -> Vec<Option<Assigned>> {
    let answers: BTreeMap<_, _> =
        classification.files.iter().map(|f| (f.path.as_str(), f)).collect();
    let ruled: BTreeMap<_, _> =
        classification.by_rule.iter().map(|f| (f.path.as_str(), f)).collect();
    let by_rule = |path: &str| {
        let file = ruled.get(path)?;
        let assigned = |role, basis| Some(Assigned { role, basis, confidence: 0.0 });
        match (settings.role(path), file.role, file.basis) {
            (Some(role), ..) => assigned(role, Basis::Person),
            (None, Some(role), Some(RuleBasis::Code)) => assigned(role, Basis::Code),
            (None, Some(role), Some(RuleBasis::Name)) => assigned(role, Basis::Name),
            _ => None,
        }
    };
    let of = |path: &str| {
        let Some(answer) = answers.get(path) else { return by_rule(path) };
        let confidence = answer.confidence;
        let assigned = |role, basis| Some(Assigned { role, basis, confidence });
        if let Some(role) = settings.role(path) {
            return assigned(role, Basis::Person);
        }
        if let Some(role) = answer.role {
            return assigned(role, Basis::Model);
        }
        let (named, _) = name_role(path)?;
        if named == answer.likeliest { assigned(named, Basis::Agreement) } else { None }
    };
    shard.files.iter().map(|f| of(&f.path)).collect()
}
