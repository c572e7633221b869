//! `retry`: goes on with a run, or repeats it, as a new run.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::{context::Context, error::CliError, exit::Exit};

use super::payload::{InputFile, read};

/// Go on with a run that did not complete, as a new run that keeps what had succeeded; its key leads to the new one.
/// With `--from` a node and all that follows it run again. What a step is called with follows from the run's input
/// (`--input`) and from the results of the steps before it (`--output`).
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The run.
    run: String,
    /// The node to run again from, as `status` names it.
    #[arg(long, value_name = "NODE")]
    from: Option<String>,
    /// With another input of the whole run, as JSON; it is checked first, as by `start`.
    #[command(flatten)]
    file: InputFile,
    /// With another result of a step that does not run again, as JSON from a file or from standard input for `-`; a
    /// program that links the workflow checks it by its type, another by the text of that. May be given several times.
    #[arg(long, value_name = "NODE=FILE|-", value_parser = replacement)]
    output: Vec<(String, PathBuf)>,
}

fn replacement(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((node, file)) if !file.is_empty() => Ok((node.into(), file.into())),
        _ => Err("write a node and a file, as in fetch=pages.json".into()),
    }
}

#[derive(Serialize)]
struct Repeated {
    run: i64,
    repeats: i64,
}

impl Retry {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let run = context.run(&flow, &self.run).await?;
        let mut retry = flow.retry(run, &context.actor());
        if let Some(node) = self.from {
            retry = retry.from(node);
        }
        if let Some(input) = self.file.read(None)? {
            retry = retry.input(&input.decode::<Value>().unwrap_or_default());
        }
        for (node, path) in self.output {
            retry = retry.output(node, &read(&path)?.decode::<Value>().unwrap_or_default());
        }
        let fresh = retry.await?;
        let view = Repeated { run: fresh.0, repeats: run.0 };
        context.output.tell(&view, |_| format!("run {fresh} repeats run {run}\n"));
        Ok(Exit::Done)
    }
}
