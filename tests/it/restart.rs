//! Postgres goes down in the middle of load: immediately, as in a crash, or because its disk is full; and comes back. In
//! processes and servers of their own, because the other tests use the shared one.

use std::{
    convert::Infallible,
    env, fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, id},
    sync::atomic::{AtomicUsize, Ordering},
};

use pgflow::{step, testing, workflow};
use sqlx::{Connection, PgConnection};

use crate::support::{PATIENCE, survived, worker};

const CHILD: &str = "PGFLOW_TEST_RESTART_CHILD";
const RUNS: usize = 3_000;

static DONE: AtomicUsize = AtomicUsize::new(0);

#[step(retries = 0)]
async fn restart_first(n: u32) -> Result<u32, Infallible> {
    Ok(n + 1)
}

#[step(retries = 0)]
async fn restart_second(n: u32) -> Result<u32, Infallible> {
    DONE.fetch_add(1, Ordering::SeqCst);
    Ok(n * 2)
}

#[workflow]
async fn restarted(n: u32) -> Result<u32, Infallible> {
    let n = restart_first(n).await?;
    restart_second(n).await
}

#[test]
fn a_restart_of_postgres_in_the_middle_of_load_loses_nothing() {
    let place = env::temp_dir().join(format!("pgflow-it-{}-restart", id()));
    outlive("restart", &place);
    survived("Postgres stopped at once in the middle of load", RUNS);
}

#[test]
fn a_full_disk_in_the_middle_of_load_loses_nothing() {
    let place = env::temp_dir().join(format!("pgflow-it-{}-full", id()));
    let disk = match SmallDisk::mount(place).or_else(|_| SmallDisk::shared_memory()) {
        Ok(disk) => disk,
        // no package brings the right to mount, so the gate may go without
        Err(why) => return println!("skipped: nothing can be mounted here, and {why}"),
    };
    outlive("full", disk.place());
    drop(disk);
    survived("the disk full", RUNS);
}

#[test]
fn a_server_without_a_free_connection_in_the_middle_of_load_loses_nothing() {
    let place = env::temp_dir().join(format!("pgflow-it-{}-crowd", id()));
    outlive("crowd", &place);
    survived("every connection of the server taken", RUNS);
}

#[test]
fn a_standby_given_by_mistake_is_named_and_what_was_started_before_goes_on_once_it_is_promoted() {
    let place = env::temp_dir().join(format!("pgflow-it-{}-standby", id()));
    outlive("standby", &place);
    survived("a standby by mistake, then promoted", 10);
}

/// Has a child process go through a fault, with a server of its own at `place`.
fn outlive(fault: &str, place: &Path) {
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "restart::child_main", "--nocapture"])
        .env(CHILD, fault)
        .env("PGFLOW_DATA_DIR", place)
        .env("PGFLOW_POSTGRES_OPTIONS", "-c max_connections=30")
        .output()
        .unwrap();
    let _ = fs::remove_dir_all(place);
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}

/// A place on a file system that can be filled.
enum SmallDisk {
    /// A file system of 160 MB, mounted with these words before the command.
    Mounted(PathBuf, &'static [&'static str]),
    /// A folder of the one that the system has for shared memory.
    Folder(PathBuf),
}

impl SmallDisk {
    fn mount(place: PathBuf) -> Result<Self, PathBuf> {
        fs::create_dir_all(&place).unwrap();
        let owner = fs::metadata(&place).unwrap().uid();
        let options = format!("size=160m,mode=755,uid={owner}");
        for through in [&[][..], &["sudo", "--non-interactive"]] {
            let mount = ["mount", "-t", "tmpfs", "-o", &options, "tmpfs"];
            let mut words = through.iter().chain(&mount);
            let mut command = Command::new(words.next().unwrap());
            command.args(words).arg(&place);
            if command.output().is_ok_and(|done| done.status.success()) {
                return Ok(Self::Mounted(place, through));
            }
        }
        fs::remove_dir(&place).unwrap();
        Err(place)
    }

    /// Where it is large enough for a server and small enough to be filled.
    fn shared_memory() -> Result<Self, String> {
        let mut df = Command::new("df");
        df.args(["--block-size=1M", "--output=size,avail", "/dev/shm"]);
        let answer = df.output().map_err(|error| format!("`df` does not run: {error}"))?;
        let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
        let sizes = answer.lines().nth(1).unwrap_or_default().split_whitespace();
        let sizes: Vec<u32> = sizes.filter_map(|size| size.parse().ok()).collect();
        let &[size, free] = &sizes[..] else { return Err("there is no /dev/shm".into()) };
        if size > 1_024 || free < 160 {
            return Err(format!("/dev/shm has {size} MB and {free} of them free"));
        }
        let place = PathBuf::from(format!("/dev/shm/pgflow-it-{}-full", id()));
        fs::create_dir_all(&place).unwrap();
        Ok(Self::Folder(place))
    }

