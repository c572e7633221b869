//! Durable workflows as annotated async functions, on the Postgres you already have.

#[doc(hidden)]
pub use pgflow_core::builtins::{child, signal, sleep};
pub use pgflow_core::{
    builtins::{Fatal, after, fatal, map},
    failure::{Failure, FailureKind},
    traits::{Payload, Retryable, Step, Workflow},
};
pub use pgflow_macros::{step, workflow};

#[cfg(feature = "insta")]
mod snapshot;

pub mod testing {
    //! Unit tests of workflows without a database.
    pub use pgflow_core::testing::{Run, RunError, run};
}

#[doc(hidden)]
pub mod __private {
    //! What the expansions of the macros name; changes without notice.
    #[cfg(feature = "insta")]
    pub use insta;
    pub use pgflow_core::private::*;

    #[cfg(feature = "insta")]
    pub use crate::snapshot::{advice, definition};
}
