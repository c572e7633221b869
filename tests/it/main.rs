//! The behaviour of pgflow from outside, in one binary.

mod durable;
mod embedded;
mod language;
mod support;
mod ui;
