//! What types must be able to do to take part in a workflow, and what the attributes implement. The texts that rustc
//! prints when they do not are part of the language.

use std::error::Error;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    failure::Failure,
    payload::{Json, PayloadError},
    spec::{StepSpec, WorkflowSpec},
};

/// A boxed error, as every error of a step can become.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What can be stored between two steps: implemented for all that serde reads and writes and that borrows nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in the database between two steps",
    label = "is not both `Serialize` and `Deserialize`, or borrows",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}`"
)]
pub trait Payload: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Payload for T {}

/// The error of a step or workflow: whatever turns into a boxed error, `anyhow::Error` and `String` included.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error type that pgflow can record",
    label = "does not implement `std::error::Error`",
    note = "derive `thiserror::Error` for it"
)]
pub trait StepError: Send + 'static {
    /// The error, its type forgotten.
    fn boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError> + Send + 'static> StepError for E {
    fn boxed(self) -> BoxError {
        self.into()
    }
}

/// The error of a step that is awaited without `?`: timeouts and panics are no values of it, so it must have a place
/// for them.
#[diagnostic::on_unimplemented(
    message = "a tolerated step hands its error on as a value, but `{Self}` cannot be made from a stored failure",
    label = "awaited without `?`, or behind a map that may lose elements",
    note = "add a variant `#[error(transparent)] Step(#[from] pgflow::Failure)` to `{Self}`, or write `.await?`"
)]
pub trait Tolerable: Sized {
    /// The failure as an error of this type.
    fn from_failure(failure: Failure) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<Failure>> Tolerable for E {
    fn from_failure(failure: Failure) -> Self {
        failure.into()
    }
}

/// An error that knows whether another attempt may help. Errors that do not implement it are retried.
pub trait Retryable {
    /// Whether the step should be tried again.
    fn retryable(&self) -> bool;
}

/// As [`Failure::fatal`] left it.
impl Retryable for Failure {
    fn retryable(&self) -> bool {
        self.retryable
    }
}

/// A function marked `#[step]`. The type has the name of the function, in the other namespace.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step",
    label = "only a function marked `#[step]` may be awaited here",
    note = "a workflow is awaited as `pgflow::child({Self}(…)).await?`; `pgflow::map`, `sleep`, `signal`, `child` and `after` need their path written out"
)]
pub trait Step: Sized + 'static {
    /// What the attribute says.
    const SPEC: StepSpec;
    /// The type of its result.
    type Output: Send + 'static;
    /// The type of its error.
    type Error: Send + 'static;
    /// How both cross the database.
    #[doc(hidden)]
    type Codec: Codec<Self::Output, Self::Error>;
}

/// A function marked `#[workflow]`. The type has the name of the function, in the other namespace.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a workflow",
    label = "only a function marked `#[workflow]` can be run, or be a child run"
)]
pub trait Workflow: Sized + 'static {
    /// What the attribute and the body say.
    const SPEC: fn() -> &'static WorkflowSpec;
    /// The stored name.
    const NAME: &'static str;
    /// The version of its shape.
    const VERSION: u32;
    /// How long a run may take in milliseconds; 0 where nothing was written.
    const TIMEOUT_MS: u64;
    /// The type of its input; a tuple where there are several, `()` where there is none.
    type Input: Send + 'static;
    /// The type of its value.
    type Output: Send + 'static;
    /// The type of its error.
    type Error: Send + 'static;

    /// The input as it is stored.
    ///
    /// # Errors
    /// [`PayloadError::Unstorable`] for what JSON or `jsonb` cannot hold.
    fn encode(input: &Self::Input) -> Result<Json, PayloadError>;

    /// The value of a run.
    ///
    /// # Errors
    /// [`PayloadError::Mismatch`] where another type was stored.
    fn decode_output(output: &Json) -> Result<Self::Output, PayloadError>;
}

/// How the output `O` and the error `E` of a step cross the database. `#[step]` writes one per step, on the concrete
/// types: a type that cannot be stored is then one error, at the step.
#[doc(hidden)]
pub trait Codec<O, E>: Copy + Default {
    /// The output as it is stored.
    ///
    /// # Errors
    /// [`PayloadError::Unstorable`] for what JSON or `jsonb` cannot hold.
    fn encode(self, output: &O) -> Result<Json, PayloadError>;
    /// The stored output.
    ///
    /// # Errors
    /// [`PayloadError::Mismatch`] where another type was stored.
    fn decode(self, stored: &Json) -> Result<O, PayloadError>;
    /// The error as it is stored.
    fn fail(self, error: E) -> Failure;
    /// The stored error itself, where its type is serialisable.
    fn decode_error(self, failure: &Failure) -> Option<E>;
}

/// `Result<T, E>` behind any alias.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a step or workflow returns a `Result`, this one returns `{Self}`",
    label = "expected `Result<T, E>`",
    note = "write `Result<{Self}, E>` with your error type; what cannot fail may use `std::convert::Infallible`"
)]
pub trait StepResult {
    /// `T`.
    type Output;
    /// `E`.
    type Error;
}

impl<T, E> StepResult for Result<T, E> {
    type Output = T;
    type Error = E;
}
