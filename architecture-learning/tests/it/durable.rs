//! `learn` as a user runs it, on a database of its own: killed in the middle, started again, and once more.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Database, Scratch, write_corpus};

/// How often to look for a file that another process writes.
const LOOK: Duration = Duration::from_millis(10);

fn learn(scratch: &Scratch, database: &Database) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_archlearn"));
    command
        .args(["learn", "--json", "--device", "cpu"])
        .arg(scratch.path("corpus"))
        .env("ARCHLEARN_DATA_DIR", scratch.path("data"))
        .env("DATABASE_URL", database.url());
    command
}

fn told(output: &Output) -> (Value, String) {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    (serde_json::from_slice(&output.stdout).expect("one JSON object"), stderr)
}

/// The child's lines of progress, as they come.
fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    std::thread::spawn(move || {
        stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

/// The directories `<below>/*/*/<name>`.
fn checkpoints(below: &Path, name: &str) -> usize {
    let inside = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
        entries.map(|e| e.path()).collect::<Vec<_>>()
    };
    let fits = inside(below).into_iter().flat_map(|dataset| inside(&dataset));
    fits.filter(|fit| fit.join(name).is_dir()).count()
}

fn step<'j>(json: &'j Value, name: &str) -> &'j Value {
    let steps = json["run"]["steps"].as_array().expect("steps");
    steps.iter().find(|s| s["name"] == name).expect("the step")
}

/// What scripts may rely on.
fn check_keys(json: &Value) {
    assert_eq!(json["run"]["id"], 1);
    assert_eq!(json["run"]["state"], "completed");
    assert_eq!(json["run"]["steps"].as_array().map(Vec::len), Some(5));
    assert_eq!(json["corpus"]["codebases"], 19);
    assert_eq!(json["device"]["kind"], "cpu");
    assert!(json["metrics"]["ours"]["macro_f1"]["value"].is_f64(), "{json:#}");
    assert!(json["metrics"]["baselines"]["majority"].is_object(), "{json:#}");
    assert!(json["decision"]["promoted"].is_boolean(), "{json:#}");
    let artifact = Path::new(json["artifact"]["path"].as_str().expect("a path"));
    assert!(artifact.ends_with(json["artifact"]["hash"].as_str().expect("a hash")));
    assert!(artifact.join("metrics.json").is_file());
}

/// One test, as each training takes its seconds.
#[tokio::test]
async fn killed_while_it_trains_it_goes_on_and_a_second_run_answers_from_what_is_there() {
    let (scratch, database) = (Scratch::new("durable"), Database::new("durable").await);
    write_corpus(&scratch.path("corpus"));
    let mut command = learn(&scratch, &database);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
    let stderr = lines(&mut child);
    while checkpoints(&scratch.path("data/checkpoints"), "network/epoch-0002") == 0 {
        match stderr.recv_timeout(LOOK) {
            Err(RecvTimeoutError::Disconnected) => panic!("it ended before it was killed"),
            Ok(line) => assert!(!line.contains("model_training"), "{line}"),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
    child.kill().expect("killed");
    child.wait().expect("ended");

    let (first, stderr) = told(&learn(&scratch, &database).output().expect("the program starts"));
    assert!(stderr.starts_with("device: cpu\nrun 1 goes on: 19 codebases"), "{stderr}");
    check_keys(&first);
    assert_eq!(step(&first, "pattern_discovery")["failed_attempts"], 0);
    assert_eq!(step(&first, "model_training")["failed_attempts"], 1);
    let candidates = std::fs::read_dir(scratch.path("data/candidates")).expect("candidates");
    let mut stories = candidates.filter_map(|e| std::fs::read(e.ok()?.path()).ok());
    let story: Value = serde_json::from_slice(&stories.next().expect("a story")).expect("JSON");
    assert!(story["network"]["resumed_after"].as_u64() >= Some(2), "{story:#}");

    let (second, _) = told(&learn(&scratch, &database).output().expect("the program starts"));
    assert_eq!(second["run"]["id"], 2);
    for same in ["metrics", "decision", "artifact", "device", "corpus"] {
        assert_eq!(second[same], first[same], "{same}");
    }
    assert_eq!(database.count("select count(*) from architecture_learning.model").await, 1);
    database.drop().await;
}
