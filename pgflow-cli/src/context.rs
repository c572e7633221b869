//! What all commands share: where the database is, who acts, where output goes.

use pgflow_core::{
    client::{Connect, Flow, connect, from_env},
    registry::linked,
    store::RunId,
    worker::host_name,
};

use crate::{
    arguments::{Access, Globals},
    contexts::{Contexts, admit},
    error::CliError,
    host::Host,
    output::Output,
};

pub(crate) struct Context<'h> {
    pub host: &'h Host,
    pub output: Output,
    database: Option<String>,
    pooler: bool,
    actor: Option<String>,
}

impl<'h> Context<'h> {
    /// Where the command changes something, the database must be the one that is meant.
    pub fn new(host: &'h Host, globals: Globals, access: Access) -> Result<Self, CliError> {
        let mut output = Output::new(globals.json);
        // what opens no context's database needs no file, unless it names one
        let named = globals.context.is_some() || globals.yes_to.is_some();
        let contexts = match access {
            Access::None if !named => Contexts::default(),
            _ => Contexts::read()?,
        };
        let chosen = contexts.choose(&globals, access)?;
        if access == Access::Acts {
            output.sure = admit(chosen, globals.yes_to.as_deref(), output)?;
        }
        let place = chosen.map(|(_, place)| place);
        Ok(Self {
            host,
            output,
            database: place.map(|place| place.database.clone()).or(globals.database),
            pooler: globals.pooler || place.is_some_and(|place| place.pooler),
            actor: globals.actor,
        })
    }

    pub fn connect(&self) -> Connect {
        match &self.database {
            Some(url) => connect(url),
            None => from_env(),
        }
        .pooler(self.pooler)
    }

    /// For commands that look or act: the schema stays as it is.
    pub async fn flow(&self) -> Result<Flow, CliError> {
        Ok(self.connect().as_it_is().await?)
    }

    /// For commands that bring workflows with them: the schema is made, or brought up to date. Of a program without any
    /// it stays as it is.
    pub async fn own_flow(&self) -> Result<Flow, CliError> {
        let connect = self.connect();
        let connect = if linked().is_empty() { connect.as_it_is() } else { connect };
        Ok(connect.await?.tuned(self.host.tuning().clone()))
    }

    /// Who acts, as it is written down.
    pub fn actor(&self) -> String {
        self.actor.clone().unwrap_or_else(|| {
            let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
            format!("{}@{}", user.as_deref().unwrap_or("somebody"), host_name())
        })
    }

    /// The run of this id, or with this key.
    pub async fn run(&self, flow: &Flow, text: &str) -> Result<RunId, CliError> {
        let key = match (text.strip_prefix("key:"), text.parse()) {
            (Some(key), _) => key,
            (None, Ok(id)) => return Ok(RunId(id)),
            (None, Err(_)) => text,
        };
        let found = flow.find(key).await?;
        match &found[..] {
            [] => Err(CliError::NoKey(key.into())),
            [(_, run)] => Ok(*run),
            several => {
                let runs = several.iter().map(|(workflow, run)| format!("{run} (`{workflow}`)"));
                Err(CliError::Ambiguous {
                    key: key.into(),
                    runs: runs.collect::<Vec<_>>().join(", "),
                })
            }
        }
    }

    /// The runs of these ids or keys.
    pub async fn runs(&self, flow: &Flow, texts: &[String]) -> Result<Vec<RunId>, CliError> {
        let mut runs = Vec::new();
        for text in texts {
            runs.push(self.run(flow, text).await?);
        }
        Ok(runs)
    }
}
