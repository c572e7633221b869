//! The behaviour of pgflow from outside, in one binary.

mod acting;
mod branches;
mod crash;
mod durable;
mod embedded;
mod ending;
mod faults;
mod idle;
mod language;
mod limits;
mod pooler;
mod restart;
mod schedule;
mod start;
mod support;
mod tidy;
mod transactional;
mod ui;
