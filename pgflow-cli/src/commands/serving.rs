//! What `worker` and `dev` share: the options of a worker, and working until told to stop.

use std::time::Duration;

use clap::Args;
use pgflow_core::{
    client::Flow,
    context::Gpu,
    registry::linked,
    worker::{Worker, WorkerBuilder},
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{context::Context, error::CliError, exit::Exit, render::time};

/// Options of a worker.
#[derive(Debug, Args)]
pub(crate) struct Serving {
    /// How many tasks run at once [default: 32, or what the program says].
    #[arg(long, value_name = "N")]
    slots: Option<usize>,
    /// A name for people [default: host and process id].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Serve only this workflow; may be given several times.
    #[arg(long, value_name = "WORKFLOW")]
    only: Vec<String>,
    /// Offer the CPU for steps that need a GPU, where there is none.
    #[arg(long)]
    gpu_stand_in: bool,
    /// Serve metrics to Prometheus, on this port of this machine or on ADDRESS:PORT.
    #[cfg(feature = "metrics")]
    #[arg(long, value_name = "PORT", value_parser = crate::endpoint::address)]
    metrics: Option<std::net::SocketAddr>,
    /// How long running steps may go on after the signal to stop.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = time::parse)]
    grace: Duration,
}

impl Serving {
    pub async fn spawn(&self, context: &Context<'_>, flow: &Flow) -> Result<Worker, CliError> {
        let builder = context.host.prepare(flow.worker().gpus(Gpu::detect()));
        #[cfg(feature = "metrics")]
        let builder = match self.metrics {
            Some(address) => builder.observer(crate::endpoint::serve(address)?),
            None => builder,
        };
        let worker = self.tune(builder).spawn().await?;
        let served = linked()
            .into_iter()
            .filter(|spec| self.only.is_empty() || self.only.iter().any(|o| o == spec.id));
        let served: Vec<String> =
            served.map(|spec| format!("{}@{}", spec.id, spec.version)).collect();
        eprintln!("serving {}; ctrl-c stops", served.join(", "));
        #[cfg(feature = "metrics")]
        if let Some(address) = self.metrics {
            eprintln!("metrics at http://{address}/metrics");
        }
        Ok(worker)
    }

    fn tune(&self, mut builder: WorkerBuilder) -> WorkerBuilder {
        if let Some(slots) = self.slots {
            builder = builder.slots(slots);
        }
        if let Some(name) = &self.name {
            builder = builder.name(name);
        }
        if !self.only.is_empty() {
            builder = builder.only(&self.only);
        }
        if self.gpu_stand_in {
            builder = builder.gpu_stand_in();
        }
        builder
    }

    /// Works until a signal, then drains; a second signal stops at once.
    pub async fn work(&self, worker: Option<Worker>) -> Result<Exit, CliError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(CliError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::Signals)?;
        let mut told = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        told().await;
        let Some(worker) = worker else { return Ok(Exit::Done) };
        eprintln!(
            "stopping: running steps have {}; a second signal stops at once",
            time::lasting(self.grace)
        );
        tokio::select! {
            () = worker.drain(self.grace) => Ok(Exit::Done),
            () = told() => Ok(Exit::Stopped),
        }
    }
}
