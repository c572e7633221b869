//! Where text and JSON go: standard output, with colours only on a terminal.

use std::{
    io::{IsTerminal, Write},
    path::Path,
};

use serde::Serialize;

use crate::error::CliError;

/// How a command tells what it has to say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub json: bool,
    pub paint: Paint,
    pub terminal: bool,
    /// Somebody has confirmed already.
    pub sure: bool,
}

impl Output {
    pub fn new(json: bool) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        Self { json, paint: Paint(terminal && !plain), terminal, sure: false }
    }

    /// Prints the value as JSON where that is wanted, else the text.
    pub fn tell(self, value: &impl Serialize, text: impl FnOnce(Paint) -> String) {
        if self.json {
            let json = serde_json::to_string_pretty(value).unwrap_or_default();
            print(&(json + "\n"));
        } else {
            print(&text(self.paint));
        }
    }

    /// Asks before something is destroyed; without a terminal only `--yes` confirms.
    pub fn confirm(self, yes: bool, what: &str) -> Result<(), CliError> {
        if yes || self.sure {
            return Ok(());
        }
        match self.ask(&format!("{what}; go on? [y/N] ")).as_deref() {
            Some("y" | "Y" | "yes") => Ok(()),
            _ => Err(CliError::Unconfirmed(what.into())),
        }
    }

    /// What somebody at the terminal answers; `None`: nobody is there to be asked.
    pub fn ask(self, question: &str) -> Option<String> {
        if self.json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return None;
        }
        eprint!("{question}");
        let mut answer = String::new();
        let _ = std::io::stdin().read_line(&mut answer);
        Some(answer.trim().into())
    }
}

/// Prints; a reader that has gone, such as `head`, has seen enough.
pub(crate) fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes to a file, or to standard output where there is none.
pub(crate) fn write(path: Option<&Path>, text: &str) -> Result<(), CliError> {
    let Some(path) = path else {
        print(text);
        return Ok(());
    };
    let failed = |source| CliError::Write { path: path.to_owned(), source };
    std::fs::write(path, text).map_err(failed)
}

/// How wide the terminal is; 100 characters where there is none.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| width.0.into())
}

/// How many rows of the terminal a text takes.
pub(crate) fn lines(text: &str) -> usize {
    let (width, _) = size();
    text.lines().map(|line| rows(line, width)).sum()
}

fn rows(line: &str, width: usize) -> usize {
    visible(line).div_ceil(width).max(1)
}

/// Columns and rows.
fn size() -> (usize, usize) {
    terminal_size::terminal_size()
        .map_or((usize::MAX, usize::MAX), |(width, height)| (width.0.into(), height.0.into()))
}

/// As much of a text as the terminal has rows for, above the one where the cursor ends.
pub(crate) fn clipped(text: &str, paint: Paint) -> String {
    let (width, height) = size();
    clipped_to(text, paint, width, height)
}

fn clipped_to(text: &str, paint: Paint, width: usize, height: usize) -> String {
    let total: usize = text.lines().map(|line| rows(line, width)).sum();
    if total < height {
        return text.into();
    }
    let mut free = height.saturating_sub(2);
    let fits = |line: &&str| {
        let left = free.checked_sub(rows(line.trim_end_matches('\n'), width));
        free = left.unwrap_or_default();
        left.is_some()
    };
    let kept: Vec<&str> = text.split_inclusive('\n').take_while(fits).collect();
    let more = text.lines().count() - kept.len();
    kept.concat() + &paint.paint(Tone::Faint, &format!("… {more} more")) + "\n"
}

/// The characters of a line without what paints it.
fn visible(line: &str) -> usize {
    let mut painting = false;
    let shown = line.chars().filter(|c| {
        let hidden = painting || *c == '\x1b';
        painting = hidden && *c != 'm';
        !hidden
    });
    shown.count()
}

/// Paints text for a terminal, or leaves it as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(bool);

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Strong,
    Faint,
    Good,
    Busy,
    Warning,
    Bad,
}

impl Paint {
    /// No colours.
    #[cfg(test)]
    pub const NONE: Self = Self(false);

    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.into(),
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Busy => "36",
            Tone::Warning => "33",
            Tone::Bad => "31",
        };
        if self.0 && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_clipped_to_the_rows_above_the_cursor() {
        let text = "one\ntwo\nthree\nfour\n";
        let clip = |width, height| clipped_to(text, Paint::NONE, width, height);
        assert_eq!(clip(80, 5), text);
        assert_eq!(clip(80, 4), "one\ntwo\n… 2 more\n");
        assert_eq!(clip(80, 2), "… 4 more\n");
        // a long line takes several rows, paint takes none
        assert_eq!(clip(4, 6), text);
        assert_eq!(clip(4, 5), "one\ntwo\n… 2 more\n");
        assert_eq!(rows("\x1b[1mone\x1b[0m", 3), 1);
    }
}
