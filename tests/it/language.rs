//! The body language: what a plain call gives, the derived graph gives too.
#![expect(
    clippy::cast_possible_truncation,
    clippy::let_unit_value,
    clippy::many_single_char_names,
    clippy::needless_question_mark,
    reason = "small programs that use the language in every way"
)]

use std::collections::BTreeSet;

use pgflow_core::spec::{NodeKindSpec, WorkflowSpec};

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

/// A run on Postgres must give what the plain call gives.
macro_rules! same_on_postgres {
    ($($workflow:ident($($input:expr),+);)+) => { {
        let db = $crate::support::Database::new().await;
        let flow = db.flow().await;
        let specs = [$( (<$workflow as pgflow::Workflow>::SPEC)() ),+];
        let worker = flow.worker().only($crate::language::served(&specs)).spawn().await.unwrap();
        $( $( {
            let plain = $workflow($input).await;
            let run = flow.start::<$workflow>($input).await.unwrap();
            match (plain, run.output().await) {
                (Ok(a), Ok(b)) => assert_eq!(a, b, "{}", stringify!($workflow)),
                (Err(a), Err(pgflow::RunError::Ended { failure, .. })) => {
                    assert_eq!(a.to_string(), failure.message);
                }
                (a, b) => panic!("{}: plain {a:?}, durable {b:?}", stringify!($workflow)),
            }
        } )+ )+
        worker.drain($crate::support::PATIENCE).await;
        db.check_invariants().await;
    } };
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

/// The names of workflows and of all that they run as children.
fn served(specs: &[&'static WorkflowSpec]) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    let mut open = specs.to_vec();
    while let Some(spec) = open.pop() {
        if names.insert(spec.id) {
            open.extend(spec.nodes.iter().filter_map(|node| match node.kind {
                NodeKindSpec::Child(child) => Some(child()),
                _ => None,
            }));
        }
    }
    names
}
