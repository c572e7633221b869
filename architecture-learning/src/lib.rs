//! Learns which role each source file plays from real codebases, and tells it of a codebase it has never seen.
//!
//! Five steps, each an ordinary function that anyone can call: [`discover`](discovery::discover),
//! [`analyse`](analysis::analyse), [`train`](training::train), [`validate`](validation::validate) and
//! [`publish`](deployment::publish). They hand each other ids; what the ids name lies in a [`DataDir`], keyed by content, so
//! that what was done is not done again. [`pipeline`] makes one durable workflow of them, and is the only module that
//! names the engine and its database, where the registry of models is. [`classify`] uses what was promoted, without engine or database.
//!
//! [`broadway`] is the consumer that the pipeline once ran in, and can again.
//!
//! A module names only modules of a lower line: `error`, `words`, `language`, `random`, `observer`, `parallel`, `components`,
//! `broadway` · `role`, `rule`,
//! `storage`, `manifest`, `git` · `metrics`, `codebase`, `champion`, `settings` · `corpus`, `gold`, `discovery` · `graph` · `model` ·
//! `analysis` · `training` · `validation` · `deployment`, `serving` · `classify` · `architecture` · `survey` ·
//! `route`, `explain`, `baseline`, `selftest` · `changes`, `render` · `pipeline`.

pub mod analysis;
pub mod architecture;
pub mod baseline;
pub mod broadway;
pub mod champion;
pub mod changes;
pub mod classify;
pub mod codebase;
mod components;
pub mod corpus;
pub mod deployment;
pub mod discovery;
mod error;
pub mod explain;
pub mod git;
pub mod gold;
pub mod graph;
pub mod language;
mod manifest;
pub mod metrics;
pub mod model;
pub mod observer;
mod parallel;
pub mod pipeline;
mod random;
pub mod render;
pub mod role;
pub mod route;
pub mod rule;
pub mod selftest;
pub mod serving;
pub mod settings;
mod storage;
pub mod survey;
pub mod training;
pub mod validation;
mod words;

pub use error::LearningError;
pub use storage::DataDir;
