//! `archlearn work` in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use crate::support::{Database, Scratch, archlearn};

/// The flag of the migration.
pub const ENABLED: &str = "PGFLOW_ARCHITECTURE_LEARNING_ENABLED";

/// A service on a database; killed when dropped.
pub struct Service {
    process: Child,
    said: Receiver<String>,
    lines: Option<JoinHandle<Vec<String>>>,
}

/// `archlearn work` on the CPU, with the flag as given.
pub fn work(scratch: &Scratch, database: &Database, enabled: &str) -> Command {
    let mut command = archlearn(scratch, &["work", "--device", "cpu"]);
    command.env("DATABASE_URL", database.url()).env(ENABLED, enabled);
    command
}

impl Service {
    pub fn start(mut command: Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).spawn().expect("starts");
        let reader = BufReader::new(process.stderr.take().expect("a pipe"));
        let (tell, said) = channel();
        let lines = std::thread::spawn(move || {
            let tell = |line: String| {
                let _ = tell.send(line.clone());
                line
            };
            reader.lines().map_while(Result::ok).map(tell).collect()
        });
        Self { process, said, lines: Some(lines) }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next line that has all of these words.
    pub fn says(&self, words: &[&str]) -> String {
        let mut heard = Vec::new();
        for line in &self.said {
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
            heard.push(line);
        }
        panic!("it ended without {words:?}: {heard:#?}");
    }

    pub fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("sent").success());
    }

    /// How it ended, and all that it said.
    pub fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let ended = self.process.wait().expect("ended");
        let lines = self.lines.take().expect("not asked yet").join().expect("read to the end");
        (ended, lines)
    }

    /// Asks it to stop, and waits until it has; all that it said.
    pub fn stop(self) -> Vec<String> {
        self.signal("-TERM");
        let (ended, lines) = self.ended();
        assert!(ended.success(), "{ended}: {lines:#?}");
        lines
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The messages that legacy mode said it is done with.
pub fn done(lines: &[String]) -> Vec<i64> {
    let id = |line: &String| line.strip_prefix("message ")?.strip_suffix(" done")?.parse().ok();
    lines.iter().filter_map(id).collect()
}
