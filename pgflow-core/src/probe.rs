//! What a concrete type happens to implement, found by method resolution: a method of the type itself wins over one
//! that needs one more reference. The expansions ask through these instead of through bounds, so that a type that
//! lacks something is one error, at the assertion, and an error type need not be serialisable at all.

use std::{cell::Cell, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    failure::{Failure, FailureKind},
    payload::{Json, PayloadError},
    record,
    traits::{Retryable, StepError, Tolerable},
};

/// A value whose type is asked.
pub struct Probe<'a, T>(pub &'a T);

/// A type whose values are to be read.
pub struct ProbeType<T>(pub PhantomData<T>);

/// An error to be recorded; taken out once.
pub struct ProbeError<E>(pub Cell<Option<E>>);

fn unasserted(problem: &str) -> PayloadError {
    PayloadError::Mismatch { path: ".".into(), problem: problem.into() }
}

/// The value as JSON.
pub trait Encodes {
    /// The value as JSON.
    ///
    /// # Errors
    /// [`PayloadError`].
    fn encode(&self) -> Result<Json, PayloadError>;
}
impl<T: Serialize> Encodes for Probe<'_, T> {
    fn encode(&self) -> Result<Json, PayloadError> {
        Json::encode(self.0)
    }
}
/// The other case of [`Encodes`].
pub trait EncodesNot {
    /// Always refuses.
    ///
    /// # Errors
    /// [`PayloadError`].
    fn encode(&self) -> Result<Json, PayloadError> {
        Err(unasserted("its type is not serialisable"))
    }
}
impl<T> EncodesNot for &Probe<'_, T> {}

/// A value from JSON.
pub trait Decodes<T> {
    /// A value from JSON.
    ///
    /// # Errors
    /// [`PayloadError`].
    fn decode(&self, stored: &Json) -> Result<T, PayloadError>;
}
impl<T: DeserializeOwned> Decodes<T> for ProbeType<T> {
    fn decode(&self, stored: &Json) -> Result<T, PayloadError> {
        stored.decode()
    }
}
/// The other case of [`Decodes`].
pub trait DecodesNot<T> {
    /// Always refuses.
    ///
    /// # Errors
    /// [`PayloadError`].
    fn decode(&self, _: &Json) -> Result<T, PayloadError> {
        Err(unasserted("its type is not deserialisable"))
    }
}
impl<T> DecodesNot<T> for &ProbeType<T> {}

/// Whether another attempt may help.
pub trait Retries {
    /// What [`Retryable`] says.
    fn retries(&self) -> bool;
}
impl<T: Retryable> Retries for Probe<'_, T> {
    fn retries(&self) -> bool {
        self.0.retryable()
    }
}
/// The other case of [`Retries`].
pub trait RetriesNot {
    /// An error that does not say is retried.
    fn retries(&self) -> bool {
        true
    }
}
impl<T> RetriesNot for &Probe<'_, T> {}

/// An error as it is stored.
pub trait Fails {
    /// The error as it is stored; `data` and `retryable` come from the other probes.
    fn failure(
        &self,
        step: &str,
        kind: FailureKind,
        data: Option<Json>,
        retryable: bool,
    ) -> Failure;
}
impl<E: StepError> Fails for ProbeError<E> {
    fn failure(
        &self,
        step: &str,
        kind: FailureKind,
        data: Option<Json>,
        retryable: bool,
    ) -> Failure {
        match self.0.take() {
            Some(error) => record::failure(step, kind, &error.boxed(), data, retryable),
            None => Failure::new(step, kind, "the error was recorded before"),
        }
    }
}
/// The other case of [`Fails`].
pub trait FailsNot {
    /// Never reached: the assertion on the error type does not compile.
    fn failure(&self, step: &str, kind: FailureKind, _: Option<Json>, _: bool) -> Failure {
        Failure::new(step, kind, "its error type is not an error")
    }
}
impl<E> FailsNot for &ProbeError<E> {}

/// A failure as an error.
pub trait Revives<E> {
    /// The failure as an error.
    fn revive(&self, failure: Failure) -> E;
}
impl<E: Tolerable> Revives<E> for ProbeType<E> {
    fn revive(&self, failure: Failure) -> E {
        E::from_failure(failure)
    }
}
/// The other case of [`Revives`].
pub trait RevivesNot<E> {
    /// Never reached: the plain call does not compile.
    fn revive(&self, failure: Failure) -> E {
        unreachable!("no error can be made from `{failure}`")
    }
}
impl<E> RevivesNot<E> for &ProbeType<E> {}

/// Fails to compile where a type is no payload; called in a constant, at the type.
pub const fn assert_payload<T: crate::traits::Payload>() {}
/// Fails to compile where a type is no error; called in a constant, at the type.
pub const fn assert_error<T: StepError>() {}
/// Fails to compile where a future cannot move between threads; never called.
pub fn assert_send<T: Send>(_: T) {}
