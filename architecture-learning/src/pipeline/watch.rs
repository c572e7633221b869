//! Who hears what a service does: the log, Prometheus, a collector of traces, and a program that is called about alerts.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use pgflow::{Alert, AlertRules, Flow, Observer, Otlp, WorkerBuilder};

use super::learning::engine;
use crate::LearningError;

pub use pgflow::cli::{log, metrics_address};

/// How long the last spans may take to reach the collector.
const LAST_SPANS: Duration = Duration::from_secs(5);

/// Who hears what a service does, beside the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Metrics are served to Prometheus here.
    pub metrics: Option<SocketAddr>,
    /// Traces go to the collector at this address; `None`: where the variables of OpenTelemetry say, else nowhere.
    pub otlp: Option<String>,
    /// A command for `sh -c`, called whenever an alert is raised or over, with `ALERT_KIND`, `ALERT_SUBJECT`,
    /// `ALERT_DETAIL` and `ALERT_STATE` (`raised` or `cleared`) in its environment.
    pub on_alert: Option<String>,
}

/// Traces that are still to be sent.
pub(super) struct Watching(Option<Otlp>);

impl Watch {
    /// Lets them hear a worker.
    ///
    /// # Errors
    /// [`LearningError::Engine`] when an address cannot be had or read.
    pub(super) fn over(
        &self,
        flow: &Flow,
        mut worker: WorkerBuilder,
    ) -> Result<(WorkerBuilder, Watching), LearningError> {
        if let Some(address) = self.metrics {
            let metrics = pgflow::cli::serve_metrics(address).map_err(engine("serve metrics"))?;
            worker = worker.observer(metrics);
            eprintln!("metrics at http://{address}/metrics");
        }
        let otlp = match &self.otlp {
            Some(address) => {
                Otlp::to(flow, address, &service()).and_then(Otlp::sample_from_env).map(Some)
            }
            None => Otlp::from_env(flow),
        };
        let otlp = otlp.map_err(engine("send traces"))?;
        if let Some(otlp) = &otlp {
            worker = worker.observer(otlp.clone());
        }
        if let Ok(rules) = std::env::var("PGFLOW_ALERTS") {
            let rules = AlertRules::read(&rules).map_err(engine("read `PGFLOW_ALERTS`"))?;
            worker = worker.alerts(rules);
        }
        if let Some(command) = &self.on_alert {
            worker = worker.observer(Hook(command.clone()));
        }
        Ok((worker, Watching(otlp)))
    }
}

impl Watching {
    /// Sends what is left.
    pub async fn end(self) {
        if let Some(otlp) = self.0 {
            otlp.flush(LAST_SPANS).await;
        }
    }
}

/// As without the flag: what OpenTelemetry's variable says, else `pgflow`.
fn service() -> String {
    let name = std::env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
    name.unwrap_or_else(|| "pgflow".to_owned())
}

/// Calls a command about alerts.
struct Hook(String);

impl Observer for Hook {
    fn alert(&self, alert: &Alert) {
        let mut command = Command::new("sh");
        command.args(["-c", &self.0]).stdin(Stdio::null()).stdout(Stdio::null());
        command.env("ALERT_KIND", alert.kind.as_str()).env("ALERT_SUBJECT", &alert.subject);
        command.env("ALERT_DETAIL", &alert.detail);
        command.env("ALERT_STATE", if alert.cleared { "cleared" } else { "raised" });
        // a worker must not wait for it
        std::thread::spawn(move || match command.status() {
            Ok(status) if status.success() => {}
            Ok(status) => tracing::warn!(%status, "the command for alerts failed"),
            Err(error) => tracing::warn!(%error, "the command for alerts cannot be started"),
        });
    }
}
