//! Learns which role each source file plays from real codebases, and tells it of a codebase it has never seen.
//!
//! Five steps, ordinary functions that anyone can call: [`discover`](discovery::discover).

pub mod codebase;
pub mod discovery;
mod error;
pub mod observer;
mod storage;
mod words;

pub use error::LearningError;
pub use storage::DataDir;
