//! The runtime of pgflow. Applications use the crate `pgflow`, which names what is public.
//!
//! Bottom up; a module names only modules before it: `payload`, `failure`, `redact`, `spec`, `env`, `traits` and what macro
//! output stands on · `definition`, `lifecycle` (pure) · `store` (all SQL) · `embedded` · `trace`, `spans`, `logs`, `observe`,
//! `metrics`, `registry`, `schedule`, `trigger`, `context`, `batch`, `stubs` · `worker`, `client` · `otlp` · `testing`.

pub mod batch;
pub mod builtins;
pub mod client;
pub mod context;
pub mod definition;
pub mod embedded;
pub mod env;
pub mod failure;
pub mod lifecycle;
pub mod logs;
pub mod metrics;
pub mod observe;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod path;
pub mod payload;
#[doc(hidden)]
pub mod private;
pub mod probe;
pub mod record;
pub mod redact;
pub mod registry;
pub mod schedule;
pub mod slice;
pub mod spans;
pub mod spec;
pub mod store;
pub mod stubs;
pub mod testing;
pub mod trace;
pub mod traits;
pub mod trigger;
pub mod worker;
