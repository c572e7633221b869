//! A connection that does what it is told, one statement at a time, in a transaction that stays open until it is told how
//! that ends. On the thread of all the others.

use pgflow_core::{
    failure::{Failure, FailureKind},
    lifecycle::RunState,
    payload::Json,
    store::{
        Connection, HeldSlot, RunId, StoreError, TokenKey, act,
        claim::{Claimed, LimitedQueue, claim, claim_limited},
        connect::Endpoint,
        end::{Holder, end_run},
        flush::{Flushed, Settled, flush, hand_back},
        start::{Entry, StartOptions, Started, start},
        upkeep::{heartbeat, tick},
    },
};
use sqlx::AssertSqlSafe;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::model::places::MINUTE;

/// A statement, in the database's words.
pub enum Statement {
    Claim { worker: i32, queues: Vec<i32> },
    ClaimAlone { worker: i32, queue: LimitedQueue },
    Start { entry: Entry, key: &'static str },
    Flush { worker: i32, settled: Vec<Settled>, direct: Vec<i32> },
    HandBack { worker: i32, tokens: Vec<(TokenKey, i32, Vec<HeldSlot>)> },
    End { run: RunId, state: RunState, holder: Option<Holder> },
    Beat { worker: i32 },
    Tick,
    Signal(RunId),
    Pause(RunId),
    Resume(RunId),
    Sql(String),
}

/// What came back.
pub enum Answer {
    /// A connection with this process at the server.
    Opened(i32),
    Claimed(Vec<Claimed>),
    Started(Started),
    Flushed(Flushed),
    Leased(bool),
    Done,
}

enum Order {
    Send(Statement),
    Commit,
    Break,
}

pub struct Session {
    orders: UnboundedSender<Order>,
    answers: UnboundedReceiver<Result<Answer, StoreError>>,
    /// At the server.
    pub process: i32,
}

impl Session {
    pub async fn open(endpoint: &Endpoint) -> Self {
        let (orders, heard) = unbounded_channel();
        let (answer, answers) = unbounded_channel();
        tokio::spawn(obey_all(endpoint.clone(), heard, answer));
        let mut session = Self { orders, answers, process: 0 };
        session.opened().await;
        session
    }

    /// Begins a transaction with a statement; its answer comes when it comes.
    pub fn send(&self, statement: Statement) {
        assert!(self.orders.send(Order::Send(statement)).is_ok());
    }

    /// The answer, if it has come.
    pub fn heard(&mut self) -> Option<Result<Answer, StoreError>> {
        self.answers.try_recv().ok()
    }

    pub async fn commit(&mut self) -> Result<(), StoreError> {
        assert!(self.orders.send(Order::Commit).is_ok());
        self.answers.recv().await.unwrap().map(|_| ())
    }

    /// Lets go of the connection, and of what was not committed.
    pub async fn break_off(&mut self) {
        assert!(self.orders.send(Order::Break).is_ok());
        self.opened().await;
    }

    async fn opened(&mut self) {
        match self.answers.recv().await {
            Some(Ok(Answer::Opened(process))) => self.process = process,
            _ => panic!("no connection"),
        }
    }
}

async fn obey_all(
    endpoint: Endpoint,
    mut orders: UnboundedReceiver<Order>,
    answers: UnboundedSender<Result<Answer, StoreError>>,
) {
    loop {
        let mut connection = endpoint.open("test").await.unwrap();
        // a deadlock is part of the game, and the wait for it is not
        plain(&mut connection, "set deadlock_timeout = '20ms'".into()).await.unwrap();
        let process = sqlx::query_scalar("select pg_backend_pid()").fetch_one(connection.driver());
        if answers.send(Ok(Answer::Opened(process.await.unwrap()))).is_err() {
            return;
        }
        loop {
            let answer = match orders.recv().await {
                None => return,
                Some(Order::Break) => break,
                Some(Order::Commit) => plain(&mut connection, "commit".into()).await,
                Some(Order::Send(statement)) => {
                    match plain(&mut connection, "begin".into()).await {
                        Ok(_) => obey(&mut connection, statement).await,
                        refused => refused,
                    }
                }
            };
            let _ = answers.send(answer);
        }
    }
}

async fn plain(connection: &mut Connection<'_>, sql: String) -> Result<Answer, StoreError> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection.driver()).await;
    done.map(|_| Answer::Done)
        .map_err(|source| StoreError { operation: "do as it is told", source })
}

async fn obey(connection: &mut Connection<'_>, statement: Statement) -> Result<Answer, StoreError> {
    Ok(match statement {
        Statement::Claim { worker, queues } => {
            let marks = vec![i64::MIN; queues.len()];
            Answer::Claimed(claim(connection, worker, &queues, &marks, 1).await?)
        }
        Statement::ClaimAlone { worker, queue } => {
            Answer::Claimed(claim_limited(connection, worker, &queue, 1).await?)
        }
        Statement::Start { entry, key } => {
            let input = (Json::null(), Some(key.to_owned()));
            let started = start(connection, &entry, &[input], &StartOptions::default()).await?;
            Answer::Started(started[0])
        }
        Statement::Flush { worker, settled, direct } => {
            Answer::Flushed(flush(connection, worker, &settled, &direct).await?)
        }
        Statement::HandBack { worker, tokens } => {
            hand_back(connection, worker, &tokens, None).await?;
            Answer::Done
        }
        Statement::End { run, state, holder } => {
            let failure = Failure::new("s", FailureKind::Failed, "no");
            end_run(connection, run, state, &failure, holder.as_ref()).await?;
            Answer::Done
        }
        Statement::Beat { worker } => {
            Answer::Leased(heartbeat(connection, worker, MINUTE, 0).await?)
        }
        Statement::Tick => {
            tick(connection, &[]).await?;
            Answer::Done
        }
        Statement::Signal(run) => {
            act::signal(connection, run, "go", &Json::null(), "test").await?;
            Answer::Done
        }
        Statement::Pause(run) => {
            act::pause(connection, run, "test").await?;
            Answer::Done
        }
        Statement::Resume(run) => {
            act::resume(connection, run, "test").await?;
            Answer::Done
        }
        Statement::Sql(text) => plain(connection, text).await?,
    })
}
