//! What the learnt model says of a codebase: seconds on a CPU, no database.
//!
//! # The JSON
//! [`Classification`] as `archlearn classify PATH --json FILE` writes it. It is an interface: fields are added, never
//! changed or removed, without a new `version`.
//!
//! ```json
//! {
//!   "version": 1,
//!   "model": { "artifact": "9f2c…", "kind": "network", "threshold": 0.5 },
//!   "files": [
//!     { "path": "src/args.rs", "language": "rust", "role": "cli", "confidence": 0.83, "likeliest": "cli" },
//!     { "path": "src/misc.rs", "language": "rust", "role": null, "confidence": 0.31, "likeliest": "codec" }
//!   ],
//!   "by_rule": [
//!     { "path": "web/api.py", "language": "python", "role": "http_api", "basis": "code", "reason": "`@app.get` of fastapi", "line": 9 },
//!     { "path": "web/settings.py", "language": "python", "role": "config", "basis": "name", "reason": "\"settings\"", "line": null },
//!     { "path": "web/misc.py", "language": "python", "role": null, "basis": null, "reason": null, "line": null }
//!   ],
//!   "known": [{ "path": "src/main.rs", "language": "rust", "kind": "entry_point" }]
//! }
//! ```
//!
//! `path` is relative to the classified directory, with `/`, sorted. `confidence` is the calibrated probability of
//! `likeliest`, 0 to 1. `role` is `null` where the confidence is below the model's `threshold`: it abstains.
//! `files` are the modules in the languages that the model has learnt, `by_rule` those in others: there a role comes from
//! a framework's code (`basis` `code`, with its `line`) or from the file's name alone (`name`), and is `null` where neither
//! speaks. `known` lists the files whose place the manifest or the module tree tells: `crate_root`, `entry_point`, `test`,
//! `bench`, `example`, `build_script`, `generated`, `dead` for those that no `mod` declares, and `unread`. `language` is
//! `rust`, `python`, `typescript`, `javascript`, `go` or `elixir`.

mod answers;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::LearningError;
use crate::analysis::{is_error_name, name_role};
use crate::codebase::Codebase;
use crate::discovery::{self, CacheDir, FileKind, Shard, SourceFile};
use crate::graph::Graph;
use crate::language::Language;
use crate::model::ModelKind;
use crate::role::Role;
use crate::serving::Serving;
use crate::storage::DataDir;

/// Version of the JSON.
pub const VERSION: u32 = 1;

/// What the model says of a codebase; see the module for the JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// [`VERSION`].
    pub version: u32,
    /// The model that says it.
    pub model: ModelName,
    /// Modules in the languages that the model has learnt, with what it says of each.
    pub files: Vec<FileRole>,
    /// Modules in other languages, with what rules say of each.
    #[serde(default)]
    pub by_rule: Vec<RuledFile>,
    /// Files that need no model.
    pub known: Vec<KnownFile>,
}

impl Classification {
    /// How many modules there are in all languages.
    pub fn modules(&self) -> usize {
        self.files.len() + self.by_rule.len()
    }

    /// Modules in other languages whose role comes from `basis`.
    pub fn ruled(&self, basis: RuleBasis) -> usize {
        self.by_rule.iter().filter(|f| f.basis == Some(basis)).count()
    }
}

/// Which model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelName {
    /// Its artifact.
    pub artifact: String,
    /// Its kind.
    pub kind: ModelKind,
    /// Confidence below which it abstains.
    pub threshold: f32,
}

/// What the model says of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRole {
    /// Relative to the codebase, with `/`.
    pub path: String,
    /// Its language.
    #[serde(default)]
    pub language: Language,
    /// The role, or none where the model abstains.
    pub role: Option<Role>,
    /// Probability of the likeliest role, to three digits.
    pub confidence: f64,
    /// The likeliest role, also where the model abstains.
    pub likeliest: Role,
}

