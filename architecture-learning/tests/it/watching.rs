//! What is heard of a service: a real process, its standard error, its endpoint for metrics, its traces, its alerts, and the
//! log lines of its steps.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;

use pgflow::{Failure, RunId, step, workflow};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::process::{Service, work};
use crate::support::{Database, Scratch, archlearn, write_crate};

const QUEUE: &str = "architecture_learning_tasks";

#[step]
async fn wait_in_vain(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

/// No worker of any test serves it.
#[workflow]
async fn nobody_serves(n: u32) -> Result<u32, Failure> {
    wait_in_vain(n).await
}

/// A collector of traces, which it gathers until it has the span of this name.
fn collect(listener: &TcpListener, last: &str) -> Vec<Value> {
    let mut all = Vec::new();
    while !all.iter().any(|span: &Value| span["name"] == last) {
        let mut request = answer(listener);
        let resource = &mut request["resourceSpans"][0];
        assert_eq!(
            resource["resource"]["attributes"][0]["value"]["stringValue"], "learning",
            "the service"
        );
        let Value::Array(spans) = resource["scopeSpans"][0]["spans"].take() else {
            panic!("spans: {request}")
        };
        all.extend(spans);
    }
    all
}

fn answer(listener: &TcpListener) -> Value {
    let (mut stream, _) = listener.accept().expect("a request");
    let mut reader = BufReader::new(stream.try_clone().expect("the same"));
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).expect("a line");
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    stream.write_all(answer.as_bytes()).expect("answered");
    serde_json::from_slice(&body).expect("JSON")
}

fn scrape(port: u16) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    text
}

const ARGUMENTS: &str = "ARCHLEARN_TEST_PGFLOW";

/// Not a test by itself: the command line of pgflow on a database, as an operator has it.
#[test]
fn pgflow_main() {
    let Ok(arguments) = env::var(ARGUMENTS) else { return };
    let arguments = ["pgflow"].into_iter().chain(arguments.split(' '));
    pgflow::cli::Host::new().main_with(arguments.map(Into::into));
}

