//! The flag set and cleared again under load, in real processes that are told to stop or killed. What is counted is what was
//! executed, by a file that each validation of a message writes a line to, beside what was acknowledged.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Weak};

use pgflow::Flow;
use serde_json::json;
use tokio::sync::Mutex;

use crate::process::{ENABLED, Service, done, work};
use crate::support::{Database, Scratch, archlearn, write_corpus};

const QUEUE: &str = "architecture_learning_tasks";
const WAITING: &str = "select count(*) from pgmq.q_architecture_learning_tasks";
const LIVE: &str = "select count(*) from pgflow.run where state = 0";
const FAILED: &str = "select count(*) from pgflow.run where state = 2";
const RUNS: &str = "select count(*) from pgflow.run";

/// A corpus that has been learnt, and what scoring its candidate says; for all tests that run beside one another, as
/// training takes its seconds.
static LEARNT: Mutex<Weak<Scratch>> = Mutex::const_new(Weak::new());

async fn learnt_once() -> Arc<Scratch> {
    let mut learnt = LEARNT.lock().await;
    if let Some(known) = learnt.upgrade() {
        return known;
    }
    let (scratch, database) = (Scratch::new("learnt"), Database::new("learnt").await);
    write_corpus(&scratch.path("corpus"));
    let mut learn = archlearn(&scratch, &["learn", "--device", "cpu"]);
    learn.arg(scratch.path("corpus")).env("DATABASE_URL", database.url());
    let told = learn.output().expect("starts");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let candidates = fs::read_dir(scratch.path("data/candidates")).expect("candidates");
    let names = candidates.map(|entry| entry.expect("an entry").file_name());
    let ids: Vec<_> =
        names.filter_map(|name| Some(name.to_str()?.strip_suffix(".json")?.to_owned())).collect();
    let [id] = &ids[..] else { panic!("{ids:?}") };
    // the same every time, so it need not be scored every time
    let report = archlearn(&scratch, &["validate-artifact", id]).output().expect("starts");
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
    fs::write(scratch.path("report"), report.stdout).expect("a file");
    database.drop().await;
    let scratch = Arc::new(scratch);
    *learnt = Arc::downgrade(&scratch);
    scratch
}

/// A queue, what is known to the service behind it, and a validator that counts.
struct Learnt {
    scratch: Scratch,
    known: Option<Arc<Scratch>>,
    database: Database,
    flow: Flow,
    sent: BTreeSet<i64>,
}

impl Learnt {
    async fn new(name: &str) -> Self {
        let learnt = learnt_once().await;
        let new = Self { known: Some(learnt.clone()), ..Self::nothing(name).await };
        let (from, to) = (learnt.path("data"), new.scratch.path("data"));
        let copied = Command::new("cp").arg("-r").args([from, to]).status().expect("starts");
        assert!(copied.success());
        new.validator("");
        new
    }

    /// As long as nothing has been learnt.
    async fn nothing(name: &str) -> Self {
        let (scratch, database) = (Scratch::new(name), Database::new(name).await);
        let flow = pgflow::connect(&database.url()).await.expect("a flow");
        flow.make_queue(QUEUE).await.expect("a queue");
        Self { scratch, known: None, database, flow, sent: BTreeSet::new() }
    }

    /// What messages are about.
    fn corpus(&self) -> PathBuf {
        self.known.as_ref().map_or_else(|| self.scratch.path("corpus"), |l| l.path("corpus"))
    }

    /// The program that validates: it writes down who called it, and does `more` before it answers.
    fn validator(&self, more: &str) -> PathBuf {
        let path = self.scratch.path("validator");
        let calls = self.scratch.path("calls");
        let report = self.known.as_ref().expect("learnt").path("report");
        let text = format!(
            "#!/bin/sh\necho \"$PPID\" >> {}\n{more}\nexec cat {}\n",
            calls.display(),
            report.display()
        );
        // written beside and moved, as a program that is being written cannot be called
        let beside = self.scratch.path("validator.new");
        let mut file = fs::File::create(&beside).expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file.set_permissions(fs::Permissions::from_mode(0o700)).expect("may run");
        drop(file);
        fs::rename(beside, &path).expect("moved");
        path
    }

