//! The body language: what a plain call gives, the derived graph gives too.
#![expect(
    clippy::cast_possible_truncation,
    clippy::let_unit_value,
    clippy::many_single_char_names,
    clippy::needless_question_mark,
    reason = "small programs that use the language in every way"
)]

/// The graph must give what the plain call gives.
macro_rules! same {
    ($($workflow:ident($($input:expr),+);)+) => { $( $( {
        let plain = $workflow($input).await;
        let graph = pgflow::testing::run::<$workflow>().input($input).await;
        match (plain, graph) {
            (Ok(a), Ok(b)) => assert_eq!(a, b, "{}", stringify!($workflow)),
            (Err(a), Err(pgflow::testing::RunError::Failed(b))) => assert_eq!(a.to_string(), b.message),
            (a, b) => panic!("{}: plain {a:?}, graph {b:?}", stringify!($workflow)),
        }
    } )+ )+ };
}

mod branches;
mod forms;
mod generator;
mod hostile;
mod order;
pub mod program_steps;
#[rustfmt::skip]
pub mod programs;
pub mod random;
mod specs;
mod waits;
