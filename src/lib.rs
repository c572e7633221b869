#![doc = include_str!("../README.md")]

pub use pgflow_core::{
    builtins::{
        Fatal, Limit, Map, PartialMap, Signal, Sleep, after, child, fatal, map, signal, sleep,
    },
    client::{
        ActionError, Check, Connect, Flow, Migrate, Migration, MigrationError, OpenError, Prospect,
        Refused, Retry, RetryError, Run, RunError, Start, StartError, Verdict, VersionCheck,
        connect, connect_like, embedded, from_env,
    },
    context::{Gpu, GpuSlot, StepContext, StepTransaction, TransactionError},
    definition::Definition,
    failure::{Failure, FailureKind},
    lifecycle::{AttemptStatus, RunState},
    payload::{Json, PayloadError},
    registry::{StepTuning, Tuning, WorkflowTuning, definitions},
    schedule::{ScheduleError, Tick},
    store::{
        RunId, StoreError,
        read::{AttemptView, RunStatus, TaskState, TaskView},
    },
    traits::{Payload, Retryable, Step, Workflow},
    worker::{Worker, WorkerBuilder, WorkerError},
};
pub use pgflow_macros::{step, workflow};

#[cfg(feature = "insta")]
mod snapshot;

pub mod testing {
    //! Unit tests of workflows without a database.
    pub use pgflow_core::testing::{Run, RunError, run, with_signals, with_state};
    #[doc(hidden)]
    pub use pgflow_core::{
        embedded::{Server, server},
        store::on_boundary,
    };
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
