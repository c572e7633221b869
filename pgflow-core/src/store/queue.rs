//! Queues of PGMQ: made, read, and settled as runs.

use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use sqlx::Row;

use crate::{lifecycle::RunState, payload::Json};

use super::{
    Connection, During, RunId, StoreError, duration, migrate::lock_schema, millis, stamp::Stamp,
    start::Entry,
};

/// Makes a queue; first PGMQ itself where that is missing: its extension where the server has it, else the subset of
/// `sql/queue/install.sql`.
///
/// # Errors
/// [`StoreError`].
pub async fn make_queue(connection: &mut Connection<'_>, queue: &str) -> Result<(), StoreError> {
    // whoever may not make one may use one
    if is_there(connection, queue).await? {
        return Ok(());
    }
    let mut begun = connection.begin().await.during("begin to make a queue")?;
    let mut tx = Connection::within(&mut begun);
    lock_schema(&mut tx).await?;
    let row = sqlx::query(include_str!("../../sql/queue/presence.sql"))
        .fetch_one(&mut tx)
        .await
        .during("look for PGMQ")?;
    if !row.get::<bool, _>("here") {
        let text = if row.get("offered") {
            "create extension pgmq"
        } else {
            include_str!("../../sql/queue/install.sql")
        };
        sqlx::raw_sql(text).execute(&mut tx).await.during("install PGMQ")?;
    }
    sqlx::query("select pgmq.create($1)")
        .bind(queue)
        .execute(&mut tx)
        .await
        .during("make a queue")?;
    begun.commit().await.during("make a queue")
}

async fn is_there(connection: &mut Connection<'_>, queue: &str) -> Result<bool, StoreError> {
    sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(quoted(queue))
        .fetch_one(connection)
        .await
        .during("look for a queue")
}

/// How a trigger learns of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// There is no such queue.
    Missing,
    /// Inserts are notified on [`channel`].
    Notified,
    /// By asking: this PGMQ knows no notifications, or this role may not turn them on.
    Polled,
}

/// Asks for notifications of inserts.
///
/// # Errors
/// [`StoreError`].
pub async fn listen_to(
    connection: &mut Connection<'_>,
    queue: &str,
) -> Result<Listening, StoreError> {
    let row = sqlx::query(include_str!("../../sql/queue/listening.sql"))
        .bind(quoted(queue))
        .fetch_one(&mut *connection)
        .await
        .during("look for a queue")?;
    match (row.get("there"), row.get("tells"), row.get("can")) {
        (false, _, _) => Ok(Listening::Missing),
        (_, true, _) => Ok(Listening::Notified),
        (_, _, false) => Ok(Listening::Polled),
        _ => {
            let asked = sqlx::query("select pgmq.enable_notify_insert($1)")
                .bind(queue)
                .execute(connection)
                .await;
            match asked {
                // only the owner of a queue may
                Err(sqlx::Error::Database(e)) if e.code().as_deref() == Some("42501") => {
                    Ok(Listening::Polled)
                }
                asked => {
                    asked.during("ask for notifications of a queue").map(|_| Listening::Notified)
                }
            }
        }
    }
}

/// The channel on which inserts into a queue are notified.
pub fn channel(queue: &str) -> String {
    format!("pgmq.{}.INSERT", table(queue))
}

/// The table of a queue, as `to_regclass` reads it.
fn quoted(queue: &str) -> String {
    format!("pgmq.\"{}\"", table(queue).replace('"', "\"\""))
}

fn table(queue: &str) -> String {
    format!("q_{queue}").to_lowercase()
}

/// Puts a message into a queue; answers its id.
///
/// # Errors
/// [`StoreError`].
pub async fn send(
    connection: &mut Connection<'_>,
    queue: &str,
    message: &Json,
) -> Result<i64, StoreError> {
    sqlx::query_scalar("select pgmq.send($1, $2::text::jsonb)")
        .bind(queue)
        .bind(message.as_str())
        .fetch_one(connection)
        .await
        .during("send a message")
}

/// A message that was read.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its id, unique in its queue as long as the queue lives.
    pub id: i64,
    /// How often it was read, this time included.
    pub reads: i32,
    /// When it was sent.
    pub enqueued_at: Stamp,
    /// What it says.
    pub body: Json,
}

/// Reads at most `most` messages, which nobody else gets for the time that they are hidden.
///
/// # Errors
/// [`StoreError`].
pub async fn read(
    connection: &mut Connection<'_>,
    queue: &str,
    hidden: Duration,
    most: i32,
) -> Result<Vec<Message>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/queue/read.sql"))
        .bind(queue)
        .bind(i32::try_from(hidden.as_secs()).unwrap_or(i32::MAX))
        .bind(most)
        .fetch_all(connection)
        .await
        .during("read a queue")?;
    let message = |row: &sqlx::postgres::PgRow| Message {
        id: row.get("msg_id"),
        reads: row.get("read_ct"),
        enqueued_at: row.get("enqueued_at"),
        body: row.get::<Option<String>, _>("body").map_or_else(Json::null, Json::from_trusted),
    };
    Ok(rows.iter().map(message).collect())
}

