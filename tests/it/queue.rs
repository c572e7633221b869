//! Runs out of messages: every cell of the crash matrix, on PGMQ as this library installs it and on the genuine one.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
};

use pgflow::{Failure, Fate, Flow, Queue, RunState, Trigger, Worker, step, workflow};
use sqlx::{AssertSqlSafe, Executor};

use crate::{
    process::Process,
    support::{Database, PATIENCE, missing, worker_with},
};

const QUEUE: &str = "Parcels";

#[step]
async fn carry(n: u32) -> Result<u32, Failure> {
    Ok(n + 1)
}

#[workflow]
pub async fn carriage(n: u32) -> Result<u32, Failure> {
    carry(n).await
}

fn trigger() -> Trigger {
    Queue::named(QUEUE).starts::<carriage>()
}

async fn serve(flow: &Flow, trigger: Trigger) -> Worker {
    worker_with(flow.worker().trigger(trigger), "carriage").await
}

const URL: &str = "PGFLOW_TEST_QUEUE_URL";
const DIES_AFTER: &str = "PGFLOW_TEST_QUEUE_DIES_AFTER";

/// Not a test by itself: a worker that kills itself after a statement, or lives until it is killed.
#[tokio::test(flavor = "multi_thread")]
async fn child_main() {
    let Ok(url) = env::var(URL) else { return };
    pgflow::testing::on_boundary(|operation| {
        if env::var(DIES_AFTER).is_ok_and(|last| last == operation) {
            let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
            unreachable!("killed");
        }
    });
    let _worker = serve(&pgflow::connect(&url).await.unwrap(), trigger()).await;
    std::future::pending::<()>().await;
}

/// A worker in a process of its own.
fn child(db: &Database, dies_after: Option<&str>) -> Process {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "queue::child_main", "--nocapture"]).env(URL, db.url());
    child.envs(dies_after.map(|operation| (DIES_AFTER, operation)));
    child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    Process::spawn(child)
}

/// Names the SQL of the genuine PGMQ, for a process of these tests whose databases are to have that.
const GENUINE: &str = "PGFLOW_TEST_QUEUE_GENUINE";

async fn database() -> Database {
    let db = Database::new().await;
    if let Some(file) = env::var_os(GENUINE) {
        install_genuine(&db, Path::new(&file)).await;
    }
    db
}

/// A database whose queue has one message, number 1.
async fn sent() -> (Database, Flow) {
    let db = database().await;
    let flow = db.flow().await;
    flow.make_queue(QUEUE).await.unwrap();
    assert_eq!(flow.send(QUEUE, &20_u32).await.unwrap(), 1);
    (db, flow)
}

/// What time does to messages that were read.
async fn show(db: &Database) {
    db.sql().await.execute("update pgmq.q_parcels set vt = clock_timestamp()").await.unwrap();
}

/// The message became one run, which completes, and is nowhere else.
async fn exactly_one_run(db: &Database, flow: &Flow) {
    show(db).await;
    let worker = serve(flow, trigger()).await;
    db.until("select count(*) from pgflow.run where state = 1", 1).await;
    db.until("select count(*) from pgmq.q_parcels", 0).await;
    worker.drain(PATIENCE).await;
    assert_eq!(db.count("select count(*) from pgflow.run").await, 1);
    assert_eq!(db.count("select count(*) from pgmq.a_parcels").await, 1);
    let status = flow.message(QUEUE, 1).await.unwrap().unwrap();
    let Fate::Started { workflow, run: Some((run, state)) } = status.fate else {
        panic!("{status:?}")
    };
    assert_eq!((workflow.as_str(), state), ("carriage", RunState::Completed));
    assert_eq!(flow.run::<carriage>(run).output().await.unwrap(), 21);
    db.check_invariants().await;
}

