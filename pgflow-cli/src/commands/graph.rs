//! `graph`: a workflow, or a run, as a picture.

use std::{path::PathBuf, time::SystemTime};

use clap::{Args, ValueEnum};
use pgflow_core::client::Flow;

use crate::{
    context::Context,
    error::CliError,
    exit::Exit,
    output,
    render::{dot, mermaid, nodes, picture::Picture, svg},
};

/// Draw a workflow from its stored definition, or a run with the states of its nodes: arms that were not taken are
/// faint, a map is one node with counts.
#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// A run, or a workflow as in `survey` or `survey@2`.
    #[arg(value_name = "RUN|WORKFLOW")]
    what: String,
    /// As what.
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
    /// Write it to this file; its ending may say the format: `.svg`, `.dot`, `.mmd`.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Mermaid,
    Dot,
    Svg,
}

impl Graph {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let picture = match self.workflow(&flow).await? {
            Some(picture) => picture,
            None => self.of_run(context, &flow).await?,
        };
        let text = match self.format() {
            Format::Mermaid => mermaid::render(&picture),
            Format::Dot => dot::render(&picture),
            Format::Svg => svg::render(&picture),
        };
        output::write(self.output.as_deref(), &text)?;
        Ok(Exit::Done)
    }

    fn format(&self) -> Format {
        let ending = self.output.as_ref().and_then(|path| path.extension()?.to_str());
        match ending {
            Some("svg") => Format::Svg,
            Some("dot" | "gv") => Format::Dot,
            Some("mmd" | "mermaid") => Format::Mermaid,
            _ => self.format,
        }
    }

    /// The workflow of this name, if there is one.
    async fn workflow(&self, flow: &Flow) -> Result<Option<Picture>, CliError> {
        let (name, version) = match self.what.split_once('@') {
            Some((name, version)) => (name, version.parse().ok()),
            None => (self.what.as_str(), None),
        };
        let definition = flow.definition(name, version).await?;
        Ok(definition.map(|d| Picture::new(&d, format!("{}@{}", d.name, d.version), None)))
    }

    async fn of_run(&self, context: &Context<'_>, flow: &Flow) -> Result<Picture, CliError> {
        let run = match context.run(flow, &self.what).await {
            Err(CliError::NoKey(name)) => return Err(unknown(flow, name).await?),
            run => run?,
        };
        let missing = || CliError::NoRun(run.0);
        let status = flow.status(run).await?.ok_or_else(missing)?;
        let definition = flow.definition_of(run).await?.ok_or_else(missing)?;
        let views = flow.nodes(run).await?;
        let lines =
            nodes::lines(&definition, &views, status.state.is_terminal(), SystemTime::now());
        let title =
            format!("run {run} of {}@{}: {}", status.workflow, status.version, status.state);
        Ok(Picture::new(&definition, title, Some(&lines)))
    }
}

async fn unknown(flow: &Flow, name: String) -> Result<CliError, CliError> {
    let known = flow.workflows().await?;
    let known: Vec<String> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none yet".into() } else { known.join(", ") };
    Ok(CliError::NoWorkflow { name, known })
}
