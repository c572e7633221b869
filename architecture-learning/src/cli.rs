//! The command line: what the commands are and which function answers each.

mod ask;
mod bench;
mod classify;
mod config;
mod corpus;
mod diff;
mod gpu_check;
mod learn;
mod look;
mod model;
mod output;
mod overview;
mod paint;
mod pictures;
mod progress;
mod summary;
mod work;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use architecture_learning::model::DeviceChoice;
use architecture_learning::pipeline::metrics_address;
use architecture_learning::render::RulesFor;
use architecture_learning::training::TrainedModel;
use architecture_learning::{DataDir, LearningError, validation};
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use classify::Format;
use look::Look;
use pictures::Pictures;

/// Explains the architecture of a codebase that nobody described to it; learns from others, in Rust, how.
///
/// Without a command: one screen about the codebase in PATH. A check against a baseline that fails ends with status 2,
/// an error with 1.
#[derive(Parser)]
#[command(name = "archlearn", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    pictures: Pictures,
}

#[derive(Subcommand)]
enum Command {
    /// Tell the role of each file of a codebase, and which dependencies go against its grain.
    Classify(Classify),
    /// Tell why one file, directory or module depends on another.
    Why {
        /// What depends.
        from: String,
        /// What it depends on.
        to: String,
        /// The codebase.
        #[arg(long, default_value = ".")]
        path: PathBuf,
    },
    /// Tell why a file has its role, what it uses and who uses it.
    Explain {
        /// The file.
        file: String,
        /// The codebase.
        #[arg(long, default_value = ".")]
        path: PathBuf,
    },
    /// Tell what changed since a git revision: dependencies between parts, roles, cycles, violations.
    Diff {
        /// The revision; it is read from git's objects, nothing is checked out.
        revision: String,
        /// The codebase.
        #[arg(long, default_value = ".")]
        path: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the layers of today as a first rule set for another tool.
    Rules {
        /// The tool.
        #[arg(long = "for", value_enum)]
        tool: Tool,
        /// The codebase.
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// Turn dependencies of a codebase round, and tell how many of them the rules find.
    Selftest {
        /// The codebase.
        #[arg(default_value = ".")]
        path: PathBuf,
        /// Dependencies to turn round, one at a time.
        #[arg(long, default_value_t = 100)]
        edges: usize,
    },
    /// Learn from codebases: discovery, analysis, training, validation, deployment.
    ///
    /// Stopped in the middle and started again, it goes on where it was.
    Learn(Learn),
    /// The crates that the published numbers come from.
    #[command(subcommand)]
    Corpus(CorpusCommand),
    /// Handle the messages of the queue `architecture_learning_tasks`, until stopped.
    ///
    /// `PGFLOW_ARCHITECTURE_LEARNING_ENABLED=true` makes each message a durable run; otherwise they are handled as by the queue
    /// consumer that the pipeline was before. Warnings and alerts go to standard error, more with `RUST_LOG=info`.
    Work(Work),
    /// Put a codebase, or a directory of codebases, into the queue.
    Enqueue {
        /// The directory, as whoever works will see it.
        path: PathBuf,
    },
    /// Tell what became of a message of the queue.
    Message {
        /// Its number, as `enqueue` prints it.
        id: i64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Measure.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Print each variable of the pipeline with its effective value and where that came from.
    Config {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List models, show the one that answers, let another one answer.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Train on the GPU and on the CPU, and compare; says "skipped: no GPU" where there is none.
    GpuCheck,
    /// Score a saved candidate and print the report as JSON; `learn` runs it in a process of its own.
    #[command(hide = true)]
    ValidateArtifact {
        /// Id of the candidate.
        candidate: String,
    },
}

#[derive(Clone, Copy, Subcommand)]
enum CorpusCommand {
    /// Fetch with cargo those that are not here, and check all against their checksums.
    Fetch,
    /// Name them: version, owner, part of the corpus, application or library.
    List,
}

#[derive(Subcommand)]
enum ModelCommand {
    /// All models that were decided on, with their scores.
    List,
    /// The card of the model that answers.
    Show,
    /// Let a model answer that the rule promoted once.
    Promote {
        /// Its artifact, or the beginning of it.
        artifact: String,
    },
    /// Let the model answer that was promoted before.
    Rollback,
    /// Write the promoted model to a directory, as this program carries one.
    Export {
        /// The directory; `architecture-learning/model` in a checkout of this program.
        directory: PathBuf,
    },
}

#[derive(Subcommand)]
enum BenchCommand {
    /// Both modes side by side on the same messages, with failures injected, each in a process and on a private database of
    /// its own.
    Compare(bench::Compare),
}

#[derive(Args)]
struct Work {
    /// Where to train.
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceArgument,
    /// Seconds for which a message that was read stays hidden. In legacy mode it is hidden anew while it waits or is handled,
    /// and what failed shows again after it.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    hidden: u64,
    /// Messages that may be read in an interval in legacy mode [default: what `ARCHITECTURE_RATE_LIMIT` says, else any
    /// number].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate_limit: Option<u32>,
    /// The interval in milliseconds [default: what `ARCHITECTURE_RATE_INTERVAL_MS` says, else 1000].
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=6_048_000_000))]
    rate_interval_ms: Option<u64>,
    /// Messages at once in legacy mode.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    processors: u64,
    /// Serve metrics to Prometheus, on this port of this machine or on ADDRESS:PORT.
    #[arg(long, value_name = "PORT", value_parser = metrics_address)]
    metrics: Option<SocketAddr>,
    /// Send traces to the collector at this address [default: what the variables of OpenTelemetry say, else nowhere].
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// Call this command of the shell whenever an alert is raised or over: `ALERT_KIND`, `ALERT_SUBJECT`, `ALERT_DETAIL` and
    /// `ALERT_STATE` are in its environment.
    #[arg(long, value_name = "COMMAND")]
    on_alert: Option<String>,
    /// The program that scores a candidate; this one by default.
    #[arg(long, hide = true)]
    validator: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tool {
    /// `crawk.toml`, for a codebase of one crate.
    Crawk,
    /// `rustqual.toml`.
    Rustqual,
    /// `.dependency-cruiser.json`.
    DependencyCruiser,
    /// `.importlinter`.
    ImportLinter,
    /// `tach.toml`.
    Tach,
}

impl From<Tool> for RulesFor {
    fn from(tool: Tool) -> Self {
        match tool {
            Tool::Crawk => Self::Crawk,
            Tool::Rustqual => Self::Rustqual,
            Tool::DependencyCruiser => Self::DependencyCruiser,
            Tool::ImportLinter => Self::ImportLinter,
            Tool::Tach => Self::Tach,
        }
    }
}

#[derive(Args)]
struct Learn {
    /// Directories with codebases [default: the sources in your cargo registry].
    paths: Vec<PathBuf>,
    /// Learn from the crates of the corpus, which `archlearn corpus fetch` fetches.
    #[arg(long, conflicts_with = "paths")]
    corpus: bool,
    /// Learn from so many of the codebases, always the same ones.
    #[arg(long, value_name = "N", conflicts_with = "corpus", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Where to train.
    #[arg(long, value_enum, default_value_t = DeviceArgument::Auto)]
    device: DeviceArgument,
    /// Print one JSON object instead of the summary.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Classify {
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    pictures: Pictures,
    /// How to tell it; under GitHub Actions annotations come by themselves.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write JSON to a file, or to standard output for `-`.
    #[arg(long, value_name = "FILE|-")]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum DeviceArgument {
    /// CUDA where it works, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// CUDA or an error.
    Cuda,
}

impl From<DeviceArgument> for DeviceChoice {
    fn from(argument: DeviceArgument) -> Self {
        match argument {
            DeviceArgument::Auto => Self::Auto,
            DeviceArgument::Cpu => Self::Cpu,
            DeviceArgument::Cuda => Self::Cuda,
        }
    }
}

/// Reads the arguments and does what they say.
pub(crate) fn run() -> Result<ExitCode, LearningError> {
    let arguments = Arguments::parse();
    // whoever only looks needs no place for data
    let data = DataDir::from_env();
    let place = data.as_ref().ok();
    let Some(command) = arguments.command else {
        return overview::overview(place, &arguments.look, &arguments.pictures);
    };
    match command {
        Command::Classify(options) => return classify::classify(place, &options),
        Command::Why { from, to, path } => return ask::why(place, &path, &from, &to),
        Command::Explain { file, path } => return ask::explain_file(place, &path, &file),
        Command::Diff { revision, path, json } => {
            return diff::diff(place, &path, &revision, json);
        }
        Command::Rules { tool, path } => return ask::rules(place, &path, tool.into()),
        Command::Selftest { path, edges } => return ask::test_oneself(place, &path, edges),
        Command::Corpus(command) => corpus::corpus(command)?,
        Command::Model(command) => return model::model(&command),
        Command::Learn(options) => learn::learn(&data?, options)?,
        Command::Work(options) => return work::work(data?, options),
        Command::Enqueue { path } => work::enqueue(&path)?,
        Command::Message { id, json } => work::message(id, json)?,
        Command::Bench(BenchCommand::Compare(options)) => bench::compare_modes(&options)?,
        Command::Config { json } => config::config(json)?,
        Command::GpuCheck => gpu_check::gpu_check(&data?)?,
        Command::ValidateArtifact { candidate } => {
            let data = data?;
            let trained = TrainedModel::open(&data, &candidate)?;
            print_json(&validation::validate(&data, &trained)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Threads for the commands that talk to the database.
fn runtime() -> Result<tokio::runtime::Runtime, LearningError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|source| LearningError::Engine {
        doing: "start threads",
        source: Box::new(source),
    })
}

fn print_json(value: &impl Serialize) -> Result<(), LearningError> {
    let text = json(Path::new("-"), value)?;
    print(&text);
    Ok(())
}

fn json(path: &Path, value: &impl Serialize) -> Result<String, LearningError> {
    let text = serde_json::to_string_pretty(value);
    let damaged = |e: serde_json::Error| LearningError::Damaged {
        path: path.to_owned(),
        reason: e.to_string(),
    };
    text.map(|text| text + "\n").map_err(damaged)
}

/// Prints to standard output; a reader that has gone, such as `head`, has seen enough.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
