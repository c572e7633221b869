//! Makes the data directory, starts the server and stops it, by the programs of Postgres.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::{
    account::Account, binaries::Binaries, error::EmbeddedError, layout::Layout, postmaster,
};

const LOG_LINES_SHOWN: usize = 12;
/// Processes of a server that was killed hold its memory until they notice.
const ORPHANS_TRIES: usize = 50;
const ORPHANS_PAUSE: Duration = Duration::from_millis(100);

/// What it takes to start and stop the server of one layout.
#[derive(Debug)]
pub(super) struct Control {
    layout: Layout,
    account: Account,
    binaries: Binaries,
    options: String,
}

impl Control {
    pub(super) fn new(
        layout: &Layout,
        account: &Account,
        binaries: Binaries,
        options: &str,
    ) -> Self {
        Self { layout: layout.clone(), account: *account, binaries, options: options.to_owned() }
    }

    /// Starts the server, with new data where there is none. To be called behind the gate, when nothing answers.
    pub(super) fn start(&self) -> Result<(), EmbeddedError> {
        self.account.private_directory(&self.layout.version())?;
        self.account.private_directory(&self.layout.socket())?;
        if !self.layout.data().exists() {
            self.initialise()?;
        }
        if postmaster::lives(&self.layout)? {
            self.stop()?;
        }
        for _ in 1..ORPHANS_TRIES {
            match self.launch() {
                Err(EmbeddedError::NotStarted { log, .. }) if log.contains("still in use") => {
                    thread::sleep(ORPHANS_PAUSE);
                }
                other => return other,
            }
        }
        self.launch()
    }

    /// Stops the server and disconnects its clients. To be called behind the gate.
    pub(super) fn stop(&self) -> Result<(), EmbeddedError> {
        if !postmaster::lives(&self.layout)? {
            return Ok(());
        }
        let mut command = self.pg_ctl("stop");
        command.args(["-m", "fast", "-t", "60"]);
        match run(&mut command)? {
            Ended { success: true, .. } => Ok(()),
            Ended { output, .. } => {
                Err(EmbeddedError::NotStopped { data: self.layout.data(), output })
            }
        }
    }

    /// Fills a directory beside the final one and moves it there: what was interrupted is never taken for data.
    fn initialise(&self) -> Result<(), EmbeddedError> {
        let unfinished = self.layout.version().join("data.unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(EmbeddedError::file("remove", &unfinished))?;
        }
        let mut command = self.binaries.command("initdb", self.account);
        command.arg("-D").arg(&unfinished);
        command.args(["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        let Ended { success, output } = run(&mut command)?;
        if !success {
            let hint = hint(&output);
            return Err(EmbeddedError::NotInitialised { data: self.layout.data(), hint, output });
        }
        fs::rename(&unfinished, self.layout.data())
            .map_err(EmbeddedError::file("move", &unfinished))
    }

    fn launch(&self) -> Result<(), EmbeddedError> {
        let log = self.layout.log();
        // `pg_ctl` appends: what is in the log after a failure is about this start.
        let _ = fs::rename(&log, log.with_extension("old"));
        let mut command = self.pg_ctl("start");
        command.args(["-t", "120"]).arg("-l").arg(&log).arg("-o").arg(self.server_options());
        let Ended { success, output } = run(&mut command)?;
        if success {
            return Ok(());
        }
        let log = fs::read_to_string(&log).unwrap_or(output);
        let data = self.layout.data();
        Err(EmbeddedError::NotStarted { data, hint: hint(&log), log: last_lines(&log) })
    }

    fn pg_ctl(&self, action: &str) -> Command {
        let mut command = self.binaries.command("pg_ctl", self.account);
        command.args([action, "-w", "-D"]).arg(self.layout.data());
        command
    }

    /// On the command line rather than in a file, so that a newer pgflow brings its settings to old data.
    fn server_options(&self) -> String {
        let socket = socket_list(&self.layout.socket());
        let settings = [
            ("listen_addresses", ""),
            ("unix_socket_directories", &socket),
            ("unix_socket_permissions", "0700"),
            ("port", "5432"),
            ("max_connections", "200"),
            ("shared_buffers", "128MB"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("logging_collector", "off"),
        ];
        let ours = settings.map(|(name, value)| format!("-c {name}={}", shell_quoted(value)));
        format!("{} {}", ours.join(" "), self.options)
    }
}

struct Ended {
    success: bool,
    output: String,
}

fn run(command: &mut Command) -> Result<Ended, EmbeddedError> {
    let program = PathBuf::from(command.get_program());
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| EmbeddedError::Program { program, source })?;
    let text = [output.stdout, output.stderr].concat();
    let output_text = last_lines(&String::from_utf8_lossy(&text));
    Ok(Ended { success: output.status.success(), output: output_text })
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
}

/// What to do about a server that says this.
fn hint(log: &str) -> &'static str {
    let known = [
        ("No space left on device", "free space on the disk"),
        ("could not create shared memory", "raise the shared memory of this machine or container"),
        (
            "could not map anonymous shared memory",
            "free memory, or set `PGFLOW_POSTGRES_OPTIONS=\"-c shared_buffers=16MB\"`",
        ),
        (
            "are incompatible with server",
            "set `PGFLOW_POSTGRES_BIN` to the version that made the data",
        ),
        ("Unix-domain socket path", "set `PGFLOW_DATA_DIR` to a shorter path"),
        ("Address already in use", "end the server that holds the socket"),
        ("/bin/sh:", "set `PGFLOW_DATA_DIR` to a path without quotes, `$` and backslashes"),
        (
            "Permission denied",
            "let the user that runs the server enter its data directory, or set `PGFLOW_DATA_DIR`",
        ),
        ("unrecognized configuration parameter", "mend `PGFLOW_POSTGRES_OPTIONS`"),
    ];
    let found = known.into_iter().find(|(text, _)| log.contains(text));
    found.map_or("its last words follow", |(_, remedy)| remedy)
}

/// One directory as an element of a list: it may hold commas.
fn socket_list(directory: &Path) -> String {
    format!("\"{}\"", directory.to_string_lossy().replace('"', "\"\""))
}

/// `pg_ctl` hands its options to a shell.
fn shell_quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_keep_their_odd_characters_through_shell_and_list() {
        assert_eq!(shell_quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(socket_list(Path::new(r#"/a,b "c""#)), r#""/a,b ""c""""#);
    }

    #[test]
    fn the_log_is_cut_to_its_end_and_read_for_a_remedy() {
        let log = (1..=20).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        assert!(last_lines(&log).starts_with("line 9\n") && last_lines(&log).ends_with("line 20"));
        assert_eq!(
            hint("FATAL: could not write: No space left on device"),
            "free space on the disk"
        );
        assert_eq!(hint("something new"), "its last words follow");
    }
}
