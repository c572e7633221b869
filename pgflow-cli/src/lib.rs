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
pub use exit::Exit;
pub use host::Host;
