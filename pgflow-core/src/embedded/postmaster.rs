//! The server's own note of its process, which outlives a crash and a reboot.

use std::{fs, path::Path, process::Command};

use super::{error::EmbeddedError, layout::Layout};

/// Whose process the note names.
#[derive(Debug, PartialEq, Eq)]
enum Noted {
    /// No note, or no such process. Postgres itself handles the note of a dead one.
    Nobody,
    Server,
    /// The number was given to another process since; Postgres would refuse to start, and `pg_ctl stop` would
    /// signal a stranger.
    Stranger,
}

/// Whether the process of this server lives. Removes a note that names a stranger.
pub(super) fn lives(layout: &Layout) -> Result<bool, EmbeddedError> {
    let file = layout.pid_file();
    let note = fs::read_to_string(&file).unwrap_or_default();
    match noted(&note, &layout.data(), command_line) {
        Noted::Nobody => Ok(false),
        Noted::Server => Ok(true),
        Noted::Stranger => {
            fs::remove_file(&file).map_err(EmbeddedError::file("remove", file)).map(|()| false)
        }
    }
}

fn noted(note: &str, data: &Path, command_line: impl Fn(u32) -> Option<String>) -> Noted {
    let pid = note.lines().next().and_then(|line| line.trim().parse().ok());
    match pid.and_then(command_line) {
        None => Noted::Nobody,
        Some(line) if line.contains(&*data.to_string_lossy()) => Noted::Server,
        Some(_) => Noted::Stranger,
    }
}

/// What a living process was started as.
fn command_line(pid: u32) -> Option<String> {
    if Path::new("/proc/self/cmdline").exists() {
        return fs::read(format!("/proc/{pid}/cmdline"))
            .ok()
            .map(|line| String::from_utf8_lossy(&line).into_owned());
    }
    let output =
        Command::new("ps").args(["-ww", "-o", "command=", "-p"]).arg(pid.to_string()).output();
    let line = String::from_utf8_lossy(&output.ok()?.stdout).into_owned();
    (!line.trim().is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_counts_only_while_its_process_serves_this_directory() {
        let data = Path::new("/data/15");
        let check = |note: &str, line: Option<&str>, expected| {
            assert_eq!(noted(note, data, |_| line.map(String::from)), expected);
        };
        check("", Some("postgres\0-D\0/data/15"), Noted::Nobody);
        check("42\n/data/15\n", None, Noted::Nobody);
        check("42\n/data/15\n", Some("postgres\0-D\0/data/15\0-c"), Noted::Server);
        check("42\n/data/15\n", Some("sshd: ada"), Noted::Stranger);
    }

    #[test]
    fn the_command_line_of_a_process_is_seen() {
        assert!(command_line(std::process::id()).is_some_and(|line| line.contains("pgflow")));
    }
}
