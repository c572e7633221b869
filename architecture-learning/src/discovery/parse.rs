//! Goes through all sources of a codebase, on one thread for a step of the pipeline and on several for a person who waits.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::LearningError;
use crate::observer::Observer;

/// `read` of each of so many files by its place, in order. With one thread the observer is asked before each.
pub(super) fn each<P, T: Send>(
    (files, codebase): (usize, &str),
    threads: usize,
    observer: &mut dyn Observer,
    parser: impl Fn() -> Result<P, LearningError> + Sync,
    read: impl Fn(&mut P, usize) -> T + Sync,
) -> Result<Vec<T>, LearningError> {
    if threads > 1 {
        return side_by_side(files, threads, parser, read);
    }
    let mut parser = parser()?;
    let mut done = Vec::with_capacity(files);
    for file in 0..files {
        if observer.cancelled() {
            return Err(LearningError::Cancelled);
        }
        observer.progress(file, files, codebase);
        done.push(read(&mut parser, file));
    }
    Ok(done)
}

fn side_by_side<P, T: Send>(
    files: usize,
    threads: usize,
    parser: impl Fn() -> Result<P, LearningError> + Sync,
    read: impl Fn(&mut P, usize) -> T + Sync,
) -> Result<Vec<T>, LearningError> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut parser = parser()?;
        let mut done = Vec::new();
        while let Some(file) =
            Some(next.fetch_add(1, Ordering::Relaxed)).filter(|file| *file < files)
        {
            done.push((file, read(&mut parser, file)));
        }
        Ok(done)
    };
    let parts: Result<Vec<_>, LearningError> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut parsed: Vec<_> = parts?.into_iter().flatten().collect();
    parsed.sort_by_key(|(file, _)| *file);
    Ok(parsed.into_iter().map(|(_, parsed)| parsed).collect())
}
