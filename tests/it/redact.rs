//! What is marked `redact` is stored, and stands in nothing that is shown.

use std::{
    io,
    sync::{Arc, Mutex},
};

use pgflow::{
    Failure, FailureKind, Fate, Flow, Json, Queue, RunFilter, RunId, StepContext, step, workflow,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{Database, PATIENCE, hear, worker, worker_with};

type Result<T> = std::result::Result<T, Failure>;

/// Each in a form of its own: of an input, of a list in it, a number, of an output, and of one that is a text.
const SECRETS: [&str; 6] =
    ["hunter2\"quoted", "4111-1111", "31415926", "tok-abcdef", "whole-secret", "pin-as-text"];
/// How the first may be quoted.
const QUOTED: &str = r#"hunter2\"quoted"#;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Login {
    user: String,
    password: String,
    pin: u32,
    cards: Vec<String>,
}

fn login(user: &str) -> Login {
    let [password, card, pin, ..] = SECRETS.map(str::to_owned);
    let cards = vec!["free".into(), card];
    Login { user: user.into(), password, pin: pin.parse().unwrap(), cards }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    user: String,
    token: String,
}

#[step(redact = ["/token"])]
pub async fn sign_in(login: Login) -> Result<Session> {
    let (user, token) = (login.user, SECRETS[3].to_owned());
    Ok(Session { user, token })
}

#[step(redact)]
pub async fn whole(session: Session) -> Result<String> {
    assert_eq!(session.token, SECRETS[3], "steps get what was stored");
    Ok(SECRETS[4].into())
}

#[step(retries = 0)]
pub async fn blurt(session: Session, login: Login, secret: String) -> Result<u32> {
    let everything = format!("{session:?} {login:?} {secret} {}", login.password);
    StepContext::current().progress_with(1, 2, &everything);
    tracing::warn!(?login, secret, "{everything}");
    match login.user.as_str() {
        "panics" => panic!("{everything}"),
        "fails" => {
            let mut failure = Failure::new("blurt", FailureKind::Failed, everything);
            failure.data = Some(serde_json::to_string(&login).unwrap());
            Err(failure)
        }
        _ => Ok(1),
    }
}

#[step(retries = 0)]
pub async fn blurt_item(item: String) -> Result<u32> {
    Err(Failure::new("blurt_item", FailureKind::Failed, format!("no {item:?}")))
}

#[workflow(redact = ["/password", "/pin", "/cards/1"])]
pub async fn secretive(login: Login) -> Result<Login> {
    let session = sign_in(login.clone()).await?;
    let secret = whole(session.clone()).await?;
    let _ = blurt(session, login.clone(), secret.clone()).await?;
    if login.user == "items" {
        pgflow::map(vec![login.password.clone(), secret], blurt_item).await?;
    }
    if login.user == "body" {
        return_user(login.password.parse::<u32>().map_err(|_| refused(&login))?).await?;
    }
    Ok(login)
}

#[step]
pub async fn return_user(n: u32) -> Result<u32> {
    Ok(n)
}

fn refused(login: &Login) -> Failure {
    Failure::new("body", FailureKind::Body, format!("`{}` is no number", login.password))
}

fn check_hidden(what: &str, text: &str) {
    for secret in SECRETS.iter().chain([&QUOTED]) {
        assert!(!text.contains(secret), "{what} shows {secret}: {text}");
    }
}

/// Every view as JSON, and what `why` and `message_2` say.
async fn views(db: &Database) -> Vec<(String, String)> {
    let mut sql = db.sql().await;
    let names = "select viewname::text from pg_views where schemaname = 'pgflow' order by 1";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut sql).await.unwrap();
    let mut seen = Vec::new();
    for name in names {
        let all =
            format!("select coalesce(jsonb_agg(to_jsonb(v)), '[]')::text from pgflow.{name} v");
        let all: String =
            sqlx::query_scalar(sqlx::AssertSqlSafe(all)).fetch_one(&mut sql).await.unwrap();
        seen.push((name, all));
    }
    seen
}

