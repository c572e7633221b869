//! The binary as an operator runs it.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::Database;

/// What a call of the binary came to.
pub struct Answer {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Answer {
    pub fn new(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it printed, which must have gone well.
    pub fn text(self) -> String {
        assert_eq!(self.status, 0, "{}{}", self.out, self.err);
        self.out
    }

    pub fn json(self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }
}

/// A place without a configuration, whatever the one who tests has.
pub const NO_CONTEXTS: &str = "/dev/null";

/// The stand-alone binary, which has no workflows.
pub fn command(db: &Database) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgflow"));
    command.env("DATABASE_URL", db.url()).env("PGFLOW_ACTOR", "ann").stdin(Stdio::null());
    command.env("XDG_CONFIG_HOME", NO_CONTEXTS);
    command
}

/// Runs it, off the threads that run workers.
pub async fn pgflow(db: &Database, arguments: &[&str]) -> Answer {
    let mut command = command(db);
    command.args(arguments);
    answer(command).await
}

/// What a call comes to.
pub async fn answer(mut command: Command) -> Answer {
    tokio::task::spawn_blocking(move || Answer::new(command.output().unwrap())).await.unwrap()
}

/// The same JSON on every day and machine: times and durations are replaced.
pub fn timeless(value: &mut Value) {
    match value {
        Value::String(text) => *text = timeless_text(text),
        Value::Array(values) => values.iter_mut().for_each(timeless),
        Value::Object(members) => members.values_mut().for_each(timeless),
        _ => {}
    }
}

/// A text in which times and durations are replaced.
pub fn timeless_text(text: &str) -> String {
    let units = ["ms", "s", "min", "h", "d"];
    let bare = |word: &str| word.trim_matches(|c| "(),;:".contains(c)).to_owned();
    let lines = text.lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let mut kept: Vec<String> = Vec::new();
        for (i, word) in words.iter().enumerate() {
            let (core, next) = (bare(word), words.get(i + 1).map(|w| bare(w)).unwrap_or_default());
            let number = core.parse::<f64>().is_ok();
            let time =
                core.len() > 7 && core.chars().all(|c| c.is_ascii_digit() || "-:TZ.".contains(c));
            if time {
                kept.push(word.replace(&core, "[time]"));
            } else if number && units.contains(&next.as_str()) {
                kept.push(word.replace(&core, "N"));
            } else if units.contains(&core.as_str())
                && kept.last().is_some_and(|last| last.ends_with('N'))
            {
                kept.push(word.replace(&core, "s"));
            } else {
                kept.push((*word).into());
            }
        }
        // how wide a column is depends on its times
        let line = kept.join(" ").replace("N s N s", "N s");
        let parts = line.split("  ").map(str::trim_start).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("  ")
    });
    lines.collect::<Vec<_>>().join("\n")
}
