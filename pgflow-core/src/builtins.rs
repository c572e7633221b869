//! The words of the body language, as a plain call runs them. Inside `#[workflow]` the macro reads them instead.

mod maps;
mod waits;

use std::{error::Error, fmt, future::IntoFuture};

use crate::traits::BoxError;

pub use maps::{Map, PartialMap, map};
pub(crate) use waits::with_signals;
pub use waits::{Limit, Signal, Sleep, child, signal, sleep};

/// Runs a step after whatever `earlier` comes from, although it does not read it.
pub async fn after<T: ?Sized, F: IntoFuture>(_earlier: &T, step: F) -> F::Output {
    step.await
}

/// An error that another attempt would not help.
pub fn fatal(error: impl Into<BoxError>) -> Fatal {
    Fatal(Sealed(error.into()))
}

/// An error that is not retried, made by [`fatal`]. It reads as the error it holds and turns into boxed errors.
pub struct Fatal(Sealed);

/// Stands in the chain of sources where a fatal error is: found there also behind `anyhow` and transparent variants.
pub struct Sealed(BoxError);

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for Fatal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Error for Sealed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

macro_rules! words {
    ($($word:ident)*) => { $(
        #[doc(hidden)]
        #[expect(non_camel_case_types, reason = "the type of a built-in's name: an unqualified call is told so in a sentence")]
        #[derive(Debug)]
        pub struct $word {}
    )* };
}
words! { after child map signal sleep }
