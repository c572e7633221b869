//! The runtime of pgflow. Applications use the crate `pgflow`, which names what is public.

pub mod definition;
pub mod embedded;
pub mod env;
pub mod failure;
pub mod lifecycle;
pub mod payload;
pub mod spec;