/// What rules say of a file in a language that the model has not learnt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuledFile {
    /// Relative to the codebase, with `/`.
    pub path: String,
    /// Its language.
    pub language: Language,
    /// The role, or none where no rule speaks.
    pub role: Option<Role>,
    /// What the role comes from.
    pub basis: Option<RuleBasis>,
    /// What stands there.
    pub reason: Option<String>,
    /// Where in the file, from 1.
    pub line: Option<u32>,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleBasis {
    /// The code of a framework.
    Code,
    /// The name of the file or of a directory above it.
    Name,
}

/// A file whose place is known without learning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFile {
    /// Relative to the codebase, with `/`.
    pub path: String,
    /// Its language.
    #[serde(default)]
    pub language: Language,
    /// What it is.
    pub kind: FileKind,
}

/// Classifies the files of `codebase` with the champion of `data`, else with the bundled model.
///
/// # Errors
/// When the champion's files are damaged.
pub fn classify(data: &DataDir, codebase: &Codebase) -> Result<Classification, LearningError> {
    let shard = discovery::scan(codebase)?;
    Ok(of_shard(&Serving::open(Some(data))?, &shard, &CacheDir::off()).classification)
}

/// A classification with what it comes from.
pub(crate) struct Asked {
    pub classification: Classification,
    pub graph: Graph,
    /// Whether the cache had the model's answer.
    pub known: bool,
}

/// Classifies the files of a shard.
pub(crate) fn of_shard(serving: &Serving, shard: &Shard, cache: &CacheDir) -> Asked {
    let model = &serving.model;
    let graph = model.graph(shard);
    let threshold = model.config.calibration.threshold;
    let kinds: BTreeMap<_, _> = shard.files.iter().map(|f| (f.path.as_str(), f.kind)).collect();
    let (probabilities, known) =
        answers::probabilities(serving, &graph, cache, &shard.codebase.root);
    let answers = graph.nodes.iter().zip(probabilities);
    let files = answers.filter(|(node, _)| kinds[node.path.as_str()] == FileKind::Module).map(
        |(node, p)| {
            let (likeliest, confidence) = Role::likeliest(&p);
            let role = (confidence >= threshold).then_some(likeliest);
            let confidence = (f64::from(confidence) * 1000.0).round() / 1000.0;
            let language = Language::of(&node.path).unwrap_or_default();
            FileRole { path: node.path.clone(), language, role, confidence, likeliest }
        },
    );
    let others = shard.files.iter().filter(|f| f.kind != FileKind::Module);
    let others =
        others.map(|f| KnownFile { path: f.path.clone(), language: f.language, kind: f.kind });
    let unlearnt =
        shard.files.iter().filter(|f| f.kind == FileKind::Module && !f.language.is_learnt());
    let classification = Classification {
        version: VERSION,
        files: files.collect(),
        by_rule: unlearnt.map(ruled).collect(),
        known: others.collect(),
        model: ModelName {
            artifact: serving.champion.artifact.clone(),
            kind: model.config.kind,
            threshold,
        },
    };
    Asked { classification, graph, known }
}

/// The code is asked before the name, but for a name that says errors: these are seldom wrong.
fn ruled(file: &SourceFile) -> RuledFile {
    let (path, language) = (file.path.clone(), file.language);
    let none = RuledFile { path, language, role: None, basis: None, reason: None, line: None };
    let named = name_role(&file.path);
    let errors = is_error_name(&file.path);
    match (file.sign.as_ref().filter(|_| !errors), named) {
        (Some(sign), _) => RuledFile {
            role: Some(sign.role),
            basis: Some(RuleBasis::Code),
            reason: Some(sign.reason.clone()),
            line: Some(sign.line),
            ..none
        },
        (None, Some((role, word))) => RuledFile {
            role: Some(role),
            basis: Some(RuleBasis::Name),
            reason: Some(format!("\"{word}\"")),
            ..none
        },
        (None, None) => none,
    }
}
