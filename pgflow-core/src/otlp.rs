//! Traces for a collector, over [OTLP/HTTP](https://opentelemetry.io/docs/specs/otlp/#otlphttp) with JSON.
//!
//! What ended here is read from the database again and sent in batches, so that a span tells all that is stored of it. Ids
//! are derived, so two exports of a span are one span.

use std::{
    env,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    client::Flow,
    observe::{AttemptEnded, Observer, RunEnded},
    spans::{Span, request},
    store::{RunId, StoreError, spans::AttemptKey},
};

/// How many ended attempts and runs may wait to be sent. What comes on top of them is not exported.
const WAITING_MAX: usize = 20_000;
/// How many go in one request.
const BATCH_MAX: usize = 500;
/// How long others are waited for that can go along.
const LINGER: Duration = Duration::from_secs(1);
/// How long a collector has to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Before the second, third and fourth time that a batch is sent; then it is dropped.
const RETRIES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];

/// Sends the spans of sampled traces to a collector, as an [`Observer`] of workers; clones send to the same.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// # let flow = pgflow::from_env().await?;
/// let otlp = pgflow::Otlp::to(&flow, "http://localhost:4318", "orders")?;
/// let worker = flow.worker().observer(otlp.clone()).spawn().await?;
/// # let grace = std::time::Duration::from_secs(30);
/// worker.drain(grace).await;
/// otlp.flush(grace).await;
/// # Ok(())
/// # }
/// ```
///
/// An attempt's span goes out when it ended, that of a run when the run ended, each from the process where that was. Where it
/// was killed just then the span is missing, as is that of a run that no worker ended: one that a client cancelled, or that
/// was overdue while nothing of it was anywhere. [`Flow::spans`] has all. A collector that does not answer costs spans, never
/// work.
#[derive(Debug, Clone)]
pub struct Otlp {
    sender: mpsc::Sender<Ended>,
    /// Runs without a trace are sent too.
    untraced: bool,
    /// It was said that spans are dropped.
    complained: Arc<AtomicBool>,
}

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpError {
    /// The address is none.
    #[error("`{address}` is no address of a collector ({problem}); write http://host:4318")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// `OTEL_SERVICE_NAME`, else `pgflow`.
pub fn service() -> String {
    variable("OTEL_SERVICE_NAME").unwrap_or_else(|| "pgflow".into())
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// What is to be sent.
#[derive(Debug)]
enum Ended {
    Attempt(AttemptKey),
    Run(RunId),
    /// With all its attempts.
    Whole(RunId),
    /// Everything before it, then an answer.
    Flush(oneshot::Sender<()>),
}

impl Otlp {
    /// To the collector at this address, to which `/v1/traces` is added, under the name of this service. Collectors that
    /// want TLS or a token are reached through one nearby that forwards.
    ///
    /// # Errors
    /// [`OtlpError`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn to(flow: &Flow, address: &str, service: &str) -> Result<Self, OtlpError> {
        Self::at(flow, format!("{}/v1/traces", address.trim_end_matches('/')), service)
    }

    /// As the variables of OpenTelemetry say: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, else `OTEL_EXPORTER_OTLP_ENDPOINT`, and
    /// `OTEL_SERVICE_NAME`; `None`: neither of the first two is set.
    ///
    /// # Errors
    /// [`OtlpError`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn from_env(flow: &Flow) -> Result<Option<Self>, OtlpError> {
        let service = service();
        if let Some(address) = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            return Self::at(flow, address, &service).map(Some);
        }
        let address = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
        address.map(|address| Self::to(flow, &address, &service)).transpose()
    }

    fn at(flow: &Flow, url: String, service: &str) -> Result<Self, OtlpError> {
        let problem = if url.starts_with("https://") {
            Some("TLS is not built in")
        } else if !url.starts_with("http://") {
            Some("it does not begin with http://")
        } else {
            url.parse::<ureq::http::Uri>().is_err().then_some("it cannot be read")
        };
        if let Some(problem) = problem {
            return Err(OtlpError::Address { address: url, problem });
        }
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let agent = ureq::Agent::config_builder().timeout_global(Some(ANSWER)).build().into();
        let exporter = Exporter { flow: flow.clone(), url, service: service.into(), agent };
        tokio::spawn(exporter.run(receiver));
        Ok(Self { sender, untraced: false, complained: Arc::default() })
    }

    /// Sends runs that were started without a trace too, as those of a queue's messages are: each when it ended here, whole,
    /// as a trace of its own.
    #[must_use]
    pub fn untraced(mut self) -> Self {
        self.untraced = true;
        self
    }

    /// Waits until what ended before has been sent, or dropped; at most so long.
    pub async fn flush(&self, most: Duration) {
        let (done, answer) = oneshot::channel();
        let _ = timeout(most, async {
            let _ = self.sender.send(Ended::Flush(done)).await;
            let _ = answer.await;
        })
        .await;
    }

    fn tell(&self, ended: Ended) {
        let full = matches!(self.sender.try_send(ended), Err(mpsc::error::TrySendError::Full(_)));
        if full && !self.complained.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "spans come faster than the collector takes them; some are not exported"
            );
        }
    }
}