/// Starts a run for each message, or notes the problem that it has, and archives it: all of that or nothing. Answers the
/// ids of those that were still there and that nobody else settles.
///
/// # Errors
/// [`StoreError`].
pub async fn settle(
    connection: &mut Connection<'_>,
    queue: &str,
    entry: &Entry,
    timeout: Option<Duration>,
    head: i64,
    messages: &[(Message, Result<Json, String>)],
) -> Result<Vec<i64>, StoreError> {
    let all = || messages.iter().map(|(message, _)| message);
    let inputs = || messages.iter().map(|(_, read)| read.as_ref().ok());
    let problems = messages.iter().map(|(_, read)| read.as_ref().err());
    sqlx::query_scalar(include_str!("../../sql/queue/settle.sql"))
        .bind(queue)
        .bind(all().map(|m| m.id).collect::<Vec<_>>())
        .bind(all().map(|m| m.enqueued_at).collect::<Vec<_>>())
        .bind(all().map(|m| m.reads).collect::<Vec<_>>())
        .bind(inputs().map(|input| input.map(Json::as_str)).collect::<Vec<_>>())
        .bind(inputs().map(|input| input.map(hash)).collect::<Vec<_>>())
        .bind(problems.map(|p| p.map(|p| p.replace('\0', "\u{fffd}"))).collect::<Vec<_>>())
        .bind(entry.workflow_id)
        .bind(&entry.workflow)
        .bind(timeout.map(millis))
        .bind(entry.node)
        .bind(entry.queue)
        .bind(head)
        .fetch_one(connection)
        .await
        .during("start the runs of messages")
}

fn hash(input: &Json) -> Vec<u8> {
    Sha256::digest(input.as_str()).to_vec()
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageStatus {
    /// When it was sent.
    pub enqueued_at: SystemTime,
    /// How often it was read.
    pub reads: u32,
    /// Where it is now.
    pub fate: Fate,
}

/// Where a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// In its queue, for whoever reads next.
    Waiting,
    /// In its queue, hidden until then: a reader has it, or had it and did not settle it.
    Taken(SystemTime),
    /// It became a run of this workflow; `None` once the run was pruned.
    Started {
        /// The workflow.
        workflow: String,
        /// The newest run, where it was repeated, and how it stands.
        run: Option<(RunId, RunState)>,
    },
    /// It could not become a run, and is in the queue's archive.
    Refused(String),
    /// Another reader archived it.
    Archived,
}

/// What became of the newest message with this id; `None`: it never was, or its reader deleted it.
///
/// # Errors
/// [`StoreError`].
pub async fn message(
    connection: &mut Connection<'_>,
    queue: &str,
    id: i64,
) -> Result<Option<MessageStatus>, StoreError> {
    let row = sqlx::query(include_str!("../../sql/queue/message.sql"))
        .bind(queue)
        .bind(id)
        .fetch_optional(connection)
        .await
        .during("say what became of a message")?;
    Ok(row.map(|row| {
        let run = row.get::<Option<i64>, _>("run_id").map(RunId);
        let state = row.get::<Option<i16>, _>("run_state").and_then(RunState::from_code);
        let visible_at = row.get::<Option<Stamp>, _>("visible_at").map(Stamp::to_system_time);
        let fate = match (row.get("state"), visible_at) {
            ("waiting", _) => Fate::Waiting,
            ("taken", Some(until)) => Fate::Taken(until),
            ("started", _) => Fate::Started { workflow: row.get("workflow"), run: run.zip(state) },
            ("refused", _) => Fate::Refused(row.get("problem")),
            _ => Fate::Archived,
        };
        MessageStatus {
            enqueued_at: row.get::<Stamp, _>("enqueued_at").to_system_time(),
            reads: u32::try_from(row.get::<i32, _>("reads")).unwrap_or_default(),
            fate,
        }
    }))
}

/// How long it is until a hidden or delayed message shows, if there is one.
///
/// # Errors
/// [`StoreError`].
pub async fn next_visible(
    connection: &mut Connection<'_>,
    queue: &str,
) -> Result<Option<Duration>, StoreError> {
    let wait: Option<i64> = sqlx::query_scalar("select pgflow.next_visible_1($1)")
        .bind(queue)
        .fetch_one(connection)
        .await
        .during("look when a message shows")?;
    Ok(wait.map(duration))
}
