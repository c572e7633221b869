//! The body language: what a plain call gives, the derived graph gives too.

mod forms;
mod generator;
mod hostile;
pub mod program_steps;
#[rustfmt::skip]
mod programs;
mod random;
mod specs;