/// Waits until a statement like this waits for a lock, kills its process, and its backend before that gets the lock.
async fn killed_while_it_waits(db: &Database, child: Process, statement: &'static str) {
    db.until(statement, 1).await;
    child.kill();
    let end = "select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity \
               where datname = current_database() and application_name = 'pgflow trigger'";
    assert_eq!(db.count(end).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_read_commits() {
    let (db, flow) = sent().await;
    let mut sql = db.sql().await;
    // what a trigger asks for before it reads
    sql.execute("select pgmq.enable_notify_insert('Parcels')").await.unwrap();
    sql.execute("begin; lock table pgmq.q_parcels in exclusive mode").await.unwrap();
    let waits = "select count(*) from pg_stat_activity where datname = current_database() \
                 and wait_event_type = 'Lock' and query like '%pgmq.read%'";
    killed_while_it_waits(&db, child(&db, None), waits).await;
    sql.execute("rollback").await.unwrap();
    assert_eq!(db.count("select sum(read_ct) from pgmq.q_parcels").await, 0);
    exactly_one_run(&db, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_read_before_the_run_is_inserted() {
    let (db, flow) = sent().await;
    child(&db, Some("read a queue")).ended().await;
    assert_eq!(db.count("select sum(read_ct) from pgmq.q_parcels").await, 1);
    assert_eq!(db.count("select count(*) from pgflow.run").await, 0);
    let status = flow.message(QUEUE, 1).await.unwrap().unwrap();
    assert!(matches!(status.fate, Fate::Taken(_)) && status.reads == 1, "{status:?}");
    exactly_one_run(&db, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_insert_before_the_archive() {
    let (db, flow) = sent().await;
    let mut sql = db.sql().await;
    sql.execute("begin; lock table pgmq.a_parcels in exclusive mode").await.unwrap();
    let waits = "select count(*) from pg_stat_activity where datname = current_database() \
                 and wait_event_type = 'Lock' and query like '%trigger_1%'";
    killed_while_it_waits(&db, child(&db, None), waits).await;
    sql.execute("rollback").await.unwrap();
    assert_eq!(db.count("select count(*) from pgflow.run").await, 0);
    exactly_one_run(&db, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_commit_before_anyone_hears_of_it() {
    let (db, flow) = sent().await;
    child(&db, Some("start the runs of messages")).ended().await;
    assert_eq!(db.count("select count(*) from pgmq.q_parcels").await, 0);
    assert_eq!(db.count("select count(*) from pgflow.run").await, 1);
    exactly_one_run(&db, &flow).await;
}

/// A trigger that stops between reading a message and starting its run.
struct Held {
    worker: Worker,
    has: Receiver<()>,
    go: Sender<()>,
}

impl Held {
    /// It has read the message.
    async fn reading(flow: &Flow) -> Self {
        let (read, has) = channel();
        let (go, told) = channel();
        let gate = Mutex::new((read, told));
        let trigger = Queue::named(QUEUE).starts_with::<carriage, u32, Failure>(move |n| {
            let gate = gate.lock().unwrap();
            gate.0.send(()).unwrap();
            // closed: go on for ever
            let _ = gate.1.recv();
            Ok(n)
        });
        let held = Self { worker: serve(flow, trigger).await, has, go };
        held.waited().await
    }

    async fn waited(self) -> Self {
        tokio::task::spawn_blocking(move || {
            self.has.recv().unwrap();
            self
        })
        .await
        .unwrap()
    }

    /// It tries to start the run, and no more.
    async fn goes_on(self) {
        drop(self.go);
        self.worker.drain(PATIENCE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_shows_again_while_its_run_is_slow_to_start() {
    let (db, flow) = sent().await;
    let slow = Held::reading(&flow).await;
    exactly_one_run(&db, &flow).await;
    slow.goes_on().await;
    exactly_one_run(&db, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_readers_have_the_same_message() {
    let (db, flow) = sent().await;
    let one = Held::reading(&flow).await;
    show(&db).await;
    let other = Held::reading(&flow).await;
    assert_eq!(db.count("select sum(read_ct) from pgmq.q_parcels").await, 2);
    tokio::join!(one.goes_on(), other.goes_on());
    exactly_one_run(&db, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_dropped_and_made_again_under_its_reader() {
    let (db, flow) = sent().await;
    let stale = Held::reading(&flow).await;
    db.sql().await.execute("select pgmq.drop_queue('Parcels')").await.unwrap();
    flow.make_queue(QUEUE).await.unwrap();
    assert_eq!(flow.send(QUEUE, &20_u32).await.unwrap(), 1, "ids begin again");
    stale.goes_on().await;
    exactly_one_run(&db, &flow).await;
    // and after the first 1 became a run, another 1 becomes another
    db.sql().await.execute("select pgmq.drop_queue('Parcels')").await.unwrap();
    flow.make_queue(QUEUE).await.unwrap();
    assert_eq!(flow.send(QUEUE, &20_u32).await.unwrap(), 1);
    let worker = serve(&flow, trigger()).await;
    db.until("select count(*) from pgflow.run where state = 1", 2).await;
    worker.drain(PATIENCE).await;
    let told = "select count(*) from pgflow.message_2('Parcels', 1) where state = 'started' and run_state = 'completed'";
    assert_eq!(db.count(told).await, 2);
}

/// What the trigger says of a message, which is in the archive and became no run.
async fn refusal(body: serde_json::Value) -> String {
    let db = database().await;
    let flow = db.flow().await;
    let worker = serve(&flow, trigger()).await;
    flow.send(QUEUE, &body).await.unwrap();
    db.until("select count(*) from pgmq.a_parcels", 1).await;
    assert_eq!(db.count("select count(*) from pgmq.q_parcels").await, 0);
    assert_eq!(db.count("select count(*) from pgflow.run").await, 0);
    // the next one is not held up
    flow.send(QUEUE, &1_u32).await.unwrap();
    db.until("select count(*) from pgflow.run where state = 1", 1).await;
    worker.drain(PATIENCE).await;
    match flow.message(QUEUE, 1).await.unwrap().unwrap().fate {
        Fate::Refused(why) => why,
        fate => panic!("{fate:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_json_is_archived_with_the_reason() {
    // the column is jsonb, so what is no JSON arrives as text within JSON
    let why = refusal(serde_json::json!("{\"n\": 20")).await;
    assert!(why.contains("invalid type: string \"{\\\"n\\\": 20\""), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_the_wrong_shape_is_archived_with_the_reason() {
    let why = refusal(serde_json::json!({ "parcel": 20 })).await;
    assert!(why.contains("invalid type: map, expected u32"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_reader_panics_is_archived_with_the_reason() {
    let (db, flow) = sent().await;
    let trigger = Queue::named(QUEUE)
        .starts_with::<carriage, u32, Failure>(|n| if n == 20 { panic!("no") } else { Ok(n) });
    let worker = serve(&flow, trigger).await;
    db.until("select count(*) from pgmq.a_parcels", 1).await;
    worker.drain(PATIENCE).await;
    let fate = flow.message(QUEUE, 1).await.unwrap().unwrap().fate;
    assert_eq!(fate, Fate::Refused("reading it panicked".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_messages_under_two_triggers_and_a_plain_reader_are_each_handled_once() {
    let db = database().await;
    let flow = db.flow().await;
    flow.make_queue(QUEUE).await.unwrap();
    let send = "select count(*) from pgmq.send_batch('Parcels', (select array_agg(to_jsonb(n)) from generate_series(1, 1000) n))";
    assert_eq!(db.count(send).await, 1000);
    let workers = [serve(&flow, trigger()).await, serve(&flow, trigger()).await];
    let mut sql = db.sql().await;
    let mut deleted = 0;
    loop {
        let take =
            "select count(pgmq.delete('Parcels', r.msg_id)) from pgmq.read('Parcels', 30, 7) r";
        match sqlx::query_scalar::<_, i64>(take).fetch_one(&mut sql).await.unwrap() {
            0 => break,
            n => deleted += n,
        }
    }
    db.until("select count(*) from pgmq.q_parcels", 0).await;
    db.until("select count(*) from pgflow.run where state = 0", 0).await;
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    let runs = db.count("select count(distinct (input, id)) from pgflow.run where state = 1").await;
    assert_eq!(runs + deleted, 1000);
    assert_eq!(db.count("select count(distinct input) from pgflow.run").await, runs);
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_start_runs_by_polling_where_no_notification_is_heard() {
    let (db, _) = sent().await;
    let flow = pgflow::connect(&db.url()).pooler(true).await.unwrap();
    exactly_one_run(&db, &flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_message_starts_its_run_when_it_shows_and_a_repeated_run_is_its_fate() {
    let (db, flow) = sent().await;
    db.sql().await.execute("select pgmq.send('Parcels', '5', 1)").await.unwrap();
    let worker = serve(&flow, trigger()).await;
    db.until("select count(*) from pgflow.run where state = 1", 2).await;
    let delayed = "select count(*) from pgflow.message m join pgflow.run r on r.created_at > m.enqueued_at + interval '1 second' \
                   where m.msg_id = 2 and r.input = '5'";
    assert_eq!(db.count(delayed).await, 1);
    let run = pgflow::RunId(db.count("select id from pgflow.run where input = '5'").await);
    let again = flow.retry(run, "somebody").from("carry").await.unwrap();
    let fate = flow.message(QUEUE, 2).await.unwrap().unwrap().fate;
    assert!(matches!(fate, Fate::Started { run: Some((newest, _)), .. } if newest == again));
    flow.run::<carriage>(again).output().await.unwrap();
    worker.drain(PATIENCE).await;
    flow.prune(std::time::Duration::ZERO, "a test").await.unwrap();
    assert_eq!(db.count("select count(*) from pgflow.message").await, 0);
}

/// The crate that carries the SQL of PGMQ (under the licence of Postgres, as PGMQ is), and where in it that is.
const PGMQ: (&str, &str) = ("0.33.7", "src/install/embedded/sql/pgmq.sql");

/// The SQL of PGMQ itself: the file that `PGFLOW_TEST_PGMQ` names, else that of its crate, which the gate fetches.
fn genuine() -> Option<PathBuf> {
    if let Some(file) = env::var_os("PGFLOW_TEST_PGMQ") {
        return Some(file.into());
    }
    let package = format!("pgmq@{}", PGMQ.0);
    let fetch = || {
        // the one command that fetches and unpacks a package without its dependencies; within a workspace it would tell
        // of that one's choice of version
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut info = Command::new(cargo);
        info.args(["info", "--quiet", "--registry", "crates-io", &package]);
        let fetched = info.current_dir(env::temp_dir()).output().unwrap();
        assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    };
    if unpacked().is_none() && env::var_os("PGFLOW_TEST_ALL").is_some() {
        fetch();
    }
    let found = unpacked();
    if found.is_none() {
        missing(&format!("{package}, which `cargo info` fetches,"));
    }
    found
}

fn unpacked() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))?;
    let registries = std::fs::read_dir(home.join("registry/src")).ok()?;
    let file =
        |registry: std::fs::DirEntry| registry.path().join(format!("pgmq-{}", PGMQ.0)).join(PGMQ.1);
    registries.flatten().map(file).find(|file| file.is_file())
}

async fn install_genuine(db: &Database, file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    db.sql().await.execute("create schema pgmq").await.unwrap();
    db.sql().await.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.unwrap();
}

/// The tests above once more, in a process whose databases have the genuine PGMQ.
#[test]
fn every_cell_holds_on_the_genuine_pgmq() {
    let Some(file) = genuine() else { return };
    let cells = [
        "killed_before_the_read_commits",
        "killed_after_the_read_before_the_run_is_inserted",
        "killed_after_the_insert_before_the_archive",
        "killed_after_the_commit_before_anyone_hears_of_it",
        "a_message_shows_again_while_its_run_is_slow_to_start",
        "two_readers_have_the_same_message",
        "a_queue_is_dropped_and_made_again_under_its_reader",
        "a_message_that_is_no_json_is_archived_with_the_reason",
        "a_message_of_the_wrong_shape_is_archived_with_the_reason",
        "a_message_whose_reader_panics_is_archived_with_the_reason",
        "a_thousand_messages_under_two_triggers_and_a_plain_reader_are_each_handled_once",
        "messages_start_runs_by_polling_where_no_notification_is_heard",
        "a_delayed_message_starts_its_run_when_it_shows_and_a_repeated_run_is_its_fate",
    ];
    let mut again = Command::new(env::current_exe().unwrap());
    again.arg("--exact").args(cells.map(|cell| format!("queue::{cell}")));
    let output = again.env(GENUINE, file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(&format!("{} passed; 0 failed", cells.len())), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_genuine_pgmq_is_used_as_it_is() {
    let Some(file) = genuine() else { return };
    let db = Database::new().await;
    install_genuine(&db, &file).await;
    let genuine = "select count(*) from pg_proc where pronamespace = 'pgmq'::regnamespace";
    let before = db.count(genuine).await;
    let flow = db.flow().await;
    let worker = serve(&flow, trigger()).await;
    assert_eq!(db.count(genuine).await, before, "nothing was installed over it");
    assert_eq!(flow.send(QUEUE, &20_u32).await.unwrap(), 1);
    flow.send(QUEUE, &"no number").await.unwrap();
    db.until("select count(*) from pgmq.a_parcels", 2).await;
    worker.drain(PATIENCE).await;
    let fate = flow.message(QUEUE, 2).await.unwrap().unwrap().fate;
    assert!(matches!(fate, Fate::Refused(_)), "{fate:?}");
    db.sql().await.execute("delete from pgmq.a_parcels where msg_id = 2").await.unwrap();
    exactly_one_run(&db, &flow).await;
}

/// The same calls give the same rows on the subset and on the genuine PGMQ.
#[tokio::test(flavor = "multi_thread")]
async fn the_subset_answers_as_the_genuine_pgmq() {
    let Some(file) = genuine() else { return };
    let (ours, theirs) = (Database::new().await, Database::new().await);
    ours.flow().await.make_queue("other").await.unwrap();
    install_genuine(&theirs, &file).await;
    theirs.sql().await.execute("select pgmq.create('other')").await.unwrap();
    let script = [
        "select pgmq.create('Mixed Case')::text",
        "select pgmq.create('Mixed Case')::text",
        "select pgmq.send('Mixed Case', '{\"a\": 1}')::text",
        "select pgmq.send('Mixed Case', '2', 60)::text",
        "select array_agg(s)::text from pgmq.send_batch('Mixed Case', array['3', '4']::jsonb[]) s",
        "select array_agg((msg_id, read_ct, message, vt > clock_timestamp()))::text from pgmq.read('Mixed Case', 30, 2)",
        "select array_agg(msg_id)::text from pgmq.read('Mixed Case', 0, 5)",
        "select array_agg((msg_id, read_ct))::text from pgmq.read('Mixed Case', 30, 5)",
        "select pgmq.archive('Mixed Case', 1)::text",
        "select pgmq.archive('Mixed Case', 1)::text",
        "select array_agg(a)::text from pgmq.archive('Mixed Case', array[3, 99]::bigint[]) a",
        "select pgmq.delete('Mixed Case', 4)::text",
        "select pgmq.delete('Mixed Case', 4)::text",
        "select array_agg(d)::text from pgmq.delete('Mixed Case', array[4, 99]::bigint[]) d",
        "select (queue_name, queue_length, newest_msg_age_sec < 9, oldest_msg_age_sec < 9, total_messages, queue_visible_length)::text from pgmq.metrics('Mixed Case')",
        "select (msg_id, read_ct)::text from pgmq.set_vt('Mixed Case', 2, 0)",
        "select array_agg((msg_id, read_ct))::text from pgmq.read('Mixed Case', 30, 5)",
        "select array_agg((msg_id, read_ct, message) order by msg_id)::text from pgmq.\"a_mixed case\"",
        "select array_agg((queue_name, is_partitioned, is_unlogged) order by queue_name)::text from pgmq.list_queues()",
        "select array_agg((attname, atttypid::regtype) order by attnum)::text from pg_attribute where attrelid = 'pgmq.\"q_mixed case\"'::regclass and attnum > 0",
        "select array_agg((attname, atttypid::regtype) order by attnum)::text from pg_attribute where attrelid = 'pgmq.\"a_mixed case\"'::regclass and attnum > 0",
        "select pgmq.drop_queue('Mixed Case')::text",
    ];
    for call in script {
        let mut answers = Vec::new();
        for db in [&ours, &theirs] {
            let answer: Option<String> =
                sqlx::query_scalar(call).fetch_one(&mut db.sql().await).await.unwrap();
            answers.push(answer);
        }
        assert_eq!(answers[0], answers[1], "{call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_belongs_to_the_trace_that_its_messages_headers_name() {
    let (db, flow) = sent().await;
    for n in 2_u32..=4 {
        flow.send(QUEUE, &n).await.unwrap();
    }
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (message, header) in [(1, parent), (3, "not one"), (4, &*format!("{parent}-more"))] {
        sqlx::query("update pgmq.q_parcels set headers = jsonb_build_object('traceparent', $2) where msg_id = $1")
            .bind(i64::from(message))
            .bind(header)
            .execute(&mut db.sql().await)
            .await
            .unwrap();
    }
    let worker = serve(&flow, trigger()).await;
    db.until("select count(*) from pgflow.runs where state = 'completed'", 4).await;
    for (message, expected) in [(1, Some(parent)), (2, None), (3, None), (4, Some(parent))] {
        let trace: Option<String> = sqlx::query_scalar(
            "select r.trace from pgflow.message_1($1, $2) m join pgflow.run r on r.id = m.run_id",
        )
        .bind(QUEUE)
        .bind(i64::from(message))
        .fetch_one(&mut db.sql().await)
        .await
        .unwrap();
        assert_eq!(trace.as_deref(), expected, "message {message}");
    }
    worker.drain(PATIENCE).await;
}
