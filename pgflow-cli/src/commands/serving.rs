//! What `worker` and `dev` share: the options of a worker, and working until told to stop.

use std::time::Duration;

use clap::Args;
use pgflow_core::{
    client::Flow,
    context::Gpu,
    otlp::{self, Otlp},
    registry::linked,
    store::alert::AlertRules,
    worker::{Worker, WorkerBuilder},
};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{context::Context, error::CliError, exit::Exit, render::time};

/// How long the last spans may take to reach the collector.
const LAST_SPANS: Duration = Duration::from_secs(5);

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
    /// Send traces to the collector at this address [default: what the variables
    /// of OpenTelemetry say, else nowhere]; `OTEL_TRACES_SAMPLER` says which.
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// Serve metrics to Prometheus, on this port of this machine or on ADDRESS:PORT.
    #[cfg(feature = "metrics")]
    #[arg(long, value_name = "PORT", value_parser = crate::endpoint::address)]
    metrics: Option<std::net::SocketAddr>,
    /// When alerts are raised, as in `queue=5m,run=2h,failed_percent=20`, or `off`
    /// [default: `PGFLOW_ALERTS`, else what the program says].
    #[arg(long, value_name = "RULES", env = "PGFLOW_ALERTS")]
    alerts: Option<String>,
    /// How long running steps may go on after the signal to stop.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = time::parse)]
    grace: Duration,
}

/// Hears that this process is to stop, from when it is made: a worker that begins to serve is drained whenever it is told to.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub fn hear() -> Result<Self, CliError> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(CliError::Signals)?,
            interrupt: signal(SignalKind::interrupt()).map_err(CliError::Signals)?,
        })
    }

    /// What `begin` comes to; `None`: told to stop before.
    pub async fn unless_told<T>(&mut self, begin: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            begun = begin => Some(begun),
            () = self.told() => None,
        }
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A worker that serves, and where its traces go.
pub(crate) struct Served {
    worker: Worker,
    otlp: Option<Otlp>,
}

impl Serving {
    pub async fn spawn(&self, context: &Context<'_>, flow: &Flow) -> Result<Served, CliError> {
        let mut builder = context.host.prepare(flow.worker().gpus(Gpu::detect()));
        #[cfg(feature = "metrics")]
        if let Some(address) = self.metrics {
            builder = builder.observer(crate::endpoint::serve(address)?);
        }
        let otlp = match &self.otlp {
            Some(address) => Some(Otlp::to(flow, address, &otlp::service())?.sample_from_env()?),
            None => Otlp::from_env(flow)?,
        };
        if let Some(otlp) = &otlp {
            builder = builder.observer(otlp.clone());
        }
        if let Some(rules) = &self.alerts {
            builder = builder.alerts(AlertRules::read(rules)?);
        }
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
        Ok(Served { worker, otlp })
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
    pub async fn work(
        &self,
        mut signals: Signals,
        served: Option<Served>,
    ) -> Result<Exit, CliError> {
        signals.told().await;
        let Some(Served { worker, otlp }) = served else { return Ok(Exit::Done) };
        eprintln!(
            "stopping: running steps have {}; a second signal stops at once",
            time::lasting(self.grace)
        );
        let drained = async {
            worker.drain(self.grace).await;
            if let Some(otlp) = otlp {
                otlp.flush(LAST_SPANS).await;
            }
        };
        tokio::select! {
            () = drained => Ok(Exit::Done),
            () = signals.told() => Ok(Exit::Stopped),
        }
    }
}
