//! A program that has the command line.

use std::{ffi::OsString, fmt, process::ExitCode};

use clap::Parser;
use pgflow_core::{logs::logs, registry::Tuning, worker::WorkerBuilder};
use tracing_subscriber::{Layer, filter::LevelFilter, layer::SubscriberExt};

use crate::{arguments::CommandLine, context::Context, error::tell, exit::Exit};

type Prepare = Box<dyn Fn(WorkerBuilder) -> WorkerBuilder + Send + Sync>;

/// A program that has the command line: what its workers need, and `main`.
pub struct Host {
    prepare: Prepare,
    tuning: Tuning,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("tuning", &self.tuning).finish_non_exhaustive()
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// A program whose steps need nothing of their host.
    pub fn new() -> Self {
        Self { prepare: Box::new(|worker| worker), tuning: Tuning::default() }
    }

    /// What its workers are given: state, limits, names.
    #[must_use]
    pub fn worker(
        mut self,
        prepare: impl Fn(WorkerBuilder) -> WorkerBuilder + Send + Sync + 'static,
    ) -> Self {
        self.prepare = Box::new(prepare);
        self
    }

    /// Limits that an operator sets, over what the code declares.
    #[must_use]
    pub fn tuned(mut self, tuning: Tuning) -> Self {
        self.tuning = tuning;
        self
    }

    /// All that `main` does: reads the arguments of the process, starts threads and a log to standard error, and runs
    /// the command.
    pub fn main(self) -> ExitCode {
        self.main_with(std::env::args_os())
    }

    /// The same with other arguments, the first of which is the name of the program.
    pub fn main_with(self, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
        let line = match CommandLine::try_parse_from(arguments) {
            Ok(line) => line,
            Err(error) => {
                let _ = error.print();
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            }
        };
        log();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        match runtime {
            Ok(runtime) => {
                let exit = runtime.block_on(self.run(line));
                // a step that does not stop must not keep the process
                runtime.shutdown_background();
                exit.into()
            }
            Err(error) => {
                eprintln!("error: the system refuses threads: {error}");
                Exit::Error.into()
            }
        }
    }

    /// Runs a command on the caller's runtime, for a host with a command line of its own, of which [`CommandLine`] is a
    /// subcommand.
    pub async fn run(&self, line: CommandLine) -> Exit {
        let CommandLine { globals, command } = line;
        let ended = match Context::new(self, globals, command.access()) {
            Ok(context) => command.run(&context).await,
            Err(error) => Err(error),
        };
        match ended {
            Ok(exit) => exit,
            Err(error) => {
                tell(&error);
                error.exit()
            }
        }
    }

    pub(crate) fn prepare(&self, worker: WorkerBuilder) -> WorkerBuilder {
        (self.prepare)(worker)
    }

    pub(crate) fn tuning(&self) -> &Tuning {
        &self.tuning
    }
}

/// Warnings and errors, or what `RUST_LOG` names (a level), to standard error, and the lines of steps to those who ask for
/// them; a host that has a subscriber keeps it. [`Host::main`] does so by itself.
pub fn log() {
    let level = std::env::var("RUST_LOG").ok().and_then(|level| level.parse().ok());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_filter(level.unwrap_or(LevelFilter::WARN));
    let subscriber = tracing_subscriber::registry().with(lines).with(logs());
    let _ = tracing::subscriber::set_global_default(subscriber);
}
