//! The attributes of pgflow: `#[step]` leaves an async function as it is and describes it, `#[workflow]` reads an async
//! function's body as a data-flow program. Parse (`options`, `signature`) → model (`model`) → check → emit (`emit`).

mod diagnostics;
mod emit;
mod model;
mod names;
mod options;
mod signature;
mod text;

use proc_macro::TokenStream;

/// Marks an async function as a step: one durable task of a workflow.
///
/// Options: `timeout`, `retries`, `retry_delay`, `backoff`, `concurrency`, `gpu`, `exclusive`, `memory`, `cpu`,
/// `priority`, `rate_limit`, `cache`, `batch`, `revision`, `id`, `needs`, `transactional`.
#[proc_macro_attribute]
pub fn step(options: TokenStream, item: TokenStream) -> TokenStream {
    emit::step(options.into(), &item.into()).into()
}

/// Marks an async function as a workflow: its calls of steps become the nodes of a graph.
///
/// Options: `version`, `timeout`, `retries`, `retry_delay`, `concurrency`, `id`, `allow`, `schedule`.
#[proc_macro_attribute]
pub fn workflow(options: TokenStream, item: TokenStream) -> TokenStream {
    emit::workflow(options.into(), &item.into()).into()
}
