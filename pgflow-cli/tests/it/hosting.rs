//! A host's own binary with the command line: this test binary, which runs itself again.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
};

use metrics_exporter_prometheus::PrometheusBuilder;
use pgflow::cli::Host;

use serde_json::json;

use crate::{
    operator::{self, Answer, NO_CONTEXTS, answer, pgflow},
    support::Database,
    workflows::{gate, holding},
};

/// The arguments of the host, a line each.
const ARGUMENTS: &str = "PGFLOW_TEST_HOST_ARGUMENTS";

/// Whether the host has a recorder of metrics.
const RECORDER: &str = "PGFLOW_TEST_HOST_RECORDER";

/// Not a test by itself: the host.
#[test]
fn host_main() {
    let Ok(arguments) = env::var(ARGUMENTS) else { return };
    gate("served").notify_one();
    if env::var_os(RECORDER).is_some() {
        PrometheusBuilder::new().install_recorder().unwrap();
    }
    let line = std::iter::once("host").chain(arguments.lines()).map(Into::into);
    let code = Host::new().worker(|worker| worker.slots(3)).main_with(line);
    // what the harness prints is not the host's
    let status = (0..=u8::MAX).find(|status| ExitCode::from(*status) == code).unwrap();
    std::process::exit(status.into());
}

fn host(db: &Database, arguments: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "hosting::host_main", "--nocapture"]);
    command.env(ARGUMENTS, arguments.join("\n")).env("DATABASE_URL", db.url());
    command.env("XDG_CONFIG_HOME", NO_CONTEXTS);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the host; the test harness prints something before it.
pub async fn hosted(db: &Database, arguments: &[&str]) -> Answer {
    answer(host(db, arguments)).await
}

