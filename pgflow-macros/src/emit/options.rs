//! Options as constants.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::{option, private};
use crate::options::{Backoff, Batch, Gpu, Pool, Rate, StepAttribute, WorkflowAttribute};

fn plain(value: Option<impl ToTokens>) -> TokenStream {
    option(value.map(|v| quote!(#v)))
}

/// The options of a step called `id`.
pub fn step_options(attribute: &StepAttribute, id: &str) -> TokenStream {
    let p = private();
    let timeout_ms = plain(attribute.timeout_ms);
    let retries = plain(attribute.retries);
    let retry_delay_ms = plain(attribute.retry_delay_ms);
    let backoff = option(attribute.backoff.map(backoff));
    let concurrency = plain(attribute.concurrency);
    let gpu = option(attribute.gpu.map(gpu));
    let exclusive = plain(attribute.exclusive.as_ref().map(|pool| match pool {
        Pool::Own => id,
        Pool::Named(name) => name,
    }));
    let memory_bytes = plain(attribute.memory_bytes);
    let cpu_milli = plain(attribute.cpu_milli);
    let priority = plain(attribute.priority);
    let rate_limit = option(attribute.rate_limit.map(rate));
    let cache_ms = plain(attribute.cache_ms);
    let batch = option(attribute.batch.as_ref().map(batch));
    let revision = plain(attribute.revision);
    let transactional = attribute.transactional;
    let redact = &attribute.redact;
    quote! {
        #p::StepOptions {
            timeout_ms: #timeout_ms, retries: #retries, retry_delay_ms: #retry_delay_ms,
            backoff: #backoff, concurrency: #concurrency, gpu: #gpu, exclusive: #exclusive,
            memory_bytes: #memory_bytes, cpu_milli: #cpu_milli, priority: #priority,
            rate_limit: #rate_limit, cache_ms: #cache_ms, batch: #batch, revision: #revision,
            transactional: #transactional, redact: &[#(#redact),*],
        }
    }
}

/// The options of a workflow.
pub fn workflow_options(attribute: &WorkflowAttribute) -> TokenStream {
    let p = private();
    let timeout_ms = plain(attribute.timeout.map(|(ms, _)| ms));
    let retries = plain(attribute.retries);
    let retry_delay_ms = plain(attribute.retry_delay_ms);
    let concurrency = plain(attribute.concurrency);
    let schedule = plain(attribute.schedule.as_ref());
    let redact = &attribute.redact;
    quote! {
        #p::WorkflowOptions {
            timeout_ms: #timeout_ms, retries: #retries, retry_delay_ms: #retry_delay_ms,
            concurrency: #concurrency, schedule: #schedule, redact: &[#(#redact),*],
        }
    }
}

fn backoff(backoff: Backoff) -> TokenStream {
    let p = private();
    match backoff {
        Backoff::Fixed => quote!(#p::Backoff::Fixed),
        Backoff::Exponential(factor) => quote!(#p::Backoff::Exponential(#factor)),
    }
}

fn gpu(gpu: Gpu) -> TokenStream {
    let (p, count, vram) = (private(), gpu.count, plain(gpu.vram_bytes));
    quote!(#p::GpuDemand { count: #count, vram_bytes: #vram })
}

fn rate(rate: Rate) -> TokenStream {
    let (p, count, per_ms) = (private(), rate.count, rate.per_ms);
    quote!(#p::RateLimit { count: #count, per_ms: #per_ms })
}

fn batch(batch: &Batch) -> TokenStream {
    let (p, max, linger_ms) = (private(), batch.max, batch.linger_ms);
    quote!(#p::Batch { max: #max, linger_ms: #linger_ms })
}
