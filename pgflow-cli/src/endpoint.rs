//! An endpoint for Prometheus in the process of a worker.

use std::net::{Ipv4Addr, SocketAddr};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use pgflow_core::metrics::{BUCKETS, Kind, METRICS, Metrics};

/// Why there is no endpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The address cannot be had.
    #[error("metrics cannot be served on `{address}`; name a free port with --metrics")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The program has a recorder already.
    #[error(
        "this program has a recorder of metrics already; leave --metrics out and give its workers `.observer(pgflow::Metrics::new())`"
    )]
    Recorder,
}

/// Reads `PORT`, which is of this machine alone, or `ADDRESS:PORT`; for the parser of a host's arguments.
///
/// # Errors
/// For what is neither, in words for whoever wrote it.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let wrong = |_| format!("`{text}` is no address; write a port, or one as in 0.0.0.0:9464");
    port.or_else(|_| text.parse()).map_err(wrong)
}

/// Serves metrics at `/metrics`, and answers what a worker is to be given for it, as an observer.
///
/// # Errors
/// [`EndpointError`].
///
/// # Panics
/// Outside a tokio runtime.
pub fn serve(address: SocketAddr) -> Result<Metrics, EndpointError> {
    let failed = |source| match source {
        BuildError::FailedToSetGlobalRecorder(_) => EndpointError::Recorder,
        source => EndpointError::Address { address, source: Box::new(source) },
    };
    let mut builder = PrometheusBuilder::new().with_http_listener(address);
    for metric in METRICS.iter().filter(|metric| metric.kind == Kind::Histogram) {
        let matcher = Matcher::Full(metric.name.into());
        builder = builder.set_buckets_for_metric(matcher, &BUCKETS).map_err(failed)?;
    }
    builder.install().map_err(failed)?;
    Ok(Metrics::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_of_this_machine_and_other_addresses_are_spelt_out() {
        let read = |text| address(text).map(|address| address.to_string());
        assert_eq!(read("9464").unwrap(), "127.0.0.1:9464");
        assert_eq!(read("0.0.0.0:9464").unwrap(), "0.0.0.0:9464");
        assert_eq!(read("[::1]:80").unwrap(), "[::1]:80");
        for wrong in ["", ":9464", "localhost", "99999", "10.0.0.1"] {
            assert!(read(wrong).unwrap_err().contains("is no address; write a port"), "{wrong}");
        }
    }
}
