//! The service as an operator runs it: the flag set and cleared again under load, in real processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use pgflow::Flow;
use serde_json::json;

use crate::support::{Database, Scratch, archlearn, write_corpus};

const QUEUE: &str = "architecture_learning_tasks";
const ENABLED: &str = "PGFLOW_ARCHITECTURE_LEARNING_ENABLED";

/// A service in a process of its own.
struct Service {
    process: Child,
    said: Receiver<String>,
    /// The messages that it said it is done with.
    done: Option<JoinHandle<Vec<i64>>>,
}

impl Service {
    fn start(scratch: &Scratch, database: &Database, enabled: &str, set: &[(&str, &str)]) -> Self {
        let mut command = archlearn(scratch, &["work", "--device", "cpu"]);
        command.env("DATABASE_URL", database.url()).env(ENABLED, enabled);
        command.envs(set.iter().copied()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("starts");
        let lines = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        let (tell, said) = channel();
        let done = std::thread::spawn(move || {
            let mut done = Vec::new();
            for line in lines.map_while(Result::ok) {
                let id = line.strip_prefix("message ").and_then(|l| l.strip_suffix(" done"));
                done.extend(id.and_then(|id| id.parse::<i64>().ok()));
                let _ = tell.send(line);
            }
            done
        });
        Self { process, said, done: Some(done) }
    }

    /// Asks it to stop, and waits until it has; the messages that it said it is done with.
    fn stop(mut self) -> Vec<i64> {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("sent").success());
        let ended = self.process.wait().expect("ended");
        let done = self.done.take().expect("not stopped yet").join().expect("read to the end");
        assert!(ended.success(), "{ended}: {:#?}", self.said.iter().collect::<Vec<_>>());
        done
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends messages about the corpus; their ids.
async fn send(flow: &Flow, scratch: &Scratch, n: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    for _ in 0..n {
        let message = json!({ "codebase_path": scratch.path("corpus"), "priority": "normal" });
        ids.push(flow.send(QUEUE, &message).await.expect("sent"));
    }
    ids
}

/// What is learnt once is there for every message.
fn learnt(scratch: &Scratch, database: &Database) {
    write_corpus(&scratch.path("corpus"));
    let corpus = scratch.path("corpus");
    let mut learn = archlearn(scratch, &["learn", "--device", "cpu"]);
    let learnt = learn.arg(corpus).env("DATABASE_URL", database.url()).output().expect("starts");
    assert!(learnt.status.success(), "{}", String::from_utf8_lossy(&learnt.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn flipping_the_mode_under_load_loses_and_repeats_nothing() {
    let (scratch, database) = (Scratch::new("flip"), Database::new("flip").await);
    learnt(&scratch, &database);
    let flow = pgflow::connect(&database.url()).await.expect("a flow");
    flow.make_queue(QUEUE).await.expect("a queue");
    let (mut sent, mut done) = (BTreeSet::new(), Vec::new());
    let of_messages = "select count(*) from pgflow.message";
    for enabled in ["false", "true", "", "true"] {
        // before it starts and while it works
        sent.extend(send(&flow, &scratch, 2).await);
        let before = database.count(of_messages).await;
        let service = Service::start(&scratch, &database, enabled, &[]);
        sent.extend(send(&flow, &scratch, 2).await);
        if enabled == "true" {
            while database.count(of_messages).await == before {
                tokio::task::yield_now().await;
            }
        } else {
            let said =
                service.said.iter().find(|line| line.ends_with(" done") || line.contains("failed"));
            assert!(said.as_ref().is_some_and(|line| line.ends_with(" done")), "{said:?}");
        }
        sent.extend(send(&flow, &scratch, 1).await);
        done.extend(service.stop());
    }
    // a rollback finishes what is left in the queue, and the runs that were begun
    let last = Service::start(&scratch, &database, "false", &[]);
    let left = "select (select count(*) from pgmq.q_architecture_learning_tasks) + (select count(*) from pgflow.run where state = 0)";
    show(&database).await;
    while database.count(left).await > 0 {
        tokio::task::yield_now().await;
    }
    done.extend(last.stop());

    let mut times: BTreeMap<i64, usize> = sent.iter().map(|id| (*id, 0)).collect();
    for id in &done {
        *times.get_mut(id).expect("a message that was sent") += 1;
    }
    for id in &sent {
        if let Some(status) = flow.message(QUEUE, *id).await.expect("its fate") {
            let run = matches!(
                &status.fate,
                pgflow::Fate::Started { run: Some((_, pgflow::RunState::Completed)), .. }
            );
            assert!(run, "message {id}: {status:?}");
            *times.get_mut(id).expect("sent") += 1;
        }
    }
    assert!(times.values().all(|n| *n == 1), "{times:?}");
    let runs = database.count("select count(*) from pgflow.run").await - 1;
    assert_eq!(usize::try_from(runs).unwrap() + done.len(), sent.len());
    assert!(runs > 2 && done.len() > 2, "{runs} runs, {} messages", done.len());
    assert_eq!(
        database.count("select count(*) from pgmq.a_architecture_learning_tasks").await,
        runs,
        "legacy mode archived none: none failed"
    );
    drop(flow);
    database.drop().await;
}

/// What time does to messages that a reader had taken and did not come to.
async fn show(database: &Database) {
    database
        .count(
            "select count(*) from pgmq.q_architecture_learning_tasks q, pgmq.set_vt('architecture_learning_tasks', q.msg_id, 0) s",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variables_take_effect_on_the_runs_of_messages() {
    let (scratch, database) = (Scratch::new("variables"), Database::new("variables").await);
    write_corpus(&scratch.path("corpus"));
    let flow = pgflow::connect(&database.url()).await.expect("a flow");
    flow.make_queue(QUEUE).await.expect("a queue");
    let effects = [
        (
            vec![
                ("ARCHITECTURE_PATTERN_DISCOVERY_TIMEOUT_MS", "1"),
                ("ARCHITECTURE_WORKFLOW_RETRIES", "2"),
                ("ARCHITECTURE_WORKFLOW_RETRY_DELAY_MS", "1"),
            ],
            "select count(*) from pgflow.run r where state = 2 and \
             (select max(attempt) from pgflow.attempt a where a.run_id = r.id and status = 3) = 3",
        ),
        (
            vec![
                ("ARCHITECTURE_WORKFLOW_TIMEOUT_MS", "1"),
                ("ARCHITECTURE_WORKFLOW_CONCURRENCY", "2"),
            ],
            "select count(*) from pgflow.run r join pgflow.pool p on p.name = 'workflow:architecture_learning' \
             where r.state = 4 and p.override = 2",
        ),
    ];
    for (set, expected) in effects {
        let service = Service::start(&scratch, &database, "true", &set);
        send(&flow, &scratch, 1).await;
        while database.count(expected).await != 1 {
            tokio::task::yield_now().await;
        }
        service.stop();
    }
    let why = fs::read_dir(scratch.path("data/candidates"));
    assert!(why.is_err(), "nothing was trained");
    drop(flow);
    database.drop().await;
}

#[test]
fn a_bad_variable_is_an_error_at_start_and_config_tells_every_value() {
    let scratch = Scratch::new("config");
    for (name, value, allowed) in [
        (ENABLED, "1", "set it to `true` or `false`, or leave it unset"),
        ("ARCHITECTURE_MODEL_TRAINING_TIMEOUT_MS", "3m", "set it to a whole number from 1 to"),
    ] {
        for command in ["work", "config"] {
            let refused =
                archlearn(&scratch, &[command]).env(name, value).output().expect("starts");
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert_eq!(refused.status.code(), Some(1), "{said}");
            assert!(said.starts_with(&format!("error: {name} is `{value}`; {allowed}")), "{said}");
        }
    }
    let told = archlearn(&scratch, &["config", "--json"])
        .env("ARCHITECTURE_WORKFLOW_CONCURRENCY", "4")
        .output()
        .expect("starts");
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(told.as_array().map(Vec::len), Some(12));
    assert_eq!(
        told[4],
        json!({ "name": "ARCHITECTURE_WORKFLOW_CONCURRENCY", "value": "4", "source": "environment" })
    );
}
