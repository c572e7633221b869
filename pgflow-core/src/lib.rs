//! The runtime of pgflow. Applications use the crate `pgflow`, which names what is public.

pub mod builtins;
pub mod definition;
pub mod embedded;
pub mod env;
pub mod failure;
pub mod lifecycle;
pub mod path;
pub mod payload;
#[doc(hidden)]
pub mod private;
pub mod probe;
pub mod record;
pub mod slice;
pub mod spec;
pub mod testing;
pub mod traits;
