//! Traces for a collector, over [OTLP/HTTP](https://opentelemetry.io/docs/specs/otlp/#otlphttp) with JSON.
//!
//! What ended here is read from the database again and sent in batches, so that a span tells all that is stored of it. Ids
//! are derived, so two exports of a span are one span.

use std::{
    env,
    sync::Arc,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
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
    store::{RunId, spans::AttemptKey},
    trace::TraceParent,
};

/// How many ended attempts and runs may wait to be sent. What comes on top of them is not exported.
const WAITING_MAX: usize = 20_000;
/// How many go in one request.
const BATCH_MAX: usize = 500;
/// How long others are waited for that can go along.
const LINGER: Duration = Duration::from_secs(1);
/// How long a collector has to answer.
const ANSWER: Duration = Duration::from_secs(10);
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
/// Before the second, third and fourth time that a batch is sent; then it is dropped.
const RETRIES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];

/// Sends spans to a collector, as an [`Observer`] of workers; clones send to the same.
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
/// A trace that a caller gave goes out where the caller samples it; of runs that were started without one, each begins a trace,
/// and [`Otlp::sample`] says how many of these go out: all, unless it is called.
///
/// An attempt's span goes out when it ended, that of a run when the run ended, each from the process where that was. Where it
/// was killed just then the span is missing, as is that of a run that no worker ended: one that a client cancelled, or that
/// was overdue while nothing of it was anywhere. [`Flow::spans`] has all. A collector that does not answer costs spans, never
/// work.
#[derive(Debug, Clone)]
pub struct Otlp {
    sender: mpsc::Sender<Ended>,
    roots: Roots,
    /// It was said that spans are dropped.
    complained: Arc<AtomicBool>,
}

/// Which of the traces go out that nobody gave: those whose id ends in a number below this.
#[derive(Debug, Clone)]
struct Roots(Arc<AtomicU64>);

impl Roots {
    fn all() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share; the cast saturates"
    )]
    fn set(&self, share: f64) {
        self.0.store((share * u64::MAX as f64) as u64, Ordering::Relaxed);
    }

    fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    #[expect(clippy::cast_possible_truncation, reason = "the last eight bytes are meant")]
    fn sampled(&self, trace: TraceParent) -> bool {
        trace.trace.get() as u64 <= self.0.load(Ordering::Relaxed) && self.any()
    }
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
    /// A variable of OpenTelemetry has a value that is none.
    #[error("{variable}: `{value}` is not known here; write {expected}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
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

    /// How many of the traces go out that begin with a run: a share from 0 to 1, chosen by their ids, so that all workers choose
    /// the same. Traces that a caller gave go by what the caller says.
    #[must_use]
    pub fn sample(self, share: f64) -> Self {
        self.roots.set(share);
        self
    }

    /// As [`Otlp::sample`], from `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`.
    ///
    /// # Errors
    /// [`OtlpError`].
    pub fn sample_from_env(self) -> Result<Self, OtlpError> {
        let Some(value) = variable(SAMPLER) else { return Ok(self) };
        let share = match value.as_str() {
            "parentbased_always_on" => 1.0,
            "parentbased_always_off" => 0.0,
            "parentbased_traceidratio" => {
                let text = variable(SAMPLER_ARG).unwrap_or_else(|| "1".into());
                let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
                let expected = "a share from 0 to 1";
                share.ok_or(OtlpError::Variable { variable: SAMPLER_ARG, value: text, expected })?
            }
            _ => {
                let expected =
                    "parentbased_always_on, parentbased_always_off or parentbased_traceidratio";
                return Err(OtlpError::Variable { variable: SAMPLER, value, expected });
            }
        };
        Ok(self.sample(share))
    }

    /// As the variables of OpenTelemetry say: `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, else `OTEL_EXPORTER_OTLP_ENDPOINT`,
    /// `OTEL_SERVICE_NAME`, and those of [`Otlp::sample_from_env`]; `None`: neither of the first two is set.
    ///
    /// # Errors
    /// [`OtlpError`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn from_env(flow: &Flow) -> Result<Option<Self>, OtlpError> {
        let service = service();
        if let Some(address) = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            return Self::at(flow, address, &service)?.sample_from_env().map(Some);
        }
        let address = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
        let otlp = address.map(|address| Self::to(flow, &address, &service)?.sample_from_env());
        otlp.transpose()
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
        let roots = Roots::all();
        let (flow, service) = (flow.clone(), service.into());
        let exporter = Exporter { flow, url, service, agent, roots: roots.clone() };
        tokio::spawn(exporter.run(receiver));
        Ok(Self { sender, roots, complained: Arc::default() })
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

    /// Whether a span may have to go out; the trace of one without is known when it is read.
    fn wanted(&self, span: Option<TraceParent>) -> bool {
        span.map_or_else(|| self.roots.any(), |span| span.sampled)
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
        if self.wanted(attempt.span) {
            self.tell(Ended::Attempt(AttemptKey {
                run: attempt.run,
                node: attempt.node.into(),
                element: attempt.element,
                attempt: attempt.attempt,
            }));
        }
    }

    fn run_ended(&self, run: &RunEnded<'_>) {
        if self.wanted(run.span) {
            self.tell(Ended::Run(run.run));
        }
    }
}

/// Reads spans and sends them.
struct Exporter {
    flow: Flow,
    url: String,
    service: String,
    agent: ureq::Agent,
    roots: Roots,
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
            let (mut attempts, mut runs, mut flushes) = (Vec::new(), Vec::new(), Vec::new());
            for ended in batch.drain(..) {
                match ended {
                    Ended::Attempt(key) => attempts.push(key),
                    Ended::Run(run) => runs.push(run),
                    Ended::Flush(done) => flushes.push(done),
                }
            }
            match self.flow.spans_of(&attempts, &runs, |trace| self.roots.sampled(trace)).await {
                Ok(spans) if !spans.is_empty() => self.send(&spans).await,
                Ok(_) => {}
                Err(error) => {
                    let spans = attempts.len() + runs.len();
                    tracing::warn!(%error, spans, "spans cannot be read; they are not exported");
                }
            }
            for done in flushes {
                let _ = done.send(());
            }
        }
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
