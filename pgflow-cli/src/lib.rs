#![doc = include_str!("../README.md")]

mod arguments;
mod commands;
mod context;
mod contexts;
#[cfg(feature = "metrics")]
mod endpoint;
mod error;
mod exit;
mod host;
mod output;
mod render;

pub use arguments::CommandLine;
#[cfg(feature = "metrics")]
pub use endpoint::{EndpointError, address as metrics_address, serve as serve_metrics};
pub use exit::Exit;
pub use host::{Host, log};
