//! The words of documentation: prose, without its examples.

use std::collections::HashMap;

/// Consecutive documentation.
#[derive(Default)]
pub(super) struct Prose<'t> {
    words: Vec<&'t str>,
    /// Whether it stands in what it tells of, as `//!` does.
    inner: bool,
    example: bool,
}

impl<'t> Prose<'t> {
    /// Adds a comment if it documents.
    pub(super) fn add(&mut self, comment: &'t str) {
        let outer = |mark: &str, longer: &str| {
            comment.strip_prefix(mark).filter(|_| !comment.starts_with(longer))
        };
        let inner = comment.strip_prefix("//!").or_else(|| comment.strip_prefix("/*!"));
        let Some(text) = inner.or_else(|| outer("///", "////")).or_else(|| outer("/**", "/***"))
        else {
            return;
        };
        self.inner |= inner.is_some();
        for line in text.lines() {
            let line = line.trim_start().trim_start_matches('*').trim_start();
            if line.starts_with("```") || line.starts_with("~~~") {
                self.example = !self.example;
            } else if !self.example {
                let words = line.split(|c: char| !c.is_alphanumeric());
                self.words.extend(words.filter(|word| word.len() > 1));
            }
        }
    }

    /// Counts what was added, but for what tells of a test, and forgets it.
    pub(super) fn count(&mut self, test: bool, counts: &mut HashMap<&'t str, u32>) {
        let Self { words, inner, .. } = std::mem::take(self);
        for word in words.into_iter().filter(|_| inner || !test) {
            *counts.entry(word).or_default() += 1;
        }
    }
}
