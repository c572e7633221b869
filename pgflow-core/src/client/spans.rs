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
        let Some(row) = spans::run_span(&mut connection, run).await? else { return Ok(None) };
        let keys = spans::attempts_of(&mut connection, run).await?;
        let attempts = spans::attempt_spans(&mut connection, &keys).await?;
        let trace = trace_of(run, &row);
        let mut all = vec![Span::of_run(run, &row)];
        let attempts = attempts.iter();
        all.extend(attempts.map(|a| Span::of_attempt(trace, &row.workflow, row.version, a)));
        Ok(Some(all))
    }

    /// What these attempts are in their traces.
    #[cfg(feature = "otlp")]
    pub(crate) async fn attempt_spans(
        &self,
        keys: &[spans::AttemptKey],
    ) -> Result<Vec<spans::AttemptSpan>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        spans::attempt_spans(&mut self.client().await?, keys).await
    }

    /// What a run is in its trace.
    #[cfg(feature = "otlp")]
    pub(crate) async fn run_span(&self, run: RunId) -> Result<Option<Span>, StoreError> {
        let row = spans::run_span(&mut self.client().await?, run).await?;
        Ok(row.map(|row| Span::of_run(run, &row)))
    }
}
