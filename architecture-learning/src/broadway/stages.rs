//! The stages and the demand between them: processor → producer how many, producer → processor messages, processor →
//! batcher successes.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::held::Held;
use super::{BoxError, Delivery, Event, Handler, PANICKED, Receipt, Source, Telemetry, Topology};

/// What all stages share.
pub(super) struct Stages<S, H> {
    pub topology: Topology,
    pub source: Arc<S>,
    pub handler: Arc<H>,
    pub telemetry: Telemetry,
    pub held: Arc<Held>,
}

impl<S, H> Clone for Stages<S, H> {
    fn clone(&self) -> Self {
        Self {
            topology: self.topology.clone(),
            source: self.source.clone(),
            handler: self.handler.clone(),
            telemetry: self.telemetry.clone(),
            held: self.held.clone(),
        }
    }
}

/// A processor, from the producer's side.
struct Asking {
    wanted: usize,
    messages: mpsc::UnboundedSender<Delivery>,
}

impl<S: Source, H: Handler> Stages<S, H> {
    /// Until stopped; then each stage ends when the one before it has.
    pub async fn run(self, stopped: watch::Receiver<bool>) {
        let (demand, demands) = mpsc::unbounded_channel();
        let (success, successes) = mpsc::unbounded_channel();
        let mut stages = JoinSet::new();
        let mut processors = Vec::new();
        for number in 0..self.topology.processors {
            let (messages, inbox) = mpsc::unbounded_channel();
            processors.push(Asking { wanted: self.topology.max_demand, messages });
            let processor = self.clone().process(number, inbox, demand.clone(), success.clone());
            stages.spawn(processor);
        }
        drop((demand, success));
        stages.spawn(self.clone().batch(successes));
        let keeping = self.clone().keep();
        let working = async {
            self.produce(processors, demands, stopped).await;
            while stages.join_next().await.is_some() {}
        };
        tokio::select! {
            () = working => {}
            () = keeping => {}
        }
    }

    /// Reads what processors ask for. Returning drops what leads to them.
    async fn produce(
        self,
        mut processors: Vec<Asking>,
        mut demands: mpsc::UnboundedReceiver<(usize, usize)>,
        mut stopped: watch::Receiver<bool>,
    ) {
        while !*stopped.borrow() {
            while let Ok((number, more)) = demands.try_recv() {
                processors[number].wanted += more;
            }
            let wanted = processors.iter().map(|p| p.wanted).sum();
            let found = self.read(wanted).await;
            let some = !found.is_empty();
            dispatch(&mut processors, found);
            let hungry = processors.iter().any(|p| p.wanted > 0);
            if some && hungry {
                continue;
            }
            tokio::select! {
                Some((number, more)) = demands.recv(), if !hungry => processors[number].wanted += more,
                () = tokio::time::sleep(self.topology.poll), if hungry => {}
                _ = stopped.changed() => return,
            }
        }
    }

    /// What the queue has and the rate allows.
    async fn read(&self, wanted: usize) -> Vec<Delivery> {
        let rate = self.topology.rate.as_ref();
        let allowance = rate.map(|rate| rate.take(wanted));
        let most = allowance.as_ref().map_or(wanted, |allowance| allowance.messages);
        if most == 0 {
            return Vec::new();
        }
        let found = self.source.read(most).await.unwrap_or_else(|error| {
            self.unanswered("read", error);
            Vec::new()
        });
        if let (Some(rate), Some(allowance)) = (rate, allowance) {
            rate.give_back(&allowance, most.saturating_sub(found.len()));
        }
        for delivery in &found {
            self.held.take(delivery.receipt);
        }
        found
    }

    /// Keeps hidden what is held, until it is dropped.
    async fn keep(self) {
        let Some(every) = self.source.keep_every() else { return std::future::pending().await };
        loop {
            tokio::time::sleep(every).await;
            let all = self.held.all();
            if all.is_empty() {
                continue;
            }
            match self.source.keep(&all).await {
                Ok(lost) => {
                    for receipt in lost.into_iter().filter(|lost| self.held.let_go(*lost)) {
                        (self.telemetry)(Event::MessageLost { id: receipt.id });
                    }
                }
                Err(error) => self.unanswered("keep messages hidden", error),
            }
        }
    }

