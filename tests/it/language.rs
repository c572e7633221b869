//! The body language: what a plain call gives, the derived graph gives too.
#![expect(
    clippy::cast_possible_truncation,
    clippy::let_unit_value,
    clippy::many_single_char_names,
    clippy::needless_question_mark,
    reason = "small programs that use the language in every way"
)]

mod forms;
mod generator;
mod hostile;
pub mod program_steps;
#[rustfmt::skip]
pub mod programs;
pub mod random;
mod specs;
