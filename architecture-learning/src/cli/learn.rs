//! `archlearn learn`: starts or joins a run of the pipeline, watches it, and tells what came out.

use std::time::Duration;

use architecture_learning::analysis::Analysis;
use architecture_learning::codebase::{self, Codebase};
use architecture_learning::corpus;
use architecture_learning::deployment::Deployment;
use architecture_learning::model::{Device, DeviceChoice};
use architecture_learning::pipeline::{self, Learning, LearningJob, Limits, Standing, Validator};
use architecture_learning::training::TrainedModel;
use architecture_learning::validation::Report;
use architecture_learning::{DataDir, LearningError};

use super::output::Output;
use super::progress::Progress;
use super::{Learn, print_json, summary};

/// How often the lines of progress change.
const LOOK: Duration = Duration::from_millis(400);

/// Everything that a run came to.
pub(super) struct Outcome {
    pub run: i64,
    pub standing: Standing,
    pub analysis: Analysis,
    pub trained: TrainedModel,
    pub report: Report,
    pub deployment: Deployment,
}

pub(super) fn learn(data: &DataDir, options: Learn) -> Result<(), LearningError> {
    let limits = Limits::from_env()?;
    let codebases = codebases(&options)?;
    let device = DeviceChoice::from(options.device).resolve()?;
    eprintln!("{}", device_line(&device));
    let job = LearningJob { codebases, device };
    pipeline::log();
    let (run, standing, deployment) = super::runtime()?.block_on(follow(data, job, &limits))?;
    let trained = TrainedModel::open(data, &deployment.candidate)?;
    let outcome = Outcome {
        run,
        standing,
        analysis: Analysis::open(data, &trained.dataset)?,
        report: Report::open(&deployment.path)?,
        trained,
        deployment,
    };
    if options.json {
        return print_json(&Output::of(&outcome));
    }
    summary::print(&outcome);
    Ok(())
}

fn codebases(options: &Learn) -> Result<Vec<Codebase>, LearningError> {
    if options.corpus {
        return corpus::codebases();
    }
    let limit = options.limit.and_then(|n| usize::try_from(n).ok());
    if options.paths.is_empty() {
        return codebase::find(&codebase::registry_sources()?, limit);
    }
    codebase::find(&options.paths, limit)
}

fn device_line(device: &Device) -> String {
    match device {
        Device::Cpu { stand_in: Some(reason) } => {
            format!("device: cpu, in place of a GPU: {reason}")
        }
        device => format!("device: {}", device.name()),
    }
}

/// Follows a run to its end.
async fn follow(
    data: &DataDir,
    job: LearningJob,
    limits: &Limits,
) -> Result<(i64, Standing, Deployment), LearningError> {
    let program = super::work::this_program()?;
    let codebases = job.codebases.len();
    let learning = Learning::begin(data, job, Validator(program), limits).await?;
    let word = if learning.is_joined() { "goes on" } else { "starts" };
    eprintln!("run {} {word}: {codebases} codebases", learning.id());
    let watched = watch(&learning).await;
    let run = learning.id();
    learning.leave().await;
    let (standing, deployment) = watched?;
    Ok((run, standing, deployment))
}

async fn watch(learning: &Learning) -> Result<(Standing, Deployment), LearningError> {
    let mut progress = Progress::new();
    let mut output = std::pin::pin!(learning.output());
    loop {
        match tokio::time::timeout(LOOK, &mut output).await {
            Ok(ended) => {
                let standing = learning.standing().await?;
                progress.show(&standing);
                progress.end();
                return Ok((standing, ended?));
            }
            Err(_) => progress.show(&learning.standing().await?),
        }
    }
}
