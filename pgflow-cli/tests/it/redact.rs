//! Every command, called: none prints what is marked `redact`, and objects keep their members.

use insta::assert_snapshot;
use pgflow::{Failure, FailureKind, StepContext, step, workflow};
use serde_json::{Value, json};

use crate::{
    objects::Objects,
    operator::{Answer, pgflow},
    support::{Database, PATIENCE},
    workflows::{Result, gate, letter},
};

const PASSWORD: &str = "hunter2-of-ann";
const TOKEN: &str = "tok-4711-0815";

#[step(redact = ["/token"])]
pub async fn open_session(password: String) -> Result<serde_json::Value> {
    Ok(json!({ "token": TOKEN, "length": password.len() }))
}

#[step(retries = 0)]
pub async fn use_session(user: String, password: String, session: String) -> Result<String> {
    let everything = format!("{password} {session}");
    StepContext::current().progress_with(1, 2, &everything);
    match user.as_str() {
        "waits" => gate("waits").notified().await,
        "fails" => return Err(Failure::new("use_session", FailureKind::Failed, everything)),
        _ => {}
    }
    Ok(session)
}

#[step(retries = 1, retry_delay = "1h")]
pub async fn try_session(user: String, session: String) -> Result<String> {
    let failure = Failure::new("try_session", FailureKind::Failed, session.clone());
    if user == "tries" { Err(failure) } else { Ok(session) }
}

#[workflow(redact = ["/password"], timeout = "2h")]
pub async fn guarded(user: String, password: String) -> Result<serde_json::Value> {
    let session = open_session(password.clone()).await?;
    let used = use_session(user.clone(), password.clone(), session.to_string()).await?;
    let used = try_session(user, used).await?;
    Ok(json!({ "password": password, "used": used }))
}

/// How each command is called on run 1, which completed, 2, which failed, 3, which runs, 4, which is to be tried again, 5, a letter,
/// and 6, which repeats 2.
const CALLS: &[(&str, &[&[&str]])] = &[
    ("start", &[&["guarded", r#"{"user": "x", "password": "hunter2-of-ann", "more": 1}"#]]),
    (
        "status",
        &[&["1"], &["2"], &["3"], &["4"], &["5"], &["6"], &["3", "--logs"], &["1", "--watch"]],
    ),
    ("why", &[&["1"], &["2"], &["3"], &["4"]]),
    ("list", &[&[], &["--state", "failed"], &["--limit", "1"]]),
    ("graph", &[&["1"], &["2", "--format", "dot"], &["3", "--format", "svg"], &["guarded"]]),
    ("dump", &[&["1"], &["2"], &["3"], &["4"]]),
    ("pause", &[&["3"]]),
    ("resume", &[&["3"]]),
    ("signal", &[&["3", "none", "1"], &["5", "approve", "\"Ann\""]]),
    ("retry", &[&["2"], &["1"]]),
    ("cancel", &[&["4", "--yes"]]),
    ("prune", &[&["--older-than", "0s", "--dry-run"]]),
    ("doctor", &[&[]]),
    ("trace", &[&["1"], &["2"], &["3"], &["4"]]),
    ("message", &[&["none", "1"], &["letters", "1"]]),
    ("metrics", &[&[]]),
    ("check", &[&[]]),
    ("migrate", &[&["guarded", "1", "2", "--dry-run"]]),
    ("wanted", &[&[]]),
];
/// Commands that serve, or that ask no database.
const OTHERS: [&str; 4] = ["worker", "dev", "completions", "help"];

fn check(arguments: &[&str], answer: &Answer) {
    assert!(!answer.out.contains('\x1b'), "{arguments:?} paints what goes into a pipe");
    for secret in [PASSWORD, TOKEN] {
        let printed = format!("{}{}", answer.out, answer.err);
        assert!(!printed.contains(secret), "{arguments:?} prints {secret}: {printed}");
    }
}

/// Commands whose objects have tests of their own, as they hold what a moment or a workflow makes of them.
const FREE: [&str; 6] = ["dump", "graph", "message", "metrics", "migrate", "trace"];

#[tokio::test(flavor = "multi_thread")]
async fn no_command_prints_what_is_marked_and_objects_have_their_members() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().name("w1").only(["guarded"]).spawn().await.unwrap();
    for (user, status, expected) in
        [("ann", 0, r#""password": "[redacted]""#), ("fails", 5, "[redacted]")]
    {
        let input = json!({ "user": user, "password": PASSWORD }).to_string();
        let arguments = ["start", "guarded", &input, "--wait"];
        let answer = pgflow(&db, &arguments).await;
        check(&arguments, &answer);
        assert_eq!(answer.status, status);
        assert!(format!("{}{}", answer.out, answer.err).contains(expected), "{}", answer.out);
    }
    for user in ["waits", "tries"] {
        flow.start::<guarded>((user.into(), PASSWORD.into())).await.unwrap();
    }
    flow.start::<letter>("x".into()).key("a letter").await.unwrap();
    let session = json!({ "token": TOKEN, "length": 3 });
    let again = flow.retry(pgflow::RunId(2), "ann").output("open_session", &session);
    let again = again.await.unwrap();
    flow.run::<guarded>(again).output().await.unwrap_err();
    let excluded = "alter table pgflow.slot set (autovacuum_enabled = false); \
        insert into pgflow.log (run_id, node, elem, attempt, epoch, said, lines, at) values (3, 1, 0, 1, 1, 1, '0.1 INFO a', pgflow.clock())";
    sqlx::raw_sql(excluded).execute(&mut db.sql().await).await.unwrap();
    flow.make_queue("letters").await.unwrap();
    flow.send("letters", &"x").await.unwrap();
    db.until("select count(*) from pgflow.task where due_at is not null", 1).await;
    db.until("select count(*) from pgflow.tasks where note like '%redacted%'", 1).await;

    let help = pgflow(&db, &["--help"]).await.text();
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    // a line that goes on with the one before is set in further
    let lines = lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let commands = lines.filter_map(|line| line.split_whitespace().next());
    let mut objects = Objects::default();
    for command in commands.filter(|command| !OTHERS.contains(command)) {
        let calls = CALLS.iter().find(|(name, _)| *name == command);
        let (_, calls) = calls.unwrap_or_else(|| panic!("say here how `{command}` is called"));
        for call in *calls {
            for json in [&[][..], &["--json"]] {
                let arguments = [&[command], *call, json].concat();
                let answer = pgflow(&db, &arguments).await;
                check(&arguments, &answer);
                let object = serde_json::from_str::<Value>(&answer.out).ok();
                if let Some(object) =
                    object.filter(|_| !json.is_empty() && !FREE.contains(&command))
                {
                    objects.add(command, &object);
                }
            }
        }
    }
    assert_snapshot!("json_members", objects.text());
    let stored = "select count(*) from pgflow.run where input ->> 'password' = 'hunter2-of-ann'";
    assert!(db.count(stored).await >= 4);
    gate("waits").notify_one();
    worker.drain(PATIENCE).await;
}
