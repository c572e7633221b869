//! Durable workflows as annotated async functions, on the Postgres you already have.

pub use pgflow_core::{
    builtins::{Fatal, after, fatal, map},
    failure::{Failure, FailureKind},
    traits::{Payload, Retryable, Step, Workflow},
};
#[doc(hidden)]
pub use pgflow_core::builtins::{child, signal, sleep};
pub use pgflow_macros::{step, workflow};

#[doc(hidden)]
pub mod __private {
    //! What the expansions of the macros name; changes without notice.
    pub use pgflow_core::private::*;
}
