//! `graph`: a workflow, or a run, as a picture.

use std::{path::PathBuf, time::SystemTime};

use clap::{Args, ValueEnum};
use pgflow_core::{
    client::{Flow, OpenError},
    definition::{Definition, NodeKind},
    registry::definitions,
    store::read::RunStatus,
};
use serde::Serialize;

use crate::{
    context::Context,
    error::CliError,
    exit::Exit,
    output,
    render::{
        dot, mermaid,
        nodes::{self, NodeLine, Standing},
        picture::{Edge, Picture, Shape},
        svg,
    },
};

/// Draw a workflow from its stored definition, else from that of this program, or a run with the states of its nodes:
/// arms that were not taken are faint, a map is one node with counts.
#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// A run, or a workflow as in `survey` or `survey@2`.
    #[arg(value_name = "RUN|WORKFLOW")]
    what: String,
    /// As what.
    #[arg(long, value_enum, default_value_t = Format::Mermaid, conflicts_with = "json")]
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

/// What is drawn: a workflow, or a run of it.
struct Subject {
    definition: Definition,
    run: Option<(RunStatus, Vec<NodeLine>)>,
}

#[derive(Serialize)]
struct View<'s> {
    workflow: &'s str,
    version: u32,
    run: Option<i64>,
    state: Option<&'static str>,
    nodes: Vec<NodeView<'s>>,
    edges: Vec<EdgeView<'s>>,
}

#[derive(Serialize)]
struct NodeView<'s> {
    id: &'s str,
    kind: NodeKind,
    note: &'s str,
    state: Option<Standing>,
    arm: Option<&'s str>,
    done: Option<u64>,
    failed: Option<u64>,
    running: Option<u64>,
    ready: Option<u64>,
    waiting: Option<u64>,
}

#[derive(Serialize)]
struct EdgeView<'s> {
    from: &'s str,
    to: &'s str,
    arm: Option<&'s str>,
    faint: bool,
}

impl Graph {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let subject = self.subject(context).await?;
        let picture = subject.picture();
        let text = match self.format() {
            _ if context.output.json => {
                serde_json::to_string_pretty(&subject.view(&picture)).unwrap_or_default() + "\n"
            }
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

    async fn subject(&self, context: &Context<'_>) -> Result<Subject, CliError> {
        let (name, version) = match self.what.split_once('@') {
            Some((name, version)) => (name, version.parse().ok()),
            None => (self.what.as_str(), None),
        };
        let workflow = |definition| Subject { definition, run: None };
        let flow = match context.flow().await {
            // nobody has registered anything there, or not with this schema
            Err(error @ CliError::Open(OpenError::Migrate(_))) => {
                return linked(name, version).map(workflow).ok_or(error);
            }
            flow => flow?,
        };
        let stored = flow.definition(name, version).await?;
        match stored.or_else(|| linked(name, version)) {
            Some(definition) => Ok(workflow(definition)),
            None => self.of_run(context, &flow).await,
        }
    }

    async fn of_run(&self, context: &Context<'_>, flow: &Flow) -> Result<Subject, CliError> {
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
        Ok(Subject { definition, run: Some((status, lines)) })
    }
}

/// The workflow of this program, the newest version unless said otherwise.
fn linked(name: &str, version: Option<u32>) -> Option<Definition> {
    let named = definitions().into_iter().filter(|d| d.name == name);
    named.filter(|d| version.is_none_or(|v| d.version == v)).max_by_key(|d| d.version)
}

impl Subject {
    fn picture(&self) -> Picture {
        let Definition { name, version, .. } = &self.definition;
        let title = match &self.run {
            Some((status, _)) => {
                format!("run {} of {name}@{version}: {}", status.run, status.state)
            }
            None => format!("{name}@{version}"),
        };
        Picture::new(&self.definition, title, self.run.as_ref().map(|(_, lines)| &lines[..]))
    }

    fn view<'s>(&'s self, picture: &'s Picture) -> View<'s> {
        let status = self.run.as_ref().map(|(status, _)| status);
        let line = |index| self.run.as_ref().and_then(|(_, lines)| lines.get(index));
        let shapes = picture.shapes.iter().enumerate();
        View {
            workflow: &self.definition.name,
            version: self.definition.version,
            run: status.map(|status| status.run.0),
            state: status.map(|status| status.state.as_str()),
            nodes: shapes.map(|(index, shape)| node(shape, line(index))).collect(),
            edges: picture.edges.iter().map(|edge| edge_view(picture, edge)).collect(),
        }
    }
}

fn node<'s>(shape: &'s Shape, line: Option<&NodeLine>) -> NodeView<'s> {
    NodeView {
        id: &shape.label,
        kind: shape.kind,
        note: &shape.note,
        state: shape.standing,
        arm: shape.arm.as_deref(),
        done: line.map(|line| line.done),
        failed: line.map(|line| line.failed),
        running: line.map(|line| line.running),
        ready: line.map(|line| line.ready),
        waiting: line.map(|line| line.waiting),
    }
}

fn edge_view<'s>(picture: &'s Picture, edge: &'s Edge) -> EdgeView<'s> {
    EdgeView {
        from: &picture.shapes[edge.from].label,
        to: &picture.shapes[edge.to].label,
        arm: edge.label.as_deref(),
        faint: picture.is_faint(edge),
    }
}

async fn unknown(flow: &Flow, name: String) -> Result<CliError, CliError> {
    let known = flow.workflows().await?;
    let known: Vec<String> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none yet".into() } else { known.join(", ") };
    Ok(CliError::NoWorkflow { name, known })
}
