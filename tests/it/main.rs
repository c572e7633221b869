//! The behaviour of pgflow from outside, in one binary.

mod acting;
mod boundaries;
mod branches;
mod clocks;
mod counted;
mod crash;
mod durable;
mod embedded;
mod ending;
mod faults;
mod idle;
mod language;
mod limits;
mod pooler;
mod process;
mod proxy;
mod restart;
mod schedule;
mod start;
mod support;
mod tidy;
mod transactional;
mod ui;
