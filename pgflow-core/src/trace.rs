//! The trace that a run belongs to, from its caller through every step on whichever worker.
//!
//! Ids of spans are derived from what they stand for, so that any process can name the span of an attempt, and exporting
//! it twice shows it once.

use std::{fmt, num::NonZeroU64, num::NonZeroU128, str::FromStr, time::SystemTime};

use sha2::{Digest, Sha256};

use crate::store::RunId;

/// A span of a trace, as the `traceparent` header of
/// [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header) names it.
///
/// ```
/// use pgflow::TraceParent;
///
/// let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let parent: TraceParent = text.parse()?;
/// assert!(parent.sampled);
/// assert_eq!(parent.to_string(), text);
/// # Ok::<(), pgflow::TraceParentError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TraceParent {
    /// The trace.
    pub trace: NonZeroU128,
    /// The span.
    pub span: NonZeroU64,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

/// Why a text is no `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no traceparent; write 00-<32 hex digits>-<16 hex digits>-<2 hex digits>, no id all zeros"
)]
pub struct TraceParentError(String);

impl TraceParent {
    /// A span.
    pub fn new(trace: NonZeroU128, span: NonZeroU64, sampled: bool) -> Self {
        Self { trace, span, sampled }
    }

    /// The span of a run: the child of its caller's, and the parent of the run's attempts.
    #[must_use]
    pub fn of_run(&self, run: RunId) -> Self {
        self.derived(&format!("run {run}"))
    }

    /// The span of an attempt; `element` counts from 0.
    #[must_use]
    pub fn of_attempt(&self, run: RunId, node: &str, element: Option<u32>, attempt: u32) -> Self {
        let element = element.map_or_else(String::new, |n| format!("[{n}]"));
        self.derived(&format!("run {run} {node}{element} attempt {attempt}"))
    }

    /// Where the trace of a run begins that was started without one; `born` tells it from runs of other databases.
    pub(crate) fn born(run: RunId, workflow: &str, born: SystemTime) -> Self {
        let born = born.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros();
        let hash = Sha256::digest(format!("run {run} of {workflow} at {born}"));
        let trace = hash.iter().take(16).fold(0, |id, byte| id << 8 | u128::from(*byte));
        let trace = NonZeroU128::new(trace).unwrap_or(NonZeroU128::MIN);
        Self { trace, span: NonZeroU64::MIN, sampled: true }
    }

    /// The span of this trace that stands for `what`: the first 8 bytes of the SHA-256 of the trace's id and `what`.
    fn derived(&self, what: &str) -> Self {
        let hash = Sha256::new().chain_update(self.trace.get().to_be_bytes()).chain_update(what);
        let span = hash.finalize().iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte));
        Self { span: NonZeroU64::new(span).unwrap_or(NonZeroU64::MIN), ..*self }
    }

    fn parse(text: &str) -> Option<Self> {
        let hex = |part: &str, digits| {
            let fits = part.len() == digits
                && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            fits.then(|| u128::from_str_radix(part, 16).ok()).flatten()
        };
        let mut parts = text.split('-');
        let version = hex(parts.next()?, 2)?;
        let trace = NonZeroU128::new(hex(parts.next()?, 32)?)?;
        let span = NonZeroU64::new(u64::try_from(hex(parts.next()?, 16)?).ok()?)?;
        let sampled = hex(parts.next()?, 2)? & 1 == 1;
        // later versions may add parts
        let whole = parts.next().is_none() || version > 0;
        (version < 0xff && whole).then_some(Self { trace, span, sampled })
    }
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        Self::parse(text).ok_or_else(|| TraceParentError(text.into()))
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_no_traceparent_is_refused() {
        for text in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more";
        assert!(!later.parse::<TraceParent>().unwrap().sampled);
    }

    #[test]
    fn a_span_is_the_same_wherever_it_is_derived_and_each_attempt_has_its_own() {
        let parent: TraceParent = TEXT.parse().unwrap();
        let attempt = |element, n| parent.of_attempt(RunId(7), "train", element, n);
        assert_eq!(
            attempt(None, 1),
            parent.of_run(RunId(7)).of_attempt(RunId(7), "train", None, 1)
        );
        assert_eq!(attempt(None, 1).trace, parent.trace);
        let spans =
            [attempt(None, 1), attempt(None, 2), attempt(Some(0), 1), parent.of_run(RunId(7))];
        for (n, span) in spans.iter().enumerate() {
            assert!(spans[..n].iter().all(|other| other != span));
        }
    }
}