    fn place(&self) -> &Path {
        match self {
            Self::Mounted(place, _) | Self::Folder(place) => place,
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Self::Mounted(place, through) = self {
            // lazily: a server may be about to leave it
            let mut words = through.iter().chain(&["umount", "-l"]);
            let mut command = Command::new(words.next().unwrap());
            let _ = command.args(words).arg(place).status();
        }
        let _ = fs::remove_dir_all(self.place());
    }
}

/// Not a test by itself: what the other tests run as processes of their own.
#[tokio::test(flavor = "multi_thread")]
async fn child_main() {
    let Ok(fault) = env::var(CHILD) else { return };
    let flow = pgflow::embedded().await.unwrap();
    if fault == "standby" {
        return standby(flow).await;
    }
    let worker = worker(&flow, "restarted").await;
    let most = u32::try_from(RUNS).unwrap();
    let mut runs = flow.start_many::<restarted>(0..most).await.unwrap();
    while DONE.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    match fault.as_str() {
        "restart" => crash(&flow).await,
        "crowd" => crowd(&flow).await,
        _ => fill_the_disk(&flow).await,
    }
    let done = DONE.load(Ordering::SeqCst);
    assert!(done < RUNS, "the fault came after all {done} were done");
    // whoever asks for the private server starts it again
    let server = loop {
        if let Ok(server) = testing::server().await {
            break server;
        }
    };
    while runs.len() < RUNS + 10 {
        if let Ok(more) = flow.start_many::<restarted>(most..most + 10).await {
            runs.extend(more);
        }
    }
    for (n, run) in (0..).zip(&runs) {
        assert_eq!(run.output().await.unwrap(), 2 * (n + 1));
    }
    let mut sql = PgConnection::connect_with(&server.options("pgflow")).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from pgflow.task").fetch_one(&mut sql).await.unwrap();
    assert_eq!(left, 0);
    worker.drain(PATIENCE).await;
}

/// The server comes back as a hot standby, which reads and does not write.
async fn standby(flow: pgflow::Flow) {
    let runs = flow.start_many::<restarted>(0..10).await.unwrap();
    let runs: Vec<_> = runs.into_iter().map(|run| run.id()).collect();
    let data = data_directory(&flow).await;
    drop(flow);
    assert!(!Path::new(&data).join("postmaster.pid").exists(), "the last to leave stops it");
    fs::write(Path::new(&data).join("standby.signal"), "").unwrap();

    let server = testing::server().await.unwrap();
    let flow = pgflow::connect(&server.url("pgflow")).await.unwrap();
    let refused = flow.worker().only(["restarted"]).spawn().await.map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("connect to the primary"), "{refused}");
    let refused = flow.start::<restarted>(1).await.map(|run| run.id()).unwrap_err();
    assert!(refused.to_string().contains("connect to the primary"), "{refused}");
    assert!(flow.status(runs[0]).await.unwrap().is_some(), "it can be read");

    let mut sql = PgConnection::connect_with(flow.options()).await.unwrap();
    sqlx::query("select pg_promote()").execute(&mut sql).await.unwrap();
    let worker = worker(&flow, "restarted").await;
    for (n, run) in (0..).zip(runs) {
        assert_eq!(flow.run::<restarted>(run).output().await.unwrap(), 2 * (n + 1));
    }
    worker.drain(PATIENCE).await;
}

async fn data_directory(flow: &pgflow::Flow) -> String {
    let mut sql = PgConnection::connect_with(flow.options()).await.unwrap();
    sqlx::query_scalar("show data_directory").fetch_one(&mut sql).await.unwrap()
}

/// Takes all space until Postgres refuses to write, and gives it back.
async fn fill_the_disk(flow: &pgflow::Flow) {
    let mut sql = PgConnection::connect_with(flow.options()).await.unwrap();
    let filler = PathBuf::from(env::var_os("PGFLOW_DATA_DIR").unwrap()).join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    let zeros = vec![0; 1 << 16];
    while file.write_all(&zeros).is_ok() {}
    let grow = "create table if not exists pgflow.filler as select repeat(md5(g::text), 64) as text from generate_series(1, 100000) g";
    while sqlx::query(grow).execute(&mut sql).await.is_ok() {
        sqlx::query("drop table pgflow.filler").execute(&mut sql).await.unwrap();
    }
    fs::remove_file(filler).unwrap();
}

/// SIGQUIT is Postgres's immediate shutdown: no checkpoint, connections cut.
async fn crash(flow: &pgflow::Flow) {
    let mut sql = PgConnection::connect_with(flow.options()).await.unwrap();
    let directory = data_directory(flow).await;
    let note = fs::read_to_string(format!("{directory}/postmaster.pid")).unwrap();
    let pid = note.lines().next().unwrap();
    assert!(Command::new("kill").args(["-QUIT", pid]).status().unwrap().success());
    while sqlx::query("select 1").execute(&mut sql).await.is_ok() {}
}

/// Takes every connection of the server, those of the engine too, and gives them back.
async fn crowd(flow: &pgflow::Flow) {
    let mut sql = PgConnection::connect_with(flow.options()).await.unwrap();
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like 'pgflow%'";
    let mut taken = Vec::new();
    for _ in 0..5 {
        sqlx::query(cut).execute(&mut sql).await.unwrap();
        while let Ok(connection) = PgConnection::connect_with(flow.options()).await {
            taken.push(connection);
        }
    }
    assert!(taken.len() > 20, "{} connections", taken.len());
}
