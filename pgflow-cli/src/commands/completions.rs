//! `completions`: a script for a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{arguments::CommandLine, exit::Exit, output};

/// Completions for a shell: `pgflow completions bash > /etc/bash_completion.d/pgflow`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Exit {
        let program = program();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut CommandLine::command(), program, &mut script);
        output::print(&String::from_utf8_lossy(&script));
        Exit::Done
    }
}

/// The name under which this program was called.
fn program() -> String {
    let path = std::env::args_os().next().map(std::path::PathBuf::from);
    let name = path
        .as_deref()
        .and_then(|path| path.file_name())
        .map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "pgflow".into())
}
