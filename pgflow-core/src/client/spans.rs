//! The trace of a run, from the database.

#[cfg(feature = "otlp")]
use std::collections::{BTreeMap, BTreeSet};

#[cfg(feature = "otlp")]
use crate::trace::TraceParent;
use crate::{
    spans::{Span, trace_of},
    store::{RunId, StoreError, spans},
};

use super::Flow;

impl Flow {
    /// The spans of a run: its own, then those of its attempts in the order in which they began; `None`: there is no such
    /// run. Whoever asks gets the same ids as a worker that exports them. A run that was started without a trace has one of
    /// its own here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn spans(&self, run: RunId) -> Result<Option<Vec<Span>>, StoreError> {
        let mut connection = self.client().await?;
        let runs = spans::run_spans(&mut connection, &[run]).await?;
        let [row] = &runs[..] else { return Ok(None) };
        let keys = spans::attempt_keys(&mut connection, run).await?;
        let attempts = spans::attempt_spans(&mut connection, &keys).await?;
        let trace = trace_of(&row.trace);
        let attempts = attempts.iter().map(|attempt| Span::of_attempt(trace, attempt));
        Ok(Some(std::iter::once(Span::of_run(row)).chain(attempts).collect()))
    }

    /// The spans of these attempts and runs, of those whose trace is sampled: `roots` says it of traces that nobody gave.
    #[cfg(feature = "otlp")]
    pub(crate) async fn spans_of(
        &self,
        attempts: &[spans::AttemptKey],
        runs: &[RunId],
        roots: impl Fn(TraceParent) -> bool,
    ) -> Result<Vec<Span>, StoreError> {
        let mut connection = self.client().await?;
        let attempts = spans::attempt_spans(&mut connection, attempts).await?;
        let asked: BTreeSet<RunId> =
            attempts.iter().map(|row| row.key.run).chain(runs.iter().copied()).collect();
        let asked: Vec<RunId> = asked.into_iter().collect();
        let rows = spans::run_spans(&mut connection, &asked).await?;
        let sampled = rows.iter().filter_map(|row| {
            let trace = trace_of(&row.trace);
            let sampled = trace.sampled && (row.trace.given.is_some() || roots(trace));
            sampled.then_some((row.run, (trace, row)))
        });
        let sampled: BTreeMap<RunId, _> = sampled.collect();
        let attempts = attempts.iter().filter_map(|row| {
            let (trace, _) = sampled.get(&row.key.run)?;
            Some(Span::of_attempt(*trace, row))
        });
        let runs = runs.iter().filter_map(|run| Some(Span::of_run(sampled.get(run)?.1)));
        Ok(attempts.chain(runs).collect())
    }
}