    fn work(&self, enabled: &str) -> Command {
        let mut command = work(&self.scratch, &self.database, enabled);
        command.arg("--validator").arg(self.scratch.path("validator"));
        command.env("ARCHITECTURE_WORKFLOW_CONCURRENCY", "4");
        command
    }

    async fn send(&mut self, n: usize) {
        for _ in 0..n {
            let message = json!({ "codebase_path": self.corpus(), "priority": "normal" });
            self.sent.insert(self.flow.send(QUEUE, &message).await.expect("sent"));
        }
    }

    /// How often each process validated, by its id.
    fn calls(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.scratch.path("calls")).unwrap_or_default();
        text.lines().map(|line| line.parse().expect("an id")).collect()
    }

    fn calls_of(&self, service: u32) -> usize {
        self.calls().into_iter().filter(|id| *id == service).count()
    }

    /// Messages that are not in the queue any more.
    async fn deleted(&self) -> usize {
        let waiting = usize::try_from(self.database.count(WAITING).await).expect("a count");
        self.sent.len() - waiting
    }

    async fn until(&self, what: &'static str, expected: i64) {
        while self.database.count(what).await != expected {
            tokio::task::yield_now().await;
        }
    }

    /// Messages that started a run, each of which must have completed.
    async fn runs(&self) -> BTreeSet<i64> {
        let mut started = BTreeSet::new();
        for id in &self.sent {
            let Some(status) = self.flow.message(QUEUE, *id).await.expect("its fate") else {
                continue;
            };
            let completed = matches!(
                &status.fate,
                pgflow::Fate::Started { run: Some((_, pgflow::RunState::Completed)), .. }
            );
            assert!(completed, "message {id}: {status:?}");
            started.insert(*id);
        }
        let runs = self.database.count(RUNS).await;
        assert_eq!(usize::try_from(runs).ok(), Some(started.len()), "one run per message");
        let archived = "select count(*) from pgmq.a_architecture_learning_tasks";
        assert_eq!(self.database.count(archived).await, runs, "legacy mode archived none");
        assert_eq!(self.database.count(WAITING).await, 0, "nothing is left");
        started
    }

    async fn end(self) {
        drop(self.flow);
        self.database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flipping_the_mode_under_load_loses_and_repeats_nothing() {
    let mut learnt = Learnt::new("flip").await;
    let mut acknowledged = Vec::new();
    for enabled in ["false", "true", "", "true"] {
        // before it starts, while it works, and when it is about to stop
        learnt.send(10).await;
        let service = Service::start(learnt.work(enabled));
        learnt.send(10).await;
        while learnt.calls_of(service.id()) < 3 {
            tokio::task::yield_now().await;
        }
        learnt.send(4).await;
        acknowledged.extend(done(&service.stop()));
    }
    // a rollback finishes what is left in the queue, and the runs that were begun
    let last = Service::start(learnt.work("false"));
    learnt.until(WAITING, 0).await;
    learnt.until(LIVE, 0).await;
    acknowledged.extend(done(&last.stop()));

    let started = learnt.runs().await;
    let in_legacy: BTreeSet<i64> = acknowledged.iter().copied().collect();
    assert_eq!(in_legacy.len(), acknowledged.len(), "each was acknowledged once");
    assert!(in_legacy.is_disjoint(&started), "in one mode or the other");
    assert_eq!(in_legacy.len() + started.len(), learnt.sent.len(), "none is lost");
    // each was executed, so a sum that fits leaves none that was executed twice
    assert_eq!(learnt.calls().len(), learnt.sent.len(), "each was executed once");
    assert!(started.len() > 10 && in_legacy.len() > 10, "{started:?} {in_legacy:?}");
    learnt.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flip_by_kill_loses_nothing_and_starts_one_run_per_message() {
    let mut learnt = Learnt::new("killed").await;
    // what a killed process held shows again soon
    let killed = |learnt: &Learnt, enabled: &str| {
        let mut command = learnt.work(enabled);
        command.args(["--hidden", "2"]);
        Service::start(command)
    };
    learnt.send(24).await;
    let legacy = killed(&learnt, "false");
    legacy.says(&["message", "done"]);
    // one that is handled and not acknowledged: that waits for its batch
    let service = legacy.id();
    while learnt.calls_of(service) <= learnt.deleted().await + 1 {
        tokio::task::yield_now().await;
    }
    legacy.signal("-KILL");
    legacy.ended();
    let (handled, deleted) = (learnt.calls_of(service), learnt.deleted().await);

    learnt.send(6).await;
    let pgflow = killed(&learnt, "true");
    while learnt.calls_of(pgflow.id()) < 3 {
        tokio::task::yield_now().await;
    }
    pgflow.signal("-KILL");
    pgflow.ended();
    learnt.send(6).await;
    let last = killed(&learnt, "true");
    learnt.until(WAITING, 0).await;
    learnt.until(LIVE, 0).await;
    last.stop();

    // legacy mode: at least once. What it had handled and not acknowledged was handled again
    let started = learnt.runs().await;
    assert_eq!(started.len() + deleted, learnt.sent.len(), "none is lost");
    let repeated = handled - deleted;
    assert!((1..=10 + 3).contains(&repeated), "at most a batch and what is in hand: {repeated}");
    // pgflow: one run per message, whoever was killed; of a step, the attempts that were cut off come on top
    let attempts = "select count(*) from pgflow.attempts where node = 'model_validation'";
    let lost =
        "select count(*) from pgflow.attempts where node = 'model_validation' and status = 'lost'";
    let attempts = usize::try_from(learnt.database.count(attempts).await).expect("a count");
    let lost = usize::try_from(learnt.database.count(lost).await).expect("a count");
    assert_eq!(attempts, started.len() + lost);
    let executed = learnt.calls().len() - handled;
    assert!((started.len()..=attempts).contains(&executed), "{executed} of {attempts}");
    learnt.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variables_take_effect_on_the_runs_of_messages() {
    let mut learnt = Learnt::nothing("variables").await;
    write_corpus(&learnt.corpus());
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
        let mut command = work(&learnt.scratch, &learnt.database, "true");
        command.envs(set);
        let service = Service::start(command);
        learnt.send(1).await;
        learnt.until(expected, 1).await;
        service.stop();
    }
    let why = fs::read_dir(learnt.scratch.path("data/candidates"));
    assert!(why.is_err(), "nothing was trained");
    learnt.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timeouts_of_steps_and_the_retries_are_what_the_variables_say() {
    let mut learnt = Learnt::new("timeouts").await;
    let serve = |learnt: &Learnt, set: &[(&str, &str)]| {
        let mut command = learnt.work("true");
        command.envs(set.iter().copied());
        Service::start(command)
    };
    learnt.validator("exit 1");
    let waits = "select count(*) from pgflow.tasks where node = 'model_validation' and state = 'delayed' and attempt = 2 \
                 and due_at > clock_timestamp() + interval '40 seconds'";
    let service = serve(&learnt, &[("ARCHITECTURE_WORKFLOW_RETRY_DELAY_MS", "60000")]);
    learnt.send(1).await;
    learnt.until(waits, 1).await;
    service.stop();
    learnt.flow.cancel(pgflow::RunId(1), "a test").await.expect("cancelled");

    let service = serve(&learnt, &[("ARCHITECTURE_WORKFLOW_RETRY_DELAY_MS", "0")]);
    learnt.send(1).await;
    learnt.until(FAILED, 1).await;
    service.stop();
    let gaps = "select count(*) filter (where waited > interval '3 seconds') * 1000 + count(*) from ( \
                  select started_at - lag(ended_at) over (order by attempt) as waited from pgflow.attempts \
                  where run_id = (select max(id) from pgflow.run) and node = 'model_validation') a";
    assert_eq!(
        learnt.database.count(gaps).await,
        4,
        "four attempts, none 3 s after the one before"
    );

    // the other two steps may be done before any timer looks
    let mut failed = 1;
    for (step, name) in [
        ("model_validation", "ARCHITECTURE_MODEL_VALIDATION_TIMEOUT_MS"),
        ("model_training", "ARCHITECTURE_MODEL_TRAINING_TIMEOUT_MS"),
    ] {
        if step == "model_training" {
            // what is trained is known within a millisecond
            fs::remove_dir_all(learnt.scratch.path("data/checkpoints")).expect("removed");
        } else {
            learnt.validator("sleep 60");
        }
        let service = serve(&learnt, &[(name, "20"), ("ARCHITECTURE_WORKFLOW_RETRIES", "0")]);
        learnt.send(1).await;
        failed += 1;
        learnt.until(FAILED, failed).await;
        service.stop();
        let ended = "select string_agg(node || ' ' || status || ' ' || attempt, ', ') from pgflow.attempts \
                     where run_id = (select max(id) from pgflow.run) and status <> 'done'";
        assert_eq!(
            learnt.database.text(ended).await,
            format!("{step} timed_out 1"),
            "{name}: the only step that fails, and no retry"
        );
    }
    learnt.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_runs_are_under_way_at_once_as_the_variable_says() {
    let mut learnt = Learnt::new("at-once").await;
    learnt.validator("sleep 0.3");
    for concurrency in ["1", "3"] {
        let mut command = learnt.work("true");
        command.env("ARCHITECTURE_WORKFLOW_CONCURRENCY", concurrency);
        let (service, before) = (Service::start(command), learnt.database.count(RUNS).await);
        learnt.send(8).await;
        learnt.until(RUNS, before + 8).await;
        learnt.until(LIVE, 0).await;
        service.stop();
        let at_once = "with span as ( \
              select run_id, min(started_at) as began, max(ended_at) as over from pgflow.attempts \
              where run_id in (select id from pgflow.run order by id desc limit 8) group by run_id) \
            select max((select count(*) from span b where b.began <= a.began and a.began < b.over)) from span a";
        let at_once = learnt.database.count(at_once).await;
        assert_eq!(at_once.to_string(), concurrency, "so many at once, and no more");
    }
    learnt.end().await;
}

#[test]
fn a_bad_variable_is_an_error_at_start_and_config_tells_every_value() {
    let scratch = Scratch::new("config");
    for (name, value, allowed) in [
        (ENABLED, "1", "set it to `true` or `false`, or leave it unset"),
        ("ARCHITECTURE_MODEL_TRAINING_TIMEOUT_MS", "3m", "set it to a whole number from 1 to"),
        ("ARCHITECTURE_RATE_LIMIT", "0", "set it to a whole number from 1 to 1000000"),
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
        .env("ARCHITECTURE_RATE_LIMIT", "20")
        .output()
        .expect("starts");
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(told.as_array().map(Vec::len), Some(12));
    for (row, name, value) in
        [(4, "ARCHITECTURE_WORKFLOW_CONCURRENCY", "4"), (10, "ARCHITECTURE_RATE_LIMIT", "20")]
    {
        assert_eq!(told[row], json!({ "name": name, "value": value, "source": "environment" }));
    }
}

/// The rate limit as the process keeps it: two messages in an hour, from the variable or the flag.
#[tokio::test(flavor = "multi_thread")]
async fn the_rate_limit_holds_in_a_process() {
    let mut learnt = Learnt::nothing("rate").await;
    // about a directory that is not there
    learnt.send(6).await;
    let read = "select count(*) from pgmq.q_architecture_learning_tasks where read_ct > 0";
    let by_variable = |command: &mut Command| {
        command.env("ARCHITECTURE_RATE_LIMIT", "2");
        command.env("ARCHITECTURE_RATE_INTERVAL_MS", "3600000");
    };
    let by_flag = |command: &mut Command| {
        command.args(["--rate-limit", "2", "--rate-interval-ms", "3600000"]);
    };
    for (set, expected) in [(&by_variable as &dyn Fn(&mut Command), 2), (&by_flag as _, 4)] {
        let mut command = work(&learnt.scratch, &learnt.database, "false");
        set(&mut command);
        let service = Service::start(command);
        for _ in 0..2 {
            service.says(&["message", "failed: "]);
        }
        // the producer polls an empty allowance meanwhile
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        service.stop();
        assert_eq!(learnt.database.count(read).await, expected);
    }
    learnt.end().await;
}
