//! All that the expansions of the macros name, and nothing else.

pub use linkme;

pub use crate::{
    env::Env,
    failure::{Failure, FailureKind},
    path::{Cost, clash, longest_path, step_too_long, timeout_of},
    payload::{Json, PayloadError},
    probe::{
        Decodes, DecodesNot, Encodes, EncodesNot, Fails, FailsNot, Probe, ProbeError, ProbeType,
        Retries, RetriesNot, assert_error, assert_payload, assert_send,
    },
    record::BODY,
    slice::{
        NotRead, Slice, diverged, element, finish_arm, finish_items, finish_step, finish_value,
        input, input_of, object, output, outputs, result, results, took,
    },
    spec::{
        Backoff, Batch, BoxFuture, GpuDemand, MapOptions, NodeKindSpec, NodeRun, NodeSpec, Outcome,
        RateLimit, StepOptions, StepSpec, WORKFLOWS, WorkflowOptions, WorkflowSpec,
    },
    traits::{Codec, Step, StepResult, Tolerable, Workflow},
};
