//! The behaviour of pgflow from outside, in one binary.

mod embedded;
mod language;
