#![doc = include_str!("../README.md")]

pub use pgflow_core::{
    builtins::{
        Fatal, Limit, Map, PartialMap, Signal, Sleep, after, child, fatal, map, signal, sleep,
    },
    client::{
        ActionError, Check, Connect, Demand, Finding, Flow, Level, Migrate, Migration,
        MigrationError, NamedStart, NamedStartError, OpenError, Prospect, Refused, Retry,
        RetryError, Run, RunError, SendError, Start, StartError, Verdict, VersionCheck, Wanted,
        connect, connect_like, embedded, from_env,
    },
    context::{Gpu, GpuSlot, StepContext, StepTransaction, TransactionError},
    definition::Definition,
    failure::{Failure, FailureKind},
    lifecycle::{AttemptStatus, RunState},
    observe::{AttemptEnded, Observer, ResultRefused, RunEnded, RunTimed, WorkerLoad},
    payload::{Json, PayloadError},
    registry::{StepTuning, Tuning, WorkflowTuning, definitions},
    schedule::{ScheduleError, Tick},
    spans::{Attribute, Span, request as otlp_request},
    store::{
        RunId, StoreError,
        alert::{Alert, AlertKind, AlertRules, AlertRulesError},
        audit::Audit,
        load::{LastHour, LimitLoad, Load, NodeHour, OpenAlert, QueueLoad, RunsEnded, WorkersLoad},
        log::AttemptLog,
        look::{NodeView, RunFilter, RunLine},
        queue::{Fate, MessageStatus},
        read::{AttemptView, Ending, RunStatus, TaskState, TaskView},
        why::Reason,
    },
    trace::{TraceParent, TraceParentError},
    traits::{Payload, Retryable, Step, Workflow},
    trigger::{Queue, Trigger},
    worker::{Worker, WorkerBuilder, WorkerError},
};
pub use pgflow_macros::{step, workflow};

#[cfg(feature = "cli")]
pub use pgflow_cli as cli;
#[cfg(feature = "otlp")]
pub use pgflow_core::otlp::{Otlp, OtlpError};

#[cfg(feature = "metrics")]
pub mod metrics {
    //! The table of all metrics that [`Metrics`] records, and the buckets of its histograms, for a host that sets up its
    //! recorder itself.
    pub use pgflow_core::metrics::{BUCKETS, Kind, METRICS, Metric, Metrics, Source, Unit};
}
#[cfg(feature = "metrics")]
pub use metrics::Metrics;

#[cfg(feature = "logs")]
pub use pgflow_core::logs::logs;

#[cfg(feature = "insta")]
mod snapshot;

pub mod testing {
    //! Tests of workflows: as plain calls, as a graph in memory ([`run`]), and on a Postgres of their own ([`Database`]),
    //! where time can be moved ([`Clock`]), steps are replaced ([`WorkerBuilder::stub`](crate::WorkerBuilder::stub)) and
    //! workers die at every commit ([`crash_everywhere`]).
    pub use pgflow_core::{
        embedded::EmbeddedError,
        stubs::StubError,
        testing::{
            Clock, CrashError, CrashEverywhere, CrashReport, CrashedRun, Database, Run, RunError,
            Side, Survival, crash_everywhere, run, with_signals, with_state,
        },
    };
    #[doc(hidden)]
    pub use pgflow_core::{
        embedded::{Server, server},
        store::on_boundary,
        testing::{Boundary, Counts, Proxy},
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

#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../docs/from-a-queue.md")]
    struct FromAQueue;
}
