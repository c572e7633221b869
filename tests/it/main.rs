//! The behaviour of pgflow from outside, in one binary.

mod acting;
mod crash;
mod durable;
mod embedded;
mod ending;
mod faults;
mod idle;
mod language;
mod limits;
mod model;
mod restart;
mod schedule;
mod start;
mod support;
mod tidy;
mod ui;
