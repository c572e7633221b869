//! The real command line against a real database.

mod acting;
mod asking;
mod contexts;
mod deploying;
mod doctor;
mod drawing;
mod hosting;
mod metrics;
mod objects;
mod operator;
mod redact;
#[expect(dead_code, reason = "the tests of `pgflow` use all of it")]
#[path = "../../../tests/it/support.rs"]
mod support;
mod terminal;
mod workflows;
