//! Processes whose clocks are hours apart (libfaketime), and a database that knows the time.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use pgflow::{StepContext, step, workflow};

use crate::{
    process::{Process, command},
    support::{Database, missing, survived},
};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("once")]
    Once,
    #[error(transparent)]
    Step(#[from] pgflow::Failure),
}

/// What the clock of the process says, and who it is.
#[step(retry_delay = "50ms", timeout = "20s")]
async fn skewed_look(n: u64) -> Result<(u32, u64), Error> {
    if n.is_multiple_of(3) && StepContext::current().attempt() == 1 {
        return Err(Error::Once);
    }
    Ok((std::process::id(), unix()))
}

#[step(rate_limit = "20/s")]
async fn skewed_rated(seen: Vec<(u32, u64)>) -> Result<Vec<(u32, u64)>, Error> {
    Ok(seen)
}

#[workflow(timeout = "60s")]
async fn skewed(n: u64) -> Result<Vec<(u32, u64)>, Error> {
    let seen = pgflow::map((0..n).collect::<Vec<_>>(), skewed_look).await?;
    skewed_rated(seen).await
}

fn unix() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn library() -> Option<PathBuf> {
    let architectures = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut places = architectures.map(|entry| entry.path().join("faketime/libfaketime.so.1"));
    places.find(|place| place.exists())
}

fn worker(db: &Database, library: &Path, offset: &str) -> Process {
    let mut command = command(db, &db.url(), &["skewed"]);
    command.env("LD_PRELOAD", library).env("FAKETIME", offset);
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_NO_CACHE", "1");
    Process::spawn(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_hours_apart_change_nothing() {
    let Some(library) = library() else { return missing("libfaketime") };
    let db = Database::new().await;
    let flow = db.flow().await;
    let workers = [worker(&db, &library, "+7h"), worker(&db, &library, "-9h")];
    db.until("select count(*) from pgflow.worker where lease_until > pgflow.clock()", 2).await;
    let later = flow.start::<skewed>(1).after(Duration::from_secs(1)).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let run = flow.start::<skewed>(12).await.unwrap();
        seen.extend(run.output().await.unwrap());
    }
    seen.extend(later.output().await.unwrap());
    // the clocks were what they should be, and both processes worked
    let now = unix();
    let ahead = seen.iter().filter(|(_, at)| *at > now + 6 * 3600).count();
    let behind = seen.iter().filter(|(_, at)| *at + 8 * 3600 < now).count();
    assert!(ahead > 0 && behind > 0 && ahead + behind == seen.len(), "{seen:?}");
    let delayed = "select count(*) from pgflow.attempt a join pgflow.run r on r.id = a.run_id \
                   where r.id = (select min(id) from pgflow.run) and a.started_at < r.created_at + interval '1 second'";
    assert_eq!(db.count(delayed).await, 0, "began before its delay was over");
    for (what, query) in [
        ("lost", "select count(*) from pgflow.attempt where status = 4"),
        ("timed out", "select count(*) from pgflow.attempt where status not in (1, 2)"),
        (
            "stamps that are not the database's",
            "select count(*) from pgflow.attempt where ended_at > pgflow.clock() or ready_at < pgflow.clock() - interval '1 hour'",
        ),
        (
            "leases that are not",
            "select count(*) from pgflow.worker where abs(extract(epoch from lease_until - pgflow.clock())) > 11",
        ),
        ("runs that ended badly", "select count(*) from pgflow.run where state <> 1"),
    ] {
        assert_eq!(db.count(query).await, 0, "{what}");
    }
    for worker in workers {
        worker.signal("TERM");
        assert!(worker.ended().await.success());
    }
    db.check_invariants().await;
    survived("clocks 16 hours apart", 6);
}