    async fn process(
        self,
        number: usize,
        mut inbox: mpsc::UnboundedReceiver<Delivery>,
        demand: mpsc::UnboundedSender<(usize, usize)>,
        success: mpsc::UnboundedSender<Receipt>,
    ) {
        let most = self.topology.max_demand;
        let mut taken = Vec::new();
        // since it last asked
        let mut handled = 0;
        while inbox.recv_many(&mut taken, most).await > 0 {
            let began = Instant::now();
            (self.telemetry)(Event::ProcessorStart { messages: taken.len() });
            let (mut successful, mut failed) = (0, 0);
            for Delivery { receipt, body } in taken.drain(..) {
                // what another reader has by now is his
                let held = self.held.has(receipt);
                if held && self.handle(receipt, body).await {
                    successful += 1;
                    let _ = success.send(receipt);
                } else {
                    failed += usize::from(held);
                }
                handled += 1;
                if handled >= most.div_ceil(2) {
                    let _ = demand.send((number, handled));
                    handled = 0;
                }
            }
            let duration = began.elapsed();
            (self.telemetry)(Event::ProcessorStop { duration, successful, failed });
        }
    }

    /// Whether it succeeded. What failed is acknowledged at once.
    async fn handle(&self, receipt: Receipt, body: serde_json::Value) -> bool {
        let (began, id) = (Instant::now(), receipt.id);
        (self.telemetry)(Event::MessageStart { id });
        let handled = AssertUnwindSafe(self.handler.handle(body)).catch_unwind().await;
        let duration = began.elapsed();
        let reason = match handled {
            Ok(Ok(())) => {
                (self.telemetry)(Event::MessageStop { id, duration });
                return true;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => PANICKED.to_owned(),
        };
        (self.telemetry)(Event::MessageException { id, duration, reason: reason.clone() });
        self.held.let_go(receipt);
        match self.source.fail(receipt, &reason).await {
            Ok(()) => (self.telemetry)(Event::FailureHandled { id }),
            Err(error) => self.unanswered("take a failure back", error),
        }
        false
    }

    /// Acknowledges what succeeded: so many at once, or after so long, or because nothing more comes.
    async fn batch(self, mut successes: mpsc::UnboundedReceiver<Receipt>) {
        while let Some(first) = successes.recv().await {
            (self.telemetry)(Event::BatcherStart);
            let mut batch = vec![first];
            let late = tokio::time::sleep(self.topology.batch_timeout);
            tokio::pin!(late);
            while batch.len() < self.topology.batch_size {
                tokio::select! {
                    more = successes.recv() => match more {
                        Some(receipt) => batch.push(receipt),
                        None => break,
                    },
                    () = &mut late => break,
                }
            }
            (self.telemetry)(Event::BatcherStop { messages: batch.len() });
            self.acknowledge(&batch).await;
        }
    }

    async fn acknowledge(&self, batch: &[Receipt]) {
        let (began, messages) = (Instant::now(), batch.len());
        (self.telemetry)(Event::BatchProcessorStart { messages });
        for receipt in batch {
            self.held.let_go(*receipt);
        }
        let successful = match self.source.succeed(batch).await {
            Ok(()) => messages,
            Err(error) => {
                self.unanswered("take successes", error);
                0
            }
        };
        (self.telemetry)(Event::BatchProcessorStop {
            ids: batch.iter().map(|receipt| receipt.id).collect(),
            duration: began.elapsed(),
            successful,
            failed: messages - successful,
        });
    }
}

impl<S, H> Stages<S, H> {
    fn unanswered(&self, doing: &'static str, error: BoxError) {
        (self.telemetry)(Event::QueueUnanswered { doing, reason: error.to_string() });
    }
}

/// Whoever asked for most gets the next one.
fn dispatch(processors: &mut [Asking], found: Vec<Delivery>) {
    for delivery in found {
        let Some(processor) = processors.iter_mut().max_by_key(|p| p.wanted) else { return };
        processor.wanted = processor.wanted.saturating_sub(1);
        let _ = processor.messages.send(delivery);
    }
}
