//! Files whose name says one role and whose code another.

use serde::{Deserialize, Serialize};

use super::is_blurred;
use crate::analysis::name_role;
use crate::classify::Classification;
use crate::role::Role;
use crate::settings::Settings;

/// A file whose name disagrees with its code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Misnomer {
    /// The file.
    pub path: String,
    /// The role that its name says.
    pub named: Role,
    /// The word of the name that says so.
    pub word: String,
    /// The role that its code says.
    pub code: Role,
    /// How sure the model is of that.
    pub confidence: f64,
}

/// The disagreements, the surest first.
pub(super) fn misnomers(classification: &Classification, settings: &Settings) -> Vec<Misnomer> {
    let disagreement = |file: &crate::classify::FileRole| {
        let code = file.role?;
        let (named, word) = name_role(&file.path)?;
        let plain = named != code && !is_blurred(named, code);
        let open = settings.role(&file.path).is_none() && !settings.excludes(&file.path);
        (plain && open).then(|| Misnomer {
            path: file.path.clone(),
            named,
            word: word.to_owned(),
            code,
            confidence: file.confidence,
        })
    };
    let mut found: Vec<_> = classification.files.iter().filter_map(disagreement).collect();
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then(a.path.cmp(&b.path)));
    found
}
