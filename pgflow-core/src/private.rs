//! All that the expansions of the macros name, and nothing else.

pub use linkme;

pub use crate::{
    batch::{Collector, List},
    context::cached,
    env::Env,
    failure::{Failure, FailureKind},
    path::{Cost, clash, longest_path, map_bounds, step_too_long, timeout_of},
    payload::{Json, PayloadError},
    probe::{
        Decodes, DecodesNot, Encodes, EncodesNot, Fails, FailsNot, Probe, ProbeError, ProbeType,
        Retries, RetriesNot, Revives, RevivesNot, assert_error, assert_payload, assert_send,
    },
    record::BODY,
    slice::{
        NotRead, Slice, check_output, child_input, diverged, element, finish_arm, finish_input,
        finish_items, finish_step, finish_value, finish_wait, input, input_of, object, output,
        outputs, partial, partial_result, result, results, took, value, value_result,
    },
    spec::{
        Backoff, Batch, BoxFuture, GpuDemand, MapOptions, NodeKindSpec, NodeRun, NodeSpec, Outcome,
        RateLimit, StepOptions, StepSpec, WORKFLOWS, WorkflowOptions, WorkflowSpec,
    },
    traits::{Codec, Step, StepResult, Tolerable, Workflow},
};
