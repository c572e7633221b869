//! The options of both attributes, `key`, `key = value` or `key(…)`. Every key and value keeps its span, and every
//! wrong one is reported.

mod entries;
mod step;
mod values;
mod workflow;

pub use entries::text as text_of;
pub use step::{Backoff, Batch, Gpu, Pool, StepAttribute};
pub use values::{Rate, duration};
pub use workflow::WorkflowAttribute;

/// The options of `#[step]`.
const STEP: &[&str] = &[
    "timeout",
    "retries",
    "retry_delay",
    "backoff",
    "concurrency",
    "gpu",
    "exclusive",
    "memory",
    "cpu",
    "priority",
    "rate_limit",
    "cache",
    "batch",
    "revision",
    "id",
    "needs",
    "transactional",
    "redact",
];

/// The options of `#[workflow]`.
const WORKFLOW: &[&str] = &[
    "version",
    "timeout",
    "retries",
    "retry_delay",
    "concurrency",
    "id",
    "allow",
    "schedule",
    "redact",
];
