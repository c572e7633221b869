//! The command line: what the commands are and which function answers each.

mod classify;
mod gpu_check;
mod learn;
mod output;
mod paint;
mod progress;
mod summary;

use std::io::Write;
use std::path::{Path, PathBuf};

use architecture_learning::model::DeviceChoice;
use architecture_learning::training::TrainedModel;
use architecture_learning::{DataDir, LearningError, validation};
use clap::{Parser, Subcommand, ValueEnum};
use serde::Serialize;

/// Learns which role each source file plays, and tells it of codebases it has never seen.
#[derive(Parser)]
#[command(name = "archlearn", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Learn from codebases: discovery, analysis, training, validation, deployment.
    ///
    /// Stopped in the middle and started again, it goes on where it was.
    Learn(Learn),
    /// Tell the role of each file of a codebase, with the learnt model.
    Classify(Classify),
    /// Train on the GPU and on the CPU, and compare; says "skipped: no GPU" where there is none.
    GpuCheck,
    /// Score a saved candidate and print the report as JSON; `learn` runs it in a process of its own.
    #[command(hide = true)]
    ValidateArtifact {
        /// Id of the candidate.
        candidate: String,
    },
}

#[derive(clap::Args)]
struct Learn {
    /// Directories with codebases [default: the sources in your cargo registry].
    paths: Vec<PathBuf>,
    /// Learn from so many of the codebases, always the same ones.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Where to train.
    #[arg(long, value_enum, default_value_t = DeviceArgument::Auto)]
    device: DeviceArgument,
    /// Print one JSON object instead of the summary.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Classify {
    /// A directory with Rust sources; with its Cargo.toml the answer is better.
    #[arg(default_value = ".")]
    path: PathBuf,
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
pub(crate) fn run() -> Result<(), LearningError> {
    let arguments = Arguments::parse();
    let data = DataDir::from_env()?;
    match arguments.command {
        Command::Learn(options) => learn::learn(&data, options),
        Command::Classify(options) => classify::classify(&data, &options),
        Command::GpuCheck => gpu_check::gpu_check(&data),
        Command::ValidateArtifact { candidate } => {
            let trained = TrainedModel::open(&data, &candidate)?;
            print_json(&validation::validate(&data, &trained)?)
        }
    }
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
