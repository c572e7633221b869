//! Tables, times and pictures, and what is said of nodes, reasons, actions, log lines and metrics, as text or as members of JSON.
//! Fetches nothing.

pub(crate) mod audits;
pub(crate) mod dot;
pub(crate) mod layout;
pub(crate) mod logs;
pub(crate) mod mermaid;
pub(crate) mod metrics;
pub(crate) mod nodes;
pub(crate) mod picture;
pub(crate) mod prometheus;
pub(crate) mod reasons;
pub(crate) mod svg;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod waterfall;
