//! `message`: what became of a message of a queue.

use clap::Args;
use pgflow_core::{
    lifecycle::RunState,
    store::queue::{Fate, MessageStatus},
};
use serde::Serialize;

use crate::{context::Context, error::CliError, exit::Exit, render::time::stamp};

/// What became of the newest message with this id: it waits, somebody has it, it started a run, or it was put aside with a
/// reason. In SQL: `select * from pgflow.message_2(QUEUE, ID)`.
#[derive(Debug, Args)]
pub(crate) struct Message {
    /// The queue.
    queue: String,
    /// The message.
    id: i64,
}

#[derive(Serialize)]
struct View {
    queue: String,
    message: i64,
    state: &'static str,
    reads: u32,
    /// Until when others do not see it.
    hidden_until: Option<String>,
    workflow: Option<String>,
    run: Option<i64>,
    run_state: Option<&'static str>,
    reason: Option<String>,
}

impl Message {
    pub async fn run(self, context: &Context<'_>) -> Result<Exit, CliError> {
        let flow = context.flow().await?;
        let Some(status) = flow.message(&self.queue, self.id).await? else {
            return Err(CliError::NoMessage { queue: self.queue, id: self.id });
        };
        let text = text(&status);
        let view = self.view(status);
        context
            .output
            .tell(&view, |_| format!("message {} of `{}`: {text}\n", self.id, self.queue));
        Ok(Exit::Done)
    }

    fn view(&self, status: MessageStatus) -> View {
        let mut view = View {
            queue: self.queue.clone(),
            message: self.id,
            state: "waiting",
            reads: status.reads,
            hidden_until: None,
            workflow: None,
            run: None,
            run_state: None,
            reason: None,
        };
        match status.fate {
            Fate::Taken(until) => {
                view.state = "taken";
                view.hidden_until = Some(stamp(until));
            }
            Fate::Started { workflow, run } => {
                view.state = "started";
                view.workflow = Some(workflow);
                view.run = run.map(|(run, _)| run.0);
                view.run_state = run.map(|(_, state)| state.as_str());
            }
            Fate::Refused(reason) => {
                view.state = "refused";
                view.reason = Some(reason);
            }
            Fate::Archived => view.state = "archived",
            _ => {}
        }
        view
    }
}

fn text(status: &MessageStatus) -> String {
    let reads = match status.reads {
        0 => "not read yet".into(),
        1 => "read once".into(),
        n => format!("read {n} times"),
    };
    match &status.fate {
        Fate::Taken(until) => format!("{reads}, hidden from other readers until {}", stamp(*until)),
        Fate::Started { workflow, run: Some((run, RunState::Live)) } => {
            format!("run {run} of `{workflow}`, which is under way; `why {run}` says where")
        }
        Fate::Started { workflow, run: Some((run, state)) } => {
            format!("run {run} of `{workflow}`, {state}")
        }
        Fate::Started { workflow, run: None } => {
            format!("it started a run of `{workflow}`, which was pruned")
        }
        Fate::Refused(reason) => format!("put aside: {reason}"),
        Fate::Archived => "archived by another reader".into(),
        _ => format!("waiting, {reads}"),
    }
}
