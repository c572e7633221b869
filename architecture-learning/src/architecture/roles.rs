//! Which role a file counts with: a person's word, else the model's answer, else what its name and the model's likeliest
//! agree on. The model never sees the name, so these two are witnesses of their own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::analysis::name_role;
use crate::classify::Classification;
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
    /// The model's confidence in its likeliest role.
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
}

/// The role of each file of the shard.
pub(super) fn assign(
    shard: &Shard,
    classification: &Classification,
    settings: &Settings,
) -> Vec<Option<Assigned>> {
    let answers: BTreeMap<_, _> =
        classification.files.iter().map(|f| (f.path.as_str(), f)).collect();
    let of = |path: &str| {
        let answer = answers.get(path)?;
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