impl Observer for Otlp {
    fn attempt_ended(&self, attempt: &AttemptEnded<'_>) {
        if attempt.span.is_some_and(|span| span.sampled) {
            self.tell(Ended::Attempt(AttemptKey {
                run: attempt.run,
                node: attempt.node.into(),
                element: attempt.element,
                attempt: attempt.attempt,
            }));
        }
    }

    fn run_ended(&self, run: &RunEnded<'_>) {
        match run.span {
            Some(span) if span.sampled => self.tell(Ended::Run(run.run)),
            None if self.untraced => self.tell(Ended::Whole(run.run)),
            _ => {}
        }
    }
}

/// Reads spans and sends them.
struct Exporter {
    flow: Flow,
    url: String,
    service: String,
    agent: ureq::Agent,
}

impl Exporter {
    async fn run(self, mut receiver: mpsc::Receiver<Ended>) {
        let mut batch = Vec::new();
        while receiver.recv_many(&mut batch, BATCH_MAX).await > 0 {
            let until = Instant::now() + LINGER;
            while batch.len() < BATCH_MAX && !batch.iter().any(|e| matches!(e, Ended::Flush(_))) {
                let rest = BATCH_MAX - batch.len();
                match timeout_at(until, receiver.recv_many(&mut batch, rest)).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                }
            }
            let (mut attempts, mut runs) = (Vec::new(), Vec::new());
            let (mut whole, mut flushes) = (Vec::new(), Vec::new());
            for ended in batch.drain(..) {
                match ended {
                    Ended::Attempt(key) => attempts.push(key),
                    Ended::Run(run) => runs.push(run),
                    Ended::Whole(run) => whole.push(run),
                    Ended::Flush(done) => flushes.push(done),
                }
            }
            match self.read(&attempts, &runs, &whole).await {
                Ok(spans) if !spans.is_empty() => self.send(&spans).await,
                Ok(_) => {}
                Err(error) => {
                    let spans = attempts.len() + runs.len() + whole.len();
                    tracing::warn!(%error, spans, "spans cannot be read; they are not exported");
                }
            }
            for done in flushes {
                let _ = done.send(());
            }
        }
    }

    async fn read(
        &self,
        attempts: &[AttemptKey],
        runs: &[RunId],
        whole: &[RunId],
    ) -> Result<Vec<Span>, StoreError> {
        let mut spans = self.flow.spans_of(attempts, runs).await?;
        for run in whole {
            spans.extend(self.flow.spans(*run).await?.unwrap_or_default());
        }
        Ok(spans)
    }

    async fn send(&self, spans: &[Span]) {
        let body = request(&self.service, spans);
        let mut delays = RETRIES.iter();
        loop {
            let problem = match self.post(&body).await {
                Ok(()) => return,
                Err(problem) => problem,
            };
            let Some(delay) = delays.next().filter(|_| problem.passes) else {
                tracing::warn!(
                    url = self.url,
                    problem = problem.text,
                    spans = spans.len(),
                    "the collector does not take spans; they are not exported"
                );
                return;
            };
            sleep(*delay).await;
        }
    }

    async fn post(&self, body: &Value) -> Result<(), Problem> {
        let call = self.agent.post(&self.url).header("content-type", "application/json");
        let body = body.to_string();
        let sent = tokio::task::spawn_blocking(move || call.send(body.as_bytes()).map(drop)).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(ureq::Error::StatusCode(status))) => {
                // those that the protocol says to try again
                let passes = matches!(status, 429 | 502..=504);
                Err(Problem { text: format!("it answers {status}"), passes })
            }
            Ok(Err(error)) => Err(Problem { text: error.to_string(), passes: true }),
            Err(_) => Err(Problem { text: "the process stops".into(), passes: false }),
        }
    }
}

struct Problem {
    text: String,
    /// It may be over when the batch is sent again.
    passes: bool,
}
