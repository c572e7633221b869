//! A trace that a caller began goes on through every step, and reaches a collector.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU64,
    sync::{Arc, Mutex},
};

use pgflow::{Failure, Otlp, StepContext, TraceParent, step, workflow};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::support::{Database, PATIENCE, worker};

type Result<T> = std::result::Result<T, Failure>;

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn here() -> Option<String> {
    StepContext::current().trace_parent().map(|parent| parent.to_string())
}

#[step]
pub async fn first_traced(n: u32) -> Result<Option<String>> {
    let _ = n;
    Ok(here())
}

#[step]
pub async fn each_traced(n: u32) -> Result<Option<String>> {
    let _ = n;
    Ok(here())
}

#[workflow]
pub async fn inner_traced(n: u32) -> Result<Option<String>> {
    first_traced(n).await
}

#[workflow]
pub async fn traced(n: u32) -> Result<Vec<Option<String>>> {
    let first = first_traced(n).await?;
    pgflow::sleep(std::time::Duration::from_millis(30)).await;
    let each = pgflow::map(vec![1, 2], each_traced).await?;
    let inner = pgflow::child(inner_traced(n)).await?;
    Ok([vec![first], each, vec![inner]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_begun_by_the_caller_goes_on_through_every_step_on_whichever_worker() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(worker(&db.flow().await, "traced").await);
        workers.push(worker(&db.flow().await, "inner_traced").await);
    }
    let caller: TraceParent = CALLER.parse().unwrap();
    let run = flow.start::<traced>(1).trace(caller).await.unwrap();
    let id = run.id();
    let spans: Vec<TraceParent> =
        run.output().await.unwrap().iter().map(|s| s.as_ref().unwrap().parse().unwrap()).collect();
    assert_eq!(spans[0], caller.of_attempt(id, "first_traced", None, 1));
    assert_eq!(spans[1], caller.of_attempt(id, "each_traced", Some(0), 1));
    assert_eq!(spans[2], caller.of_attempt(id, "each_traced", Some(1), 1));
    assert!(spans.iter().all(|span| span.trace == caller.trace && span.sampled));
    let stored = "select count(*) from pgflow.runs where trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'";
    assert_eq!(db.count(stored).await, 2, "the run and its child");

    // a source on the flow, and no trace at all
    let other = TraceParent::new(caller.trace, NonZeroU64::MIN, false);
    let sourced = flow.traced(move || Some(other)).start::<inner_traced>(1).await.unwrap();
    let expected = other.of_attempt(sourced.id(), "first_traced", None, 1);
    assert_eq!(sourced.output().await.unwrap(), Some(expected.to_string()));
    let plain = flow.start::<inner_traced>(1).await.unwrap();
    assert_eq!(plain.output().await.unwrap(), None);
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
}

/// A collector on a port of its own: takes requests over HTTP, and answers the first ones with these statuses.
struct Collector {
    address: String,
    spans: Arc<Mutex<Vec<Value>>>,
}

impl Collector {
    async fn start(mut refusals: Vec<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let spans = Arc::<Mutex<Vec<Value>>>::default();
        let taken = spans.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = BufReader::new(stream);
                let (mut line, mut length) = (String::new(), 0);
                stream.read_line(&mut line).await.unwrap();
                assert_eq!(line, "POST /v1/traces HTTP/1.1\r\n");
                while line != "\r\n" {
                    line.clear();
                    stream.read_line(&mut line).await.unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await.unwrap();
                let status = if refusals.is_empty() { 200 } else { refusals.remove(0) };
                if status == 200 {
                    let mut request: Value = serde_json::from_slice(&body).unwrap();
                    let resource = &mut request["resourceSpans"][0];
                    assert_eq!(resource["resource"]["attributes"][0]["key"], "service.name");
                    assert_eq!(
                        resource["resource"]["attributes"][0]["value"]["stringValue"],
                        "shop"
                    );
                    let spans = resource["scopeSpans"][0]["spans"].take();
                    taken.lock().unwrap().extend(spans.as_array().unwrap().iter().cloned());
                }
                let answer = format!(
                    "HTTP/1.1 {status} x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        Self { address, spans }
    }

    /// The spans by name and element.
    fn taken(&self) -> BTreeMap<String, Value> {
        let spans = self.spans.lock().unwrap();
        let element = |span: &Value| attribute(span, "pgflow.element").map(|n| format!("[{n}]"));
        let attempt = |span: &Value| attribute(span, "pgflow.attempt").map(|n| format!("#{n}"));
        let name = |span: &Value| {
            let name = span["name"].as_str().unwrap();
            let run = attribute(span, "pgflow.run").unwrap();
            let of = [element(span), attempt(span)].into_iter().flatten().collect::<String>();
            format!("{run} {name}{of}")
        };
        let by_name: BTreeMap<_, _> = spans.iter().map(|span| (name(span), span.clone())).collect();
        assert_eq!(by_name.len(), spans.len(), "a span twice");
        by_name
    }
}

fn attribute(span: &Value, key: &str) -> Option<String> {
    let attributes = span["attributes"].as_array().unwrap();
    let value = &attributes.iter().find(|attribute| attribute["key"] == key)?["value"];
    Some(value["intValue"].as_str().or(value["stringValue"].as_str()).unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_one_trace_from_all_workers_with_what_each_span_came_after() {
    let db = Database::new().await;
    let collector = Collector::start(vec![503]).await;
    let mut served = Vec::new();
    for name in ["traced", "traced", "inner_traced"] {
        let flow = db.flow().await;
        let otlp = Otlp::to(&flow, &collector.address, "shop").unwrap();
        let worker = flow.worker().only([name]).observer(otlp.clone()).spawn().await.unwrap();
        served.push((worker, otlp));
    }
    let flow = db.flow().await;
    let caller: TraceParent = CALLER.parse().unwrap();
    let run = flow.start::<traced>(1).trace(caller).await.unwrap();
    let unsampled = TraceParent::new(caller.trace, caller.span, false);
    let quiet = flow.start::<inner_traced>(1).trace(unsampled).await.unwrap();
    run.output().await.unwrap();
    quiet.output().await.unwrap();
    for (worker, otlp) in served {
        worker.drain(PATIENCE).await;
        otlp.flush(PATIENCE).await;
    }

    let spans = collector.taken();
    let (id, child) =
        (run.id(), db.count("select max(id) from pgflow.run where parent_run > 0").await);
    let names: BTreeSet<&str> = spans.keys().map(String::as_str).collect();
    let expected = [
        format!("{id} traced"),
        format!("{id} first_traced#1"),
        format!("{id} each_traced[0]#1"),
        format!("{id} each_traced[1]#1"),
        format!("{child} inner_traced"),
        format!("{child} first_traced#1"),
    ];
    assert!(expected.iter().all(|name| names.contains(name.as_str())), "{names:?}");
    assert!(names.iter().all(|name| !name.starts_with(&quiet.id().to_string())), "{names:?}");

    let trace = format!("{:032x}", caller.trace);
    assert!(spans.values().all(|span| span["traceId"] == trace));
    let id_of = |span: TraceParent| format!("{:016x}", span.span);
    let whole = &spans[&expected[0]];
    assert_eq!(whole["spanId"], id_of(caller.of_run(id)));
    assert_eq!(whole["parentSpanId"], id_of(caller));
    let first = &spans[&expected[1]];
    assert_eq!(first["spanId"], id_of(caller.of_attempt(id, "first_traced", None, 1)));
    assert_eq!(first["parentSpanId"], whole["spanId"]);
    assert_eq!(spans[&expected[4]]["parentSpanId"], whole["spanId"], "the child's run");
    // across the sleep
    let links = |name: &str| -> Vec<Value> {
        let links = spans[name]["links"].as_array().unwrap();
        links.iter().map(|link| link["spanId"].clone()).collect()
    };
    let slept = names.iter().find(|name| name.contains("sleep")).expect("the sleep is a span");
    assert_eq!(links(slept), [first["spanId"].clone()]);
    assert_eq!(links(&expected[2]), [spans[*slept]["spanId"].clone()]);
    let nanoseconds = |span: &Value, at: &str| span[at].as_str().unwrap().parse::<u64>().unwrap();
    for span in spans.values() {
        let (start, end) =
            (nanoseconds(span, "startTimeUnixNano"), nanoseconds(span, "endTimeUnixNano"));
        assert!(start <= end && nanoseconds(whole, "startTimeUnixNano") <= start);
        assert_eq!(span["status"]["code"], 1);
        assert_eq!(attribute(span, "messaging.system").unwrap(), "pgflow");
        let workflow = attribute(span, "messaging.destination.name").unwrap();
        assert!(["traced", "inner_traced"].contains(&workflow.as_str()), "{workflow}");
    }

    // whoever asks the database gets the same
    let asked = flow.spans(id).await.unwrap().unwrap();
    let request = pgflow::otlp_request("shop", &asked);
    for span in request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap() {
        assert!(spans.values().any(|sent| sent == span), "{span}");
    }
}

#[step(retries = 1, retry_delay = "1ms")]
pub async fn trip(n: u32) -> std::result::Result<u32, String> {
    match StepContext::current().attempt() {
        1 => Err("stumbled".into()),
        _ => Err(format!("fell {n}")),
    }
}

#[workflow]
pub async fn tripping(n: u32) -> std::result::Result<u32, String> {
    trip(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_a_trace_has_spans_of_its_own_and_failures_say_why() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "tripping").await;
    let run = flow.start::<tripping>(1).await.unwrap();
    run.output().await.unwrap_err();
    let spans = flow.spans(run.id()).await.unwrap().unwrap();
    let told: Vec<_> =
        spans.iter().map(|s| (s.name.as_str(), s.status, s.error.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("tripping", "failed", Some("fell 1")),
            ("trip", "failed", Some("stumbled")),
            ("trip", "failed", Some("fell 1")),
        ]
    );
    assert_eq!(spans[0].parent, None);
    assert!(spans[1..].iter().all(|s| s.parent == Some(spans[0].id.span.get())));
    assert!(spans.iter().all(|s| s.id.trace == spans[0].id.trace));
    assert_eq!(flow.spans(pgflow::RunId(999)).await.unwrap(), None);
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_spans_but_no_work_and_a_wrong_address_is_refused() {
    let db = Database::new().await;
    let flow = db.flow().await;
    for (address, problem) in [
        ("https://localhost:4318", "TLS is not built in"),
        ("localhost:4318", "it does not begin with http://"),
        ("http://a b", "it cannot be read"),
    ] {
        let error = Otlp::to(&flow, address, "shop").unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
    let refuses = Collector::start(vec![400]).await;
    let otlp = Otlp::to(&flow, &refuses.address, "shop").unwrap();
    let worker = flow.worker().only(["inner_traced"]).observer(otlp.clone()).spawn().await.unwrap();
    let caller: TraceParent = CALLER.parse().unwrap();
    let run = flow.start::<inner_traced>(1).trace(caller).await.unwrap();
    assert!(run.output().await.unwrap().is_some());
    otlp.flush(PATIENCE).await;
    assert!(refuses.taken().is_empty());
    let next = flow.start::<inner_traced>(2).trace(caller).await.unwrap();
    assert!(next.output().await.unwrap().is_some());
    worker.drain(PATIENCE).await;
    otlp.flush(PATIENCE).await;
    assert!(!refuses.taken().is_empty(), "a batch that is refused does not stop those behind it");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_without_a_trace_reach_the_collector_whole_where_that_is_wanted() {
    let db = Database::new().await;
    let (flow, collector) = (db.flow().await, Collector::start(vec![]).await);
    let otlp = Otlp::to(&flow, &collector.address, "shop").unwrap();
    let wanted = otlp.clone().untraced();
    let mut ids = Vec::new();
    for otlp in [otlp, wanted] {
        let worker = flow.worker().only(["inner_traced"]).observer(otlp.clone());
        let worker = worker.spawn().await.unwrap();
        let run = flow.start::<inner_traced>(1).await.unwrap();
        assert_eq!(run.output().await.unwrap(), None);
        ids.push(run.id());
        worker.drain(PATIENCE).await;
        otlp.flush(PATIENCE).await;
    }
    let [_, wanted] = ids[..] else { unreachable!() };
    let spans = collector.taken();
    let names: Vec<&str> = spans.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [format!("{wanted} first_traced#1"), format!("{wanted} inner_traced")],
        "the other is not exported"
    );
    let asked = flow.spans(wanted).await.unwrap().unwrap();
    let asked = pgflow::otlp_request("shop", &asked);
    let sent = asked["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    assert!(sent.iter().all(|span| spans.values().any(|taken| taken == span)), "{sent:#?}");
}
