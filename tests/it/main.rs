//! The behaviour of pgflow from outside, in one binary.

mod crash;
mod durable;
mod embedded;
mod faults;
mod language;
mod limits;
mod support;
mod ui;
