//! `archlearn corpus`: which crates the published numbers come from, and how to have them.

use std::fmt::Write as _;

use architecture_learning::LearningError;
use architecture_learning::corpus::{self, CorpusCrate};
use architecture_learning::observer::Observer;
use indicatif::{ProgressBar, ProgressStyle};

use super::CorpusCommand;

pub(super) fn corpus(command: CorpusCommand) -> Result<(), LearningError> {
    match command {
        CorpusCommand::Fetch => fetch(),
        CorpusCommand::List => {
            super::print(&list());
            Ok(())
        }
    }
}

fn fetch() -> Result<(), LearningError> {
    let mut bar = Bar(ProgressBar::no_length());
    let count = corpus::fetch(&mut bar)?;
    bar.0.finish_and_clear();
    super::print(&format!(
        "{} crates were here, {} fetched; every checksum is right\n",
        count.known, count.fetched
    ));
    Ok(())
}

fn list() -> String {
    corpus::crates().iter().fold(String::new(), |mut text, entry| {
        let CorpusCrate { name, version, owner, kind, .. } = entry;
        let split = format!("{:?}", entry.split()).to_lowercase();
        let _ = writeln!(text, "{name:<32} {version:<16} {owner:<24} {split:<10} {}", kind.name());
        text
    })
}

struct Bar(ProgressBar);

impl Observer for Bar {
    fn progress(&mut self, done: usize, total: usize, note: &str) {
        if done == 0
            && let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")
        {
            self.0.set_style(style);
        }
        self.0.set_length(total as u64);
        self.0.set_position(done as u64);
        self.0.set_message(note.to_owned());
    }

    fn cancelled(&self) -> bool {
        false
    }
}
