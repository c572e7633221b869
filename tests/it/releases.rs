//! A deploy: two programs, each with its own version of one workflow, side by side and then the new one alone.

use std::{
    collections::BTreeMap,
    env,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use pgflow::{Flow, RunId, RunState};
use serde_json::{Value, json};

use crate::{
    process::Process,
    support::{Database, history},
};

/// A program of `tests/releases`, at a database.
struct Release {
    program: PathBuf,
    database: String,
}

/// Both, the old one first; built here, as a filtered `cargo test` does not build them.
async fn releases(db: &Database) -> [Release; 2] {
    let names = ["release_old", "release_new"];
    let test = env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap().to_path_buf();
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--locked", "--package", "pgflow", "--target-dir"]);
    cargo.arg(&target).current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(names.iter().flat_map(|name| ["--example", name]));
    assert!(output(cargo).await.status.success());
    names.map(|name| Release {
        program: target.join("debug/examples").join(name),
        database: db.url(),
    })
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

impl Release {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).args(["--database", &self.database, "--actor", "a test"]);
        // whatever contexts the one who tests has
        command.env("XDG_CONFIG_HOME", "/dev/null");
        command
    }

    fn serve(&self, name: &str, workflows: &[&str]) -> Process {
        let mut command = self.command(&["worker", "--name", name]);
        command.args(workflows.iter().flat_map(|workflow| ["--only", workflow]));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Process::spawn(command)
    }

    /// What a command prints, and how it ends.
    async fn says(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let mut command = self.command(arguments);
        command.arg("--json");
        let Output { status, stdout, stderr } = output(command).await;
        let said = serde_json::from_slice(&stdout);
        let said = said.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&stderr)));
        (said, status.code())
    }

    async fn start(&self, workflow: &str, n: u32) -> RunId {
        let (said, _) = self.says(&["start", workflow, &n.to_string()]).await;
        RunId(said["run"].as_i64().unwrap())
    }
}

async fn address(flow: &Flow, run: RunId) {
    flow.signal(run, "address", &"to Ann", "a test").await.unwrap();
}

