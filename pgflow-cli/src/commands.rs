//! The commands, one a file: each fetches what it needs, and says it for people or as JSON.

pub(crate) mod cancel;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod dump;
pub(crate) mod graph;
pub(crate) mod list;
pub(crate) mod message;
pub(crate) mod metrics;
pub(crate) mod migrate;
pub(crate) mod pause;
mod payload;
pub(crate) mod prune;
pub(crate) mod resume;
pub(crate) mod retry;
mod serving;
pub(crate) mod signal;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod trace;
pub(crate) mod wanted;
pub(crate) mod why;
pub(crate) mod worker;

use pgflow_core::store::RunId;
use serde::Serialize;

use crate::output::Output;

/// How many runs, in words.
fn counted(runs: u64) -> String {
    if runs == 1 { "1 run".into() } else { format!("{runs} runs") }
}

/// What became of an action on runs.
#[derive(Serialize)]
struct Acted {
    action: &'static str,
    runs: Vec<Changed>,
}

#[derive(Serialize)]
struct Changed {
    run: i64,
    /// `false`: that had been done before.
    changed: bool,
}

impl Acted {
    fn new(action: &'static str) -> Self {
        Self { action, runs: Vec::new() }
    }

    fn add(&mut self, run: RunId, changed: bool) {
        self.runs.push(Changed { run: run.0, changed });
    }

    /// `done` and `before` are what is said of a run, as in `is paused` and `was paused already`.
    fn tell(&self, output: Output, done: &str, before: &str) {
        output.tell(self, |_| {
            let line =
                |c: &Changed| format!("run {} {}\n", c.run, if c.changed { done } else { before });
            self.runs.iter().map(line).collect()
        });
    }
}