fn pgflow(database: &Database, arguments: &str) -> String {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--exact", "watching::pgflow_main", "--nocapture"]);
    command.env(ARGUMENTS, arguments).env("DATABASE_URL", database.url()).env("NO_COLOR", "1");
    let output = command.output().expect("starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_heard_in_log_metrics_traces_alerts_and_the_lines_of_its_steps() {
    let (scratch, database) = (Scratch::new("watching"), Database::new("watching").await);
    let flow = pgflow::connect(&database.url()).await.expect("a flow");
    flow.make_queue(QUEUE).await.expect("a queue");
    let collector = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let traces = format!("http://{}", collector.local_addr().expect("bound"));
    let collected = std::thread::spawn(move || collect(&collector, "architecture_learning"));
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = free.local_addr().expect("bound").port();
    drop(free);

    let alerts = scratch.path("alerts");
    let hook = format!("echo \"$ALERT_STATE $ALERT_KIND $ALERT_SUBJECT\" >> {}", alerts.display());
    let mut command = work(&scratch, &database, "true");
    command.args(["--on-alert", &hook, "--metrics", &port.to_string()]);
    command.env("PGFLOW_ALERTS", "every=1s,failed_least=1");
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces).env("OTEL_SERVICE_NAME", "learning");
    let service = Service::start(command);
    service.says(&[&format!("metrics at http://127.0.0.1:{port}/metrics")]);
    service.says(&["pgflow mode: works on queue"]);

    let bad = json!({ "codebase_path": scratch.path("nowhere") });
    flow.send(QUEUE, &bad).await.expect("sent");
    service.says(&["WARN", "a message is refused", "nowhere"]);

    // too little to learn from: the analysis fails, and says so
    write_crate(&scratch.path("one"), "one", |i| format!("part{i}"));
    let small = json!({ "codebase_path": scratch.path("one") });
    let id = flow.send(QUEUE, &small).await.expect("sent");
    while database.count("select count(*) from pgflow.run where state = 2").await == 0 {
        tokio::task::yield_now().await;
    }
    let fate = flow.message(QUEUE, id).await.expect("asked").expect("there").fate;
    let pgflow::Fate::Started { run: Some((RunId(run), _)), .. } = fate else {
        panic!("{fate:?}");
    };
    let status = pgflow(&database, &format!("status {run} --logs"));
    assert!(status.contains("pattern_analysis") && status.contains("it failed error="), "{status}");
    let spans = collected.join().expect("spans");
    assert!(spans.iter().any(|span| span["name"] == "pattern_analysis"), "{spans:#?}");

    // one of one is enough by the thresholds that were set
    service.says(&["WARN", "alert: architecture_learning", "1 of the last 1 runs"]);
    let unserved = flow.start::<nobody_serves>(1).await.expect("started");
    service.says(&["WARN", "alert: nobody_serves@1", "no live worker serves it"]);
    let metrics = scrape(port);
    for sample in [
        "pgflow_alerts_raised_total{kind=\"unserved\"} 1\n",
        "pgflow_alerts_raised_total{kind=\"failing\"} 1\n",
        "pgflow_runs_ended_total{workflow=\"architecture_learning\",version=\"1\",state=\"failed\"} 1\n",
    ] {
        assert!(metrics.contains(sample), "{sample} in {metrics}");
    }
    unserved.cancel("a test").await.expect("cancelled");
    while !fs::read_to_string(&alerts).unwrap_or_default().contains("cleared unserved") {
        tokio::task::yield_now().await;
    }
    let alerts = fs::read_to_string(&alerts).expect("the command was called");
    assert!(alerts.contains("raised failing architecture_learning\n"), "{alerts}");
    let lines: Vec<_> = alerts.lines().filter(|line| line.contains("unserved")).collect();
    assert!(lines[0].starts_with("raised unserved nobody_serves@1"), "{alerts}");
    assert!(lines[1].starts_with("cleared unserved nobody_serves@1"), "{alerts}");
    assert_eq!(lines.len(), 2, "once each");
    service.stop();
    drop(flow);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_message_is_told_to_programs_too() {
    let (scratch, database) = (Scratch::new("became"), Database::new("became").await);
    let told = |id: &str| {
        let mut command = archlearn(&scratch, &["message", id, "--json"]);
        let output = command.env("DATABASE_URL", database.url()).output().expect("starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let flow = pgflow::connect(&database.url()).await.expect("a flow");
    flow.make_queue(QUEUE).await.expect("a queue");
    flow.send(QUEUE, &json!({ "codebase_path": scratch.path("nowhere") })).await.expect("sent");
    let plain = |message: i64, state: &str, reads: Option<u32>| json!({ "message": message, "state": state, "reads": reads, "run": null, "run_state": null, "reason": null });
    assert_eq!(told("1"), plain(1, "waiting", Some(0)));
    assert_eq!(told("2"), plain(2, "absent", None));
    let service = Service::start(work(&scratch, &database, "true"));
    service.says(&["a message is refused"]);
    let refused = told("1");
    assert_eq!(refused["state"], "refused");
    assert!(refused["reason"].as_str().is_some_and(|why| why.contains("nowhere")), "{refused}");
    write_crate(&scratch.path("one"), "one", |i| format!("part{i}"));
    flow.send(QUEUE, &json!({ "codebase_path": scratch.path("one") })).await.expect("sent");
    while database.count("select count(*) from pgflow.run where state = 2").await == 0 {
        tokio::task::yield_now().await;
    }
    let started = told("2");
    assert_eq!((&started["state"], &started["run"]), (&json!("started"), &json!(1)));
    assert_eq!(started["run_state"], "failed");
    service.stop();
    drop(flow);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_stops_a_service_at_once() {
    for enabled in ["true", "false"] {
        let (scratch, database) = (Scratch::new("twice"), Database::new("twice").await);
        let service = Service::start(work(&scratch, &database, enabled));
        service.says(&["works on queue"]);
        // nobody signs off while this is held
        let mut holder = PgConnection::connect(&database.url()).await.expect("a connection");
        sqlx::raw_sql("begin; lock table pgflow.worker").execute(&mut holder).await.expect("held");
        service.signal("-TERM");
        service.says(&["stopping", "a second signal stops at once"]);
        service.signal("-INT");
        let (ended, lines) = service.ended();
        assert_eq!(ended.code(), Some(130), "{lines:#?}");
        holder.close().await.expect("closed");
        database.drop().await;
    }
}
