//! The body language: what a plain call gives, the derived graph gives too.

mod forms;
