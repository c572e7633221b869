//! How long work tells what it does and hears that it should stop.

/// Progress out, cancellation in. Called from the thread that does the work, often: keep it cheap.
pub trait Observer {
    /// `done` of `total` units are behind; `note` is a few words for a person.
    fn progress(&mut self, done: usize, total: usize, note: &str);

    /// Whether the work should stop at the next point where it can go on from later.
    fn cancelled(&self) -> bool {
        false
    }
}

/// An observer for those who do not look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn progress(&mut self, _done: usize, _total: usize, _note: &str) {}
}
