//! Workers in processes of their own, which can be killed, stopped and given another clock: this binary runs itself again.

use std::{
    env, fs,
    process::{Child, Command, ExitStatus, Stdio},
};

use tokio::signal::unix::{SignalKind, signal};

use crate::{counted::counters, support::Database};

const URL: &str = "PGFLOW_TEST_PROCESS_URL";
const COUNTING: &str = "PGFLOW_TEST_PROCESS_COUNTING";
/// How many; two unless said otherwise.
pub const SLOTS: &str = "PGFLOW_TEST_PROCESS_SLOTS";
const WORKFLOWS: &str = "PGFLOW_TEST_PROCESS_WORKFLOWS";

/// A worker; killed when dropped.
pub struct Process(Child);

/// A worker to be. `url` is where it thinks that the database is.
pub fn command(db: &Database, url: &str, workflows: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "process::child_main", "--nocapture"]);
    command.env(URL, url).env(COUNTING, db.url()).env(WORKFLOWS, workflows.join(","));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Not a test by itself: the worker, which drains when it is told to terminate.
#[tokio::test(flavor = "multi_thread")]
async fn child_main() {
    let Ok(url) = env::var(URL) else { return };
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let terminated = async { _ = terminate.recv().await };
    let workflows = env::var(WORKFLOWS).unwrap();
    let worker = async {
        let pool = counters(&env::var(COUNTING).unwrap()).await;
        let flow = pgflow::connect(&url).await.unwrap();
        let slots = env::var(SLOTS).map_or(2, |slots| slots.parse().unwrap());
        let worker = flow.worker().name(worker_name(std::process::id())).slots(slots).state(pool);
        worker.only(workflows.split(',')).spawn().await.unwrap()
    };
    tokio::pin!(terminated);
    tokio::select! {
        () = &mut terminated => {}
        worker = worker => worker.shutdown_on(terminated).await,
    }
}

fn worker_name(process: u32) -> String {
    format!("process {process}")
}

impl Process {
    pub fn spawn(mut command: Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// The name of the worker.
    pub fn worker(&self) -> String {
        worker_name(self.0.id())
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").arg(format!("-{name}")).arg(self.0.id().to_string()).status();
        assert!(sent.unwrap().success(), "{name}");
    }

    /// Waits until SIGSTOP has reached all of it.
    pub async fn stopped(&self, db: &Database) {
        loop {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
            if stat.rsplit(')').next().unwrap().trim_start().starts_with('T') {
                return;
            }
            db.count("select 1::bigint from pg_sleep(0.005)").await;
        }
    }

    /// Waits until it has ended by itself.
    pub async fn ended(mut self) -> ExitStatus {
        tokio::task::spawn_blocking(move || self.0.wait()).await.unwrap().unwrap()
    }

    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