/// Waits for a run to end; answers its version and output.
async fn ended(flow: &Flow, run: RunId) -> (u32, Value) {
    let ending = flow.ending(run).await.unwrap();
    let pgflow::Ending::Completed(output) = ending else { panic!("{ending:?}") };
    (flow.status(run).await.unwrap().unwrap().version, output.decode().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_finishes_or_moves_what_the_old_program_began_and_starts_what_is_new() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let [old, new] = releases(&db).await;
    let yesterday = old.serve("old", &["shipment"]);
    db.until("select count(*) from pgflow.workflow", 1).await;
    let mut begun = Vec::new();
    for n in 0..6 {
        begun.push(old.start("shipment", n).await);
    }
    db.until("select count(*) from pgflow.attempt where status = 1", 6).await;

    // side by side
    let today = new.serve("new", &["shipment"]);
    db.until("select count(*) from pgflow.worker", 2).await;
    let servers = workers(&db).await;
    let started = [new.start("shipment", 10).await, old.start("shipment", 11).await];
    for run in begun[..4].iter().chain(&started) {
        address(&flow, *run).await;
    }
    for (n, run) in begun[..4].iter().enumerate() {
        assert_eq!(ended(&flow, *run).await, (1, json!(format!("{n} to Ann"))));
    }
    for (n, run) in started.into_iter().enumerate() {
        let expected = json!(format!("{} to Ann, dispatched", n + 10));
        assert_eq!(ended(&flow, run).await, (2, expected));
    }
    yesterday.signal("TERM");
    assert!(yesterday.ended().await.success());

    // the new one alone
    let [waiting, ready] = [begun[4], begun[5]];
    address(&flow, ready).await;
    let status = flow.status(waiting).await.unwrap().unwrap();
    let expected = "no live worker serves `shipment` version 1; start one whose binary links it";
    assert_eq!((status.state, status.unserved.as_deref()), (RunState::Live, Some(expected)));
    let (why, _) = new.says(&["why", &ready.to_string()]).await;
    let reason = &why["reasons"][0];
    assert_eq!(reason["code"], "unserved");
    assert_eq!(reason["detail"]["alive"], json!({ "new": "`shipment@2`" }));

    let (check, status) = new.says(&["check"]).await;
    let version = &check["versions"][0];
    assert_eq!((&version["workflow"], &version["version"]), (&json!("shipment"), &json!(1)));
    let prospect = &version["prospects"][0];
    assert_eq!((&prospect["verdict"], &prospect["to"]), (&json!("movable"), &json!(2)));
    assert_eq!(prospect["examples"], json!([waiting.0, ready.0]));
    assert_eq!((check["versions"].as_array().unwrap().len(), status), (1, Some(0)));

    let (moved, status) = new.says(&["migrate", "shipment", "1", "2", "--yes"]).await;
    assert_eq!((moved, status), (json!({ "moved": 2, "busy": 0, "refused": [] }), Some(0)));
    address(&flow, waiting).await;
    for (n, run) in [(4, waiting), (5, ready)] {
        assert_eq!(ended(&flow, run).await, (2, json!(format!("{n} to Ann, dispatched"))));
        let status = flow.status(run).await.unwrap().unwrap();
        assert_eq!(
            history(&status),
            ["pick#1 done", "signal:address#1 done", "label#1 done", "dispatch#1 done"]
        );
        assert_eq!(status.unserved, None);
    }
    today.signal("TERM");
    assert!(today.ended().await.success());
    for (worker, step, times) in
        [("old", "pick", 6), ("old", "label", 4), ("old", "dispatch", 0), ("new", "dispatch", 4)]
    {
        assert_eq!(attempts(&db, servers[worker], step).await, times, "{worker} ran {step}");
    }
    db.check_invariants().await;
}

/// The workers that are registered, by name.
async fn workers(db: &Database) -> BTreeMap<String, i32> {
    let alive = sqlx::query_as("select name, id from pgflow.worker");
    alive.fetch_all(&mut db.sql().await).await.unwrap().into_iter().collect()
}

/// How often a worker ran a step.
async fn attempts(db: &Database, worker: i32, step: &str) -> i64 {
    let by = "select count(*) from pgflow.attempt a join pgflow.node n on n.number = a.node \
              where a.worker_id = $1 and n.id = $2";
    let counted = sqlx::query_scalar(by).bind(worker).bind(step);
    counted.fetch_one(&mut db.sql().await).await.unwrap()
}

/// Workflows of a map each, whose limits are others in the new program: none, more, fewer, one where there was none.
const MAPS: [&str; 4] = ["unbound", "widen", "narrow", "bind"];

#[tokio::test(flavor = "multi_thread")]
async fn elements_that_wait_go_on_where_a_deploy_takes_or_changes_the_limit_of_their_map() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let [old, new] = releases(&db).await;
    let yesterday = old.serve("old", &MAPS);
    db.until("select count(*) from pgflow.workflow", 4).await;
    let mut runs = Vec::new();
    for workflow in MAPS {
        runs.push(old.start(workflow, 5).await);
    }
    db.until("select count(*) from pgflow.task where worker_id is not null", 1 + 1 + 3 + 5).await;
    let waiting = "select count(*) from pgflow.task where elem > 0 and arrived < need";
    assert_eq!(db.count(waiting).await, 4 + 4 + 2);
    yesterday.kill();
    db.expire("old").await;
    let today = new.serve("new", &MAPS);
    for (workflow, run) in MAPS.iter().zip(runs) {
        assert_eq!(ended(&flow, run).await, (1, json!([0, 1, 2, 3, 4])), "{workflow}");
    }
    today.signal("TERM");
    assert!(today.ended().await.success());
    db.check_invariants().await;
}
