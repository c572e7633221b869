//! Learns which role each source file plays from real codebases, and tells it of a codebase it has never seen.
//!
//! Five steps, ordinary functions that anyone can call: [`discover`](discovery::discover),
//! [`analyse`](analysis::analyse), [`train`](training::train).

pub mod analysis;
pub mod classify;
pub mod codebase;
pub mod deployment;
pub mod discovery;
mod error;
pub mod graph;
pub mod metrics;
pub mod model;
pub mod observer;
pub mod pipeline;
mod random;
pub mod role;
mod storage;
pub mod training;
pub mod validation;
mod words;

pub use error::LearningError;
pub use storage::DataDir;
