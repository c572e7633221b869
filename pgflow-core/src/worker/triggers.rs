//! Reads queues and starts the runs of their messages. Nothing here need outlive a crash: a message is in its queue, or its
//! run is in the database.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};

use crate::{
    payload::Json,
    registry::Version,
    store::{
        Connection, During, StoreError, answered,
        connect::Endpoint,
        queue::{Listening, Message, channel, listen_to, next_visible, read, settle},
    },
    trigger::Trigger,
};

use super::flusher::Backoff;

/// Messages read, and settled in one transaction, at once.
const BATCH: i32 = 100;
/// How often an empty queue is looked at where inserts are notified, and where they are not.
const POLL: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(1));

/// A trigger with the registered workflow that it starts.
#[derive(Debug, Clone)]
pub(super) struct Registered {
    pub trigger: Trigger,
    pub version: Arc<Version>,
    /// Something was put into the queue.
    pub heard: Arc<Notify>,
}

impl Registered {
    pub fn new(trigger: Trigger, version: Arc<Version>) -> Self {
        Self { trigger, version, heard: Arc::default() }
    }

    pub fn channel(&self) -> String {
        channel(&self.trigger.queue.name)
    }
}

/// A trigger at work, on a connection of its own.
pub(super) struct Consumer {
    pub registered: Registered,
    pub endpoint: Endpoint,
    pub drain: watch::Receiver<Option<Instant>>,
}

/// How it stands with the queue.
enum Looked {
    /// There may be more.
    More,
    /// Nothing for so long, unless somebody says so.
    Empty(Duration),
}

impl Consumer {
    /// Until the worker drains: then nothing more is read, and what was read is settled.
    pub async fn run(mut self) {
        let mut connection: Option<(Connection<'static>, Listening)> = None;
        let mut backoff = Backoff::default();
        while self.drain.borrow().is_none() {
            let pause = match self.look(&mut connection).await {
                Ok(Looked::More) => {
                    backoff = Backoff::default();
                    continue;
                }
                Ok(Looked::Empty(pause)) => {
                    backoff = Backoff::default();
                    pause
                }
                Err(error) => {
                    let queue = &self.registered.trigger.queue.name;
                    tracing::warn!(queue, %error, source = %error.source, "a trigger waits for its queue");
                    connection = None;
                    backoff.next()
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.registered.heard.notified() => {}
                changed = self.drain.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn look(
        &self,
        connection: &mut Option<(Connection<'static>, Listening)>,
    ) -> Result<Looked, StoreError> {
        let queue = &self.registered.trigger.queue;
        let held = match connection.take() {
            Some(held) => held,
            None => self.open().await?,
        };
        let (opened, listening) = connection.insert(held);
        let messages = answered(read(opened, &queue.name, queue.hidden, BATCH)).await?;
        if !messages.is_empty() {
            self.settle(opened, messages).await?;
            return Ok(Looked::More);
        }
        let told = *listening == Listening::Notified && !self.endpoint.pooler;
        let most = if told { POLL.0 } else { POLL.1 };
        let next = answered(next_visible(opened, &queue.name)).await?;
        Ok(Looked::Empty(next.map_or(most, |next| next.min(most))))
    }

    async fn open(&self) -> Result<(Connection<'static>, Listening), StoreError> {
        let queue = &self.registered.trigger.queue.name;
        let mut opened = self.endpoint.open("trigger").await?;
        match answered(listen_to(&mut opened, queue)).await? {
            Listening::Missing => missing(queue),
            listening => Ok((opened, listening)),
        }
    }

    /// A batch that the database refuses for what one message says goes one by one, and that message is refused.
    async fn settle(
        &self,
        connection: &mut Connection<'_>,
        messages: Vec<Message>,
    ) -> Result<(), StoreError> {
        let read = self.read(messages).await?;
        match self.write(connection, &read).await {
            Err(error) if error.is_refusal() => {}
            settled => return settled,
        }
        for (message, input) in read {
            let one = [(message, input)];
            if let Err(error) = self.write(connection, &one).await {
                if !error.is_refusal() {
                    return Err(error);
                }
                let [(message, _)] = one;
                let refused = [(message, Err(error.source.to_string()))];
                self.write(connection, &refused).await?;
            }
        }
        Ok(())
    }

    /// What becomes of each message, on a thread where that may block.
    async fn read(
        &self,
        messages: Vec<Message>,
    ) -> Result<Vec<(Message, Result<Json, String>)>, StoreError> {
        let trigger = self.registered.trigger.clone();
        let read = move || {
            let with_input = |message: Message| {
                let input = trigger.input(&message.body);
                (message, input)
            };
            messages.into_iter().map(with_input).collect()
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| sqlx::Error::Protocol(error.to_string()))
            .during("read messages")
    }

    async fn write(
        &self,
        connection: &mut Connection<'_>,
        messages: &[(Message, Result<Json, String>)],
    ) -> Result<(), StoreError> {
        let (queue, version) = (&self.registered.trigger.queue.name, &self.registered.version);
        let first = version.first(false);
        let (entry, head) = (version.entry(first), version.head(first, 0));
        let settled = settle(connection, queue, &entry, version.timeout, head, messages);
        let settled = answered(settled).await?;
        for (message, input) in messages.iter().filter(|(m, _)| settled.contains(&m.id)) {
            if let Err(problem) = input {
                tracing::warn!(queue, message = message.id, problem, "a message is refused");
            }
        }
        Ok(())
    }
}

fn missing<T>(queue: &str) -> Result<T, StoreError> {
    let problem = format!("queue `{queue}` is not there; it was dropped, or PGMQ was");
    Err(sqlx::Error::Protocol(problem)).during("find a queue")
}
