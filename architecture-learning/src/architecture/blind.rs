//! What was not seen. A reader of text alone misses things; saying which is part of the answer.

use serde::{Deserialize, Serialize};

use crate::classify::Classification;
use crate::discovery::{FileKind, Shard, Unread};

/// What was not seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlindSpots {
    /// Modules on which the model abstains.
    pub abstained: usize,
    /// Modules without a role in languages that the model has not learnt.
    #[serde(default)]
    pub unlearnt: usize,
    /// Macro calls between items: what they define is unknown.
    pub macros: usize,
    /// Items under `#[cfg]`, read as if they were all compiled.
    pub cfgs: usize,
    /// Paths and imports into the codebase that could not be followed to their end.
    pub unresolved: usize,
    /// Files with places that do not parse.
    pub broken: Vec<String>,
    /// Files that no `mod` declares.
    pub dead: Vec<String>,
    /// Files that a program wrote.
    pub generated: usize,
    /// Files and directories that could not be read.
    pub unread: Vec<Unread>,
    /// Directories of builds and of other people's code, left out.
    #[serde(default)]
    pub skipped: Vec<String>,
}

pub(super) fn blind(shard: &Shard, classification: &Classification) -> BlindSpots {
    let own = |kind| matches!(kind, FileKind::Module | FileKind::CrateRoot | FileKind::EntryPoint);
    let read: Vec<_> = shard.files.iter().filter(|f| own(f.kind)).collect();
    let of_kind = |kind| shard.files.iter().filter(move |f| f.kind == kind);
    BlindSpots {
        abstained: classification.files.iter().filter(|f| f.role.is_none()).count(),
        unlearnt: classification.by_rule.iter().filter(|f| f.role.is_none()).count(),
        macros: read.iter().map(|f| f.blind.macros as usize).sum(),
        cfgs: read.iter().map(|f| f.blind.cfgs as usize).sum(),
        unresolved: shard.unresolved,
        broken: read.iter().filter(|f| f.blind.errors > 0).map(|f| f.path.clone()).collect(),
        dead: of_kind(FileKind::Dead).map(|f| f.path.clone()).collect(),
        generated: of_kind(FileKind::Generated).count(),
        unread: shard.unread.clone(),
        skipped: shard.skipped.clone(),
    }
}
