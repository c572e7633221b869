//! The runtime of pgflow. Applications use the crate `pgflow`, which names what is public.

pub mod definition;
pub mod embedded;
pub mod env;
pub mod failure;
pub mod lifecycle;
pub mod builtins;
pub mod env;
pub mod failure;
pub mod path;
pub mod payload;
#[doc(hidden)]
pub mod private;
pub mod probe;
pub mod record;
pub mod slice;
pub mod spec;
pub mod traits;
