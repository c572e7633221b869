//! The last log lines of each attempt, kept in memory. Which of them are written down is the worker's to say.
//!
//! The layer finds the lines of an attempt through the span `step` that its code runs in: the worker hands them over while
//! it makes the span. Where no layer listens nothing is kept.

#[cfg(feature = "logs")]
mod layer;

use std::{
    cell::RefCell,
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use crate::redact::Secrets;

#[cfg(feature = "logs")]
pub use layer::logs;

/// Somebody listens in this process.
static LISTENING: AtomicBool = AtomicBool::new(false);

thread_local! {
    static HANDED: RefCell<Option<Arc<Tail>>> = const { RefCell::new(None) };
}

/// The last lines of an attempt.
#[derive(Debug)]
pub(crate) struct Tail {
    #[cfg_attr(not(feature = "logs"), expect(dead_code, reason = "the layer writes lines"))]
    since: Instant,
    kept: Mutex<Kept>,
    #[cfg_attr(not(feature = "logs"), expect(dead_code, reason = "the layer writes lines"))]
    hidden: Secrets,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<String>,
    bytes: usize,
    said: u64,
}

impl Tail {
    fn new(hidden: Secrets) -> Self {
        Self { since: Instant::now(), kept: Mutex::default(), hidden }
    }

    /// An empty one that begins now, and keeps none of what is hidden; `None` where nobody listens.
    pub fn begin(hidden: &Secrets) -> Option<Arc<Self>> {
        let listening = LISTENING.load(Ordering::Relaxed);
        listening.then(|| Arc::new(Self::new(hidden.clone())))
    }

    /// How many lines were said, and the last of them.
    pub fn so_far(&self) -> (u64, String) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::with_capacity(kept.bytes);
        for line in &kept.lines {
            if !text.is_empty() {
                text.push('\n');
            }
            text += line;
        }
        (kept.said, text)
    }
}

/// Makes a span whose lines go to `tail`.
pub(crate) fn heard_by<T>(tail: Option<&Arc<Tail>>, make: impl FnOnce() -> T) -> T {
    let Some(tail) = tail else { return make() };
    HANDED.set(Some(tail.clone()));
    let made = make();
    HANDED.take();
    made
}
