//! The objects that `--json` prints: members and types, as scripts rely on them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    metrics::eventful,
    operator::pgflow,
    support::{Database, PATIENCE},
    workflows::{gate, letter, letter_v1, survey},
};

/// The members of objects by their paths, each with the types of its values; those of a list are together those of its items.
#[derive(Default)]
pub struct Shape(BTreeMap<String, BTreeSet<&'static str>>);

impl Shape {
    pub fn add(&mut self, value: &Value) {
        self.walk(value, "");
    }

    fn walk(&mut self, value: &Value, at: &str) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "text",
            Value::Array(items) if items.is_empty() => "empty",
            Value::Array(_) => "list",
            Value::Object(_) => "object",
        };
        if !at.is_empty() {
            self.0.entry(at.into()).or_default().insert(kind);
        }
        match value {
            Value::Array(items) => {
                for item in items {
                    self.walk(item, &format!("{at}[]"));
                }
            }
            Value::Object(members) => {
                let dot = if at.is_empty() { "" } else { "." };
                for (name, member) in members {
                    self.walk(member, &format!("{at}{dot}{name}"));
                }
            }
            _ => {}
        }
    }

    /// Lists that were always empty, so that nobody sees what is in them.
    pub fn unseen(&self) -> Vec<&str> {
        let unseen = self.0.iter().filter(|(_, kinds)| **kinds == BTreeSet::from(["empty"]));
        unseen.map(|(path, _)| path.as_str()).collect()
    }

    /// A line per member.
    pub fn text(&self) -> String {
        let line = |(path, kinds): (&String, &BTreeSet<&str>)| {
            let kinds: Vec<&str> = kinds.iter().copied().collect();
            format!("  {path}: {}\n", kinds.join(" "))
        };
        self.0.iter().map(line).collect()
    }
}

/// The objects of several calls, by command.
#[derive(Default)]
pub struct Objects(BTreeMap<String, Shape>);

impl Objects {
    pub fn add(&mut self, command: &str, object: &Value) {
        self.0.entry(command.into()).or_default().add(object);
    }

    /// All of them; a list in which nothing was ever seen is an error.
    pub fn text(&self) -> String {
        for (command, shape) in &self.0 {
            assert_eq!(shape.unseen(), [""; 0], "lists of `{command}`");
        }
        let objects =
            self.0.iter().flat_map(|(command, shape)| [command.clone() + "\n", shape.text()]);
        objects.collect()
    }

    /// Calls the stand-alone binary, which must end so and print an object.
    async fn call(&mut self, db: &Database, command: &str, arguments: &[&str], status: i32) {
        let answer = pgflow(db, &[&[command], arguments, &["--json"]].concat()).await;
        assert_eq!(answer.status, status, "{command} {arguments:?}: {}{}", answer.out, answer.err);
        self.add(command, &answer.json());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_what_is_started_drawn_and_dumped_keep_their_members_and_types() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["holding", "survey"]).spawn().await.unwrap();
    let mut objects = Objects::default();
    for (arguments, status) in [
        (&["survey", "\"four\"", "--key", "four"][..], 0),
        (&["holding", r#"{"name": "shape", "amount": 7}"#, "--wait"], 0),
        (&["survey", "\"bad\"", "--wait"], 5),
    ] {
        gate("shape").notify_one();
        objects.call(&db, "start", arguments, status).await;
    }
    // run 1 waits for its signal; a child, and what a step said, as a workflow with both would leave them
    db.until("select count(*) from pgflow.tasks where run_id = 1 and node = 'signal:approve'", 1)
        .await;
    flow.pause(pgflow::RunId(1), "ann").await.unwrap();
    let more = "insert into pgflow.run (workflow_id, state, ended_at, input, output, parent_run, parent_lane, parent_elem) \
          values (1, 1, pgflow.clock(), 'null', 'null', 1, 1, 0); \
        insert into pgflow.log (run_id, node, elem, attempt, epoch, said, lines, at) values (1, 1, 0, 1, 1, 2, E'0.1 INFO a\\n0.2 WARN b', pgflow.clock()); \
        insert into pgflow.signal (run_id, name, payload, actor) values (1, 'other', '1', 'ann')";
    sqlx::raw_sql(more).execute(&mut db.sql().await).await.unwrap();
    for what in ["survey", "1", "3"] {
        objects.call(&db, "graph", &[what], 0).await;
    }
    for run in ["1", "3"] {
        objects.call(&db, "dump", &[run], 0).await;
        objects.call(&db, "trace", &[run], 0).await;
        objects.call(&db, "status", &[run, "--logs"], 0).await;
    }
    worker.drain(PATIENCE).await;
    objects.call(&db, "prune", &["--older-than", "0s", "--yes"], 0).await;
    assert_snapshot!("objects", objects.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_messages_moves_and_metrics_keep_their_members_and_types() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow
        .worker()
        .only(["letter"])
        .trigger(pgflow::Queue::named("letters").starts::<letter>())
        .spawn()
        .await
        .unwrap();
    let mut objects = Objects::default();
    flow.send("letters", &"x").await.unwrap();
    flow.send("letters", &json!({ "no": "name" })).await.unwrap();
    db.until("select count(*) from pgmq.a_letters", 2).await;
    flow.make_queue("taken").await.unwrap();
    flow.send("taken", &"x").await.unwrap();
    let read = "select count(*) from pgmq.read('taken', 600, 1)";
    assert_eq!(db.count(read).await, 1);
    for (queue, id) in [("letters", "1"), ("letters", "2"), ("taken", "1")] {
        objects.call(&db, "message", &[queue, id], 0).await;
    }

    flow.start::<letter_v1>("begun".into()).await.unwrap();
    db.until("select count(*) from pgflow.attempt", 1).await;
    let hour = Duration::from_secs(3_600);
    flow.start::<letter_v1>("delayed".into()).after(hour).await.unwrap();
    objects.call(&db, "migrate", &["letter", "1", "2", "--dry-run"], 6).await;
    objects.call(&db, "migrate", &["letter", "1", "2", "--yes"], 6).await;
    worker.drain(PATIENCE).await;

    let db = eventful().await;
    objects.call(&db, "metrics", &[], 0).await;
    assert_snapshot!("more_objects", objects.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_an_object_too_and_takes_no_format() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["survey"]).spawn().await.unwrap();
    let run = flow.start::<survey>("four".into()).await.unwrap();
    run.signal("approve", &"Ann", "ann").await.unwrap();
    run.output().await.unwrap();
    let told = pgflow(&db, &["graph", "1", "--json"]).await.json();
    assert_eq!((&told["run"], &told["state"]), (&json!(1), &json!("completed")));
    let of = |id: &str| told["nodes"].as_array().unwrap().iter().find(|n| n["id"] == id).unwrap();
    assert_eq!((&of("parse_page")["kind"], &of("parse_page")["done"]), (&json!("map"), &json!(4)));
    assert_eq!(
        (&of("if:announce")["arm"], &of("announce")["state"]),
        (&json!("else"), &json!("skipped"))
    );
    let edges = told["edges"].as_array().unwrap();
    let edge = |from: &str, to: &str| edges.iter().find(|e| e["from"] == from && e["to"] == to);
    assert_eq!(edge("fetch", "parse_page").unwrap()["faint"], false);
    let arm = edge("if:announce", "announce").unwrap();
    assert_eq!((&arm["arm"], &arm["faint"]), (&json!("then"), &json!(true)));
    let both = pgflow(&db, &["graph", "1", "--json", "--format", "svg"]).await;
    assert_eq!(both.status, 2, "{}", both.err);
    worker.drain(PATIENCE).await;
}