fn terminate(child: &Child) {
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

async fn ended(mut child: Child) -> ExitStatus {
    tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_serves_until_it_is_told_to_stop_and_drains() {
    let db = Database::new().await;
    let child = host(&db, &["worker", "--name", "w7", "--only", "holding"]).spawn().unwrap();
    let alive = "select count(*) from pgflow.worker where name = 'w7' and lease_until > pgflow.clock() and offers ->> 'slots' = '3'";
    db.until("select count(*) from pg_class where oid = to_regclass('pgflow.worker')", 1).await;
    db.until(alive, 1).await;
    let run = db.flow().await.start::<holding>(("served".into(), 5)).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 5);
    terminate(&child);
    assert_eq!(ended(child).await.code(), Some(0));
    assert!(!db.knows_worker("w7").await, "it signed off");
}

/// What is answered to a scrape.
fn scrape(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_serves_metrics_where_it_is_told_to() {
    let db = Database::new().await;
    // an address of this machine that no other process of these tests has
    let [_, a, b, c] = std::process::id().to_be_bytes();
    let free = TcpListener::bind((Ipv4Addr::new(127, a, b, c), 0)).unwrap();
    let address = free.local_addr().unwrap();
    let arguments =
        ["worker", "--name", "w9", "--only", "holding", "--metrics", &address.to_string()];
    let refused = host(&db, &arguments).output().unwrap();
    let text = String::from_utf8(refused.stderr).unwrap();
    let expected = format!(
        "error: metrics cannot be served on `{address}`; name a free port with --metrics\n"
    );
    assert!(text.contains(&expected) && text.contains("in use"), "{text}");
    drop(free);
    let child = host(&db, &arguments).spawn().unwrap();
    let alive =
        "select count(*) from pgflow.worker where name = 'w9' and lease_until > pgflow.clock()";
    db.until(alive, 1).await;
    let run = db.flow().await.start::<holding>(("served".into(), 5)).await.unwrap();
    run.output().await.unwrap();
    let expected = ["pgflow_runs_ended_total{", "\npgflow_worker_slots 3\n"];
    let tells = async || {
        let told = scrape(address).unwrap();
        expected.iter().all(|part| told.contains(part)).then_some(told)
    };
    let told = db.until_some(tells).await.expect("it tells no metrics");
    assert!(told.starts_with("HTTP/1.1 200 OK"), "{told}");
    assert!(told.contains("# TYPE pgflow_step_duration_seconds histogram\n"), "{told}");
    terminate(&child);
    assert_eq!(ended(child).await.code(), Some(0));
    assert!(scrape(address).is_err(), "nobody is there any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_lines_of_a_hosts_steps_are_shown_to_who_asks() {
    let db = Database::new().await;
    let child = host(&db, &["worker", "--name", "w6", "--only", "holding"]).spawn().unwrap();
    db.until("select count(*) from pg_class where oid = to_regclass('pgflow.worker')", 1).await;
    let run = db.flow().await.start::<holding>(("never".into(), 6)).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    let without = pgflow(&db, &["status", "1", "--json"]).await.json();
    assert_eq!(without.get("logs"), None);
    // a worker that is slow to say so is asked again
    let ask = async || {
        let status = pgflow(&db, &["status", "1", "--logs", "--json"]).await.json();
        Some(status["logs"].clone()).filter(|logs| *logs != json!([]))
    };
    let logs = db.until_some(ask).await.expect("no lines are shown");
    assert_eq!((&logs[0]["node"], &logs[0]["attempt"]), (&json!("hold"), &json!(1)), "{logs}");
    let line = logs[0]["lines"][0].as_str().unwrap();
    assert!(line.ends_with("INFO holding amount=6"), "{line}");
    let text = pgflow(&db, &["status", "1", "--logs"]).await.text();
    assert!(text.ends_with(&format!("\nhold, attempt 1\n{line}\n")), "{text}");
    let dump = pgflow(&db, &["dump", "1"]).await.json();
    assert_eq!(dump["logs"][0]["lines"], json!([line]));
    run.cancel("ann").await.unwrap();
    terminate(&child);
    assert_eq!(ended(child).await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_has_a_recorder_of_metrics_is_told_to_use_that() {
    let db = Database::new().await;
    let mut command = host(&db, &["worker", "--only", "holding", "--metrics", "0"]);
    let answer = command.env(RECORDER, "yes").output().unwrap();
    let text = String::from_utf8(answer.stderr).unwrap();
    assert!(text.contains("has a recorder of metrics already; leave --metrics out"), "{text}");
    assert_eq!(db.count("select count(*) from pgflow.worker").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_stops_at_once_and_the_task_goes_on_elsewhere() {
    let db = Database::new().await;
    db.flow().await.start::<holding>(("never".into(), 5)).await.unwrap();
    let arguments = ["worker", "--name", "w8", "--only", "holding", "--grace", "1h"];
    let mut child = host(&db, &arguments).spawn().unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = tokio::task::spawn_blocking(move || {
        terminate(&child);
        assert!(said.any(|line| line.unwrap().starts_with("stopping: running steps have 1 h")));
        terminate(&child);
        child.wait().unwrap()
    });
    assert_eq!(said.await.unwrap().code(), Some(130), "neither done nor drained");
    db.expire("w8").await;
    let other = crate::support::worker(&db.flow().await, "holding").await;
    db.until("select count(*) from pgflow.attempt where status = 4", 1).await;
    other.drain(std::time::Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_registers_what_it_starts_and_checks_inputs_by_their_types() {
    let db = Database::new().await;
    let refused = hosted(&db, &["start", "holding", r#"{"name": "x", "amount": "seven"}"#]).await;
    assert_eq!(refused.status, 4);
    let expected = "the input of `holding`: amount: invalid type: string \"seven\", expected u32";
    assert!(refused.err.contains(expected), "{}", refused.err);
    assert_eq!(db.count("select count(*) from pgflow.run").await, 0);
    let started = hosted(&db, &["start", "holding", r#"{"name": "x", "amount": 7}"#]).await;
    assert_eq!(started.status, 0, "{}", started.err);
    assert_eq!(db.count("select count(*) from pgflow.run where state = 0").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_is_a_private_server_and_a_worker_in_one() {
    let db = Database::new().await;
    let place = std::env::temp_dir().join(format!("pgflow-dev-{}", std::process::id()));
    std::fs::create_dir(&place).unwrap();
    let mut command = host(&db, &["dev", "--name", "developer", "--only", "holding"]);
    let mut child = command.env("PGFLOW_DATA_DIR", &place).spawn().unwrap();
    let told = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = tokio::task::spawn_blocking(move || {
        told.map(Result::unwrap).find(|line| line.starts_with("export DATABASE_URL=")).unwrap()
    });
    let told = told.await.unwrap();
    let url = told.split('\'').nth(1).unwrap();
    let flow = pgflow::connect(url).await.unwrap();
    assert_ne!(url, db.url());
    let serves =
        async || flow.served().await.unwrap().contains(&"holding@1".to_owned()).then_some(());
    db.until_some(serves).await.expect("it serves nothing");
    // one that joins it, for programs
    let mut second = operator::command(&db);
    second.args(["dev", "--json"]).env("PGFLOW_DATA_DIR", &place).stdout(Stdio::piped());
    let mut second = second.spawn().unwrap();
    let lines = BufReader::new(second.stdout.take().unwrap()).lines().map(Result::unwrap);
    let object = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        for line in lines {
            text += &line;
            if line == "}" {
                break;
            }
        }
        text
    });
    let object: serde_json::Value = serde_json::from_str(&object.await.unwrap()).unwrap();
    assert_eq!(object, json!({ "database": url }));
    terminate(&second);
    assert_eq!(ended(second).await.code(), Some(0));
    drop(flow);
    terminate(&child);
    assert_eq!(ended(child).await.code(), Some(0));
    assert!(pgflow::connect(url).await.is_err(), "the last to leave stops the server");
    std::fs::remove_dir_all(place).unwrap();
}
