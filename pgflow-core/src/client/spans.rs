//! The trace of a run, from the database.

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
        let trace = trace_of(row);
        let attempts = attempts.iter().map(|attempt| Span::of_attempt(trace, attempt));
        Ok(Some(std::iter::once(Span::of_run(row)).chain(attempts).collect()))
    }

    /// The spans of these attempts and runs, of those that belong to a trace.
    #[cfg(feature = "otlp")]
    pub(crate) async fn spans_of(
        &self,
        attempts: &[spans::AttemptKey],
        runs: &[RunId],
    ) -> Result<Vec<Span>, StoreError> {
        let mut connection = self.client().await?;
        let mut all = Vec::new();
        if !attempts.is_empty() {
            let rows = spans::attempt_spans(&mut connection, attempts).await?;
            all.extend(rows.iter().filter_map(|row| {
                Some(Span::of_attempt(crate::spans::given(row.trace.as_deref())?, row))
            }));
        }
        if !runs.is_empty() {
            let rows = spans::run_spans(&mut connection, runs).await?;
            all.extend(rows.iter().map(Span::of_run));
        }
        Ok(all)
    }
}
