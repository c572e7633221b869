//! A queue consumer after Broadway: a producer that reads what is asked for, processors that ask, a batcher that
//! acknowledges. It knows neither the engine nor what the messages are about.
//!
//! A message that fails, or whose handler panics, fails alone and at once; nothing is tried again here, because the queue
//! delivers it again when its visibility timeout runs out. While a message waits here, is handled, or waits for its batch, it
//! is kept hidden, so that what a processor asked for in advance is not handled twice. Success is acknowledged in batches. What is absent: several batchers,
//! partitions, and processors that are told apart.

mod held;
mod memory;
mod pgmq;
mod rate;
mod stages;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use memory::{Acknowledged, Memory};
pub use pgmq::Pgmq;
pub use rate::RateLimit;

/// Why a message failed whose handler panicked.
pub const PANICKED: &str = "the handler panicked";

/// Any error, its type forgotten.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// How the stages are laid out.
#[derive(Clone, Debug)]
pub struct Topology {
    /// Processors, each with one message at a time.
    pub processors: usize,
    /// How many messages a processor asks for; it asks again when half of them are left.
    pub max_demand: usize,
    /// How many successes are acknowledged together.
    pub batch_size: usize,
    /// How long the first of a batch waits for the others.
    pub batch_timeout: Duration,
    /// How often an empty queue is read.
    pub poll: Duration,
    /// How long a drain may take.
    pub drain: Duration,
    /// Bounds what is read, shared by all who hold it.
    pub rate: Option<RateLimit>,
}

impl Default for Topology {
    fn default() -> Self {
        Self {
            processors: 3,
            max_demand: 10,
            batch_size: 10,
            batch_timeout: Duration::from_secs(3),
            poll: Duration::from_secs(1),
            drain: Duration::from_secs(30),
            rate: None,
        }
    }
}

/// What a message is acknowledged by. Handlers never see it, so they cannot lose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The message.
    pub id: i64,
    /// How often it was read, this time included.
    pub reads: u32,
}

/// A message as the queue gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// What it is acknowledged by.
    pub receipt: Receipt,
    /// What it says.
    pub body: serde_json::Value,
}

/// Where messages come from and where they are acknowledged.
pub trait Source: Send + Sync + 'static {
    /// At most `most` messages, which nobody else gets for a while.
    fn read(&self, most: usize) -> impl Future<Output = Result<Vec<Delivery>, BoxError>> + Send;
    /// How often [`Source::keep`] is wanted; `None`: what was read stays hidden by itself.
    fn keep_every(&self) -> Option<Duration>;
    /// Hides for longer what is still held; answers those of which that is no longer true, because another reader has them,
    /// or they are gone.
    fn keep(&self, all: &[Receipt]) -> impl Future<Output = Result<Vec<Receipt>, BoxError>> + Send;
    /// These succeeded.
    fn succeed(&self, all: &[Receipt]) -> impl Future<Output = Result<(), BoxError>> + Send;
    /// This one failed.
    fn fail(&self, one: Receipt, why: &str) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// What is done with messages.
pub trait Handler: Send + Sync + 'static {
    /// Handles one message. An error, or a panic, fails it.
    fn handle(&self, body: serde_json::Value) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// What happens, as Broadway's telemetry tells it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The stages are there.
    TopologyInit {
        /// Processors.
        processors: usize,
    },
    /// A processor takes messages.
    ProcessorStart {
        /// How many.
        messages: usize,
    },
    /// It has gone through them.
    ProcessorStop {
        /// In this time.
        duration: Duration,
        /// Successful ones.
        successful: usize,
        /// Failed ones.
        failed: usize,
    },
    /// A message begins.
    MessageStart {
        /// Its id.
        id: i64,
    },
    /// It succeeded.
    MessageStop {
        /// Its id.
        id: i64,
        /// In this time.
        duration: Duration,
    },
    /// Its handler failed or panicked.
    MessageException {
        /// Its id.
        id: i64,
        /// In this time.
        duration: Duration,
        /// Why.
        reason: String,
    },
    /// A batch begins.
    BatcherStart,
    /// It is full, late, or the last.
    BatcherStop {
        /// How many are in it.
        messages: usize,
    },
    /// A batch is being acknowledged.
    BatchProcessorStart {
        /// How many are in it.
        messages: usize,
    },
    /// It was acknowledged.
    BatchProcessorStop {
        /// The messages.
        ids: Vec<i64>,
        /// In this time.
        duration: Duration,
        /// Acknowledged ones.
        successful: usize,
        /// Ones that come back because the queue did not answer.
        failed: usize,
    },
    /// The queue did not do something. What it holds comes back by itself.
    QueueUnanswered {
        /// What it was asked to do.
        doing: &'static str,
        /// Why it did not.
        reason: String,
    },
    /// Another reader has a message that was held here: its visibility timeout ran out while nobody could keep it hidden.
    MessageLost {
        /// Its id.
        id: i64,
    },
    /// A failed message was given back.
    FailureHandled {
        /// Its id.
        id: i64,
    },
}

/// Hears what happens.
pub type Telemetry = Arc<dyn Fn(Event) + Send + Sync>;

/// A consumer at work.
#[derive(Debug)]
pub struct Broadway {
    stop: watch::Sender<bool>,
    stages: JoinHandle<()>,
    drain: Duration,
}

impl Broadway {
    /// Starts all stages.
    pub fn start(
        topology: &Topology,
        source: impl Source,
        handler: impl Handler,
        telemetry: Telemetry,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        telemetry(Event::TopologyInit { processors: topology.processors });
        let stages = stages::Stages {
            topology: topology.clone(),
            source: Arc::new(source),
            handler: Arc::new(handler),
            telemetry,
            held: Arc::default(),
        };
        let stages = tokio::spawn(stages.run(stopped));
        Self { stop, stages, drain: topology.drain }
    }

    /// Reads no more, lets processors finish what they took, acknowledges it, and ends. What is not done in time comes back
    /// when its visibility timeout runs out. `false`: it was not done in time.
    pub async fn drain(self) -> bool {
        self.stop.send_replace(true);
        let mut stages = self.stages;
        let done = tokio::time::timeout(self.drain, &mut stages).await;
        stages.abort();
        done.is_ok()
    }
}
