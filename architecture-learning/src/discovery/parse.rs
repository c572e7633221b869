//! Parses all sources of a codebase, on one thread for a step of the pipeline and on several for a person who waits.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::syntax::{Parsed, Syntax};
use crate::LearningError;
use crate::codebase::Codebase;
use crate::observer::Observer;

/// The parse of each text, in order. With one thread the observer is asked before each.
pub(super) fn parse(
    texts: &[&str],
    threads: usize,
    codebase: &Codebase,
    observer: &mut dyn Observer,
) -> Result<Vec<Parsed>, LearningError> {
    if threads > 1 {
        return side_by_side(texts, threads, codebase, Syntax::parse);
    }
    let mut syntax = syntax(codebase)?;
    let mut parsed = Vec::with_capacity(texts.len());
    for (done, text) in texts.iter().enumerate() {
        if observer.cancelled() {
            return Err(LearningError::Cancelled);
        }
        observer.progress(done, texts.len(), &codebase.name);
        parsed.push(syntax.parse(text));
    }
    Ok(parsed)
}

/// Makes the trees and reads nothing from them.
pub(super) fn trees_alone(
    texts: &[&str],
    threads: usize,
    codebase: &Codebase,
) -> Result<(), LearningError> {
    side_by_side(texts, threads, codebase, Syntax::tree_alone).map(drop)
}

/// `parse` of each text, in order.
fn side_by_side<T: Send>(
    texts: &[&str],
    threads: usize,
    codebase: &Codebase,
    parse: impl Fn(&mut Syntax, &str) -> T + Sync,
) -> Result<Vec<T>, LearningError> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut syntax = syntax(codebase)?;
        let mut done = Vec::new();
        while let Some((i, text)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, *texts.get(i)?)))
        {
            done.push((i, parse(&mut syntax, text)));
        }
        Ok(done)
    };
    let parts: Result<Vec<_>, LearningError> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut parsed: Vec<_> = parts?.into_iter().flatten().collect();
    parsed.sort_by_key(|(i, _)| *i);
    Ok(parsed.into_iter().map(|(_, parsed)| parsed).collect())
}

fn syntax(codebase: &Codebase) -> Result<Syntax, LearningError> {
    Syntax::new().ok_or_else(|| LearningError::damaged(&codebase.root, "no grammar for Rust"))
}