/// All that the library shows of a run.
async fn shown(flow: &Flow, run: RunId) -> Vec<(&'static str, String)> {
    let dump = flow.dump(run).await.unwrap().unwrap();
    vec![
        ("status", format!("{:?}", flow.status(run).await.unwrap())),
        ("nodes", format!("{:?}", flow.nodes(run).await.unwrap())),
        ("list", format!("{:?}", flow.list(&RunFilter::default(), 100).await.unwrap())),
        ("why", format!("{:?}", flow.why(run).await.unwrap())),
        ("logs", format!("{:?}", flow.logs(run).await.unwrap())),
        ("audits", format!("{:?}", flow.audits(run).await.unwrap())),
        ("dump", dump.as_str().to_owned()),
    ]
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_marked_is_stored_and_stands_in_nothing_that_is_shown() {
    let _hearing = hear(tracing_subscriber::registry().with(pgflow::logs()));
    let db = Database::new().await;
    let flow = db.flow().await;
    let spoiled = flow.start::<secretive>(login("spoiled")).await.unwrap();
    let spoil = "update pgflow.run set input = jsonb_set(input, '{pin}', '\"pin-as-text\"')";
    sqlx::query(spoil).execute(&mut db.sql().await).await.unwrap();
    let worker = worker(&flow, "secretive").await;
    let mut runs = vec![spoiled];
    for user in ["ann", "fails", "panics", "items", "body"] {
        runs.push(flow.start::<secretive>(login(user)).await.unwrap());
    }
    for run in &runs {
        match run.output().await {
            Ok(output) => assert_eq!((&output.user[..], &output.password[..]), ("ann", SECRETS[0])),
            Err(error) => check_hidden("an error", &format!("{error} {error:?}")),
        }
    }
    for run in &runs {
        for (what, text) in shown(&flow, run.id()).await {
            check_hidden(what, &text);
        }
    }
    for (view, text) in views(&db).await {
        check_hidden(&view, &text);
    }
    let message = async |n: usize| runs[n].status().await.unwrap().failure.unwrap().message;
    let expected = "pin: invalid type: string \"[redacted]\", expected u32";
    assert!(message(0).await.contains(expected), "{}", message(0).await);
    for (n, words) in
        [(2, "user: \"fails\""), (3, "user: \"panics\""), (4, "no \""), (5, "is no number")]
    {
        let message = message(n).await;
        assert!(message.contains(words) && message.contains("[redacted]"), "{message}");
    }
    let dump: serde_json::Value = flow.dump(runs[1].id()).await.unwrap().unwrap().decode().unwrap();
    assert_eq!(dump["run"]["input"]["cards"], serde_json::json!(["free", "[redacted]"]));
    assert_eq!(dump["run"]["output"]["pin"], "[redacted]");
    assert!(flow.dump(runs[2].id()).await.unwrap().unwrap().as_str().contains("blurt"));
    let logs = flow.logs(runs[2].id()).await.unwrap();
    assert!(logs[0].lines[0].contains("[redacted]"), "{logs:?}");
    let stored = "select count(*) from pgflow.run where input ->> 'password' = 'hunter2\"quoted'";
    assert_eq!(db.count(stored).await, 6, "the engine reads what is stored");
    worker.drain(PATIENCE).await;
}

#[tokio::test]
async fn an_input_that_does_not_fit_is_refused_without_being_quoted() {
    let buffer = Buffer::default();
    let written = buffer.clone();
    let lines = tracing_subscriber::fmt::layer().with_writer(move || written.clone());
    let _hearing = hear(tracing_subscriber::registry().with(lines));
    let db = Database::new().await;
    let flow = db.flow().await;
    let strange =
        serde_json::json!({ "user": "ann", "password": "x", "cards": [], "pin": "pin-as-text" });
    let input = Json::encode(&strange).unwrap();
    let refused = flow.start_named("secretive", input, "ann").await.unwrap_err().to_string();
    check_hidden("a refused start", &refused);
    assert!(refused.contains("pin: invalid type: string \"[redacted]\""), "{refused}");

    let (plain, made) = ("plain", "made");
    let number = |message: u32| Ok::<_, String>(login(&message.to_string()));
    let builder = flow
        .worker()
        .trigger(Queue::named(plain).starts::<secretive>())
        .trigger(Queue::named(made).starts_with::<secretive, u32, String>(number));
    let worker = worker_with(builder, "secretive").await;
    flow.send(plain, &strange).await.unwrap();
    flow.send(made, &"pin-as-text").await.unwrap();
    db.until("select count(*) from pgflow.message where problem is not null", 2).await;
    for queue in [plain, made] {
        let message = flow.message(queue, 1).await.unwrap().unwrap();
        assert!(
            matches!(&message.fate, Fate::Refused(why) if why.contains("[redacted]")),
            "{message:?}"
        );
        check_hidden("a message", &format!("{message:?}"));
    }
    worker.drain(PATIENCE).await;
    let said = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    assert!(said.contains("a message is refused"), "{said}");
    check_hidden("the log", &said);
}

static LOOKED_AT: Notify = Notify::const_new();

#[step(transactional, redact)]
pub async fn sign_in_once(user: String) -> Result<String> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new("", FailureKind::Failed, error.to_string());
    let mut transaction = StepContext::current().transaction().await.map_err(|e| failed(&e))?;
    sqlx::query("select 1").execute(&mut *transaction).await.map_err(|e| failed(&e))?;
    tracing::info!("{user} has {}", SECRETS[3]);
    LOOKED_AT.notified().await;
    Ok(SECRETS[3].into())
}

#[workflow]
pub async fn secretive_once(user: String) -> Result<usize> {
    Ok(sign_in_once(user).await?.len())
}

#[tokio::test]
async fn lines_that_quote_what_a_transactional_step_made_are_cleaned_when_it_is_done() {
    let _hearing = hear(tracing_subscriber::registry().with(pgflow::logs()));
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "secretive_once").await;
    let run = flow.start::<secretive_once>("ann".into()).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    flow.logs(run.id()).await.unwrap();
    db.until("select count(*) from pgflow.log", 1).await;
    LOOKED_AT.notify_one();
    run.output().await.unwrap();
    db.until("select count(*) from pgflow.log where lines like '%ann has [redacted]%'", 1).await;
    worker.drain(PATIENCE).await;
    let kept = flow.logs(run.id()).await.unwrap();
    check_hidden("a line", &format!("{kept:?}"));
}
