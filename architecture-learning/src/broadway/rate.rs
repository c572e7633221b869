//! So many messages per interval.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Messages allowed per interval. Clones share it, also those of other consumers of the process.
#[derive(Clone, Debug)]
pub struct RateLimit(Arc<Mutex<Window>>);

#[derive(Debug)]
struct Window {
    allowed: usize,
    interval: Duration,
    left: usize,
    began: Instant,
}

/// Messages that may be read now.
#[derive(Debug)]
pub(super) struct Allowance {
    pub messages: usize,
    interval: Instant,
}

impl RateLimit {
    /// `allowed` messages in each `interval`.
    pub fn new(allowed: usize, interval: Duration) -> Self {
        let window = Window { allowed, interval, left: allowed, began: Instant::now() };
        Self(Arc::new(Mutex::new(window)))
    }

    /// Another number from the next interval on.
    pub fn set(&self, allowed: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).allowed = allowed;
    }

    /// How many of `wanted` may be read now; these are used up, but for what is given back.
    pub(super) fn take(&self, wanted: usize) -> Allowance {
        self.take_at(wanted, Instant::now())
    }

    /// So many of them were not there to be read.
    pub(super) fn give_back(&self, allowance: &Allowance, unused: usize) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began == allowance.interval {
            window.left += unused;
        }
    }

    fn take_at(&self, wanted: usize, now: Instant) -> Allowance {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(window.began) >= window.interval {
            (window.began, window.left) = (now, window.allowed);
        }
        let taken = wanted.min(window.left);
        window.left -= taken;
        Allowance { messages: taken, interval: window.began }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_gives_what_is_allowed_to_all_who_share_it() {
        let rate = RateLimit::new(10, Duration::from_secs(1));
        let now = Instant::now();
        assert_eq!(rate.take_at(7, now).messages, 7);
        let last = rate.clone().take_at(7, now);
        assert_eq!(last.messages, 3);
        rate.set(2);
        assert_eq!(rate.take_at(7, now).messages, 0);
        rate.give_back(&last, 1);
        assert_eq!(rate.take_at(7, now).messages, 1, "what was not read is allowed again");
        let next = now + Duration::from_secs(1);
        assert_eq!(rate.take_at(7, next).messages, 2);
        rate.give_back(&last, 1);
        assert_eq!(
            rate.take_at(7, next).messages,
            0,
            "an interval gives no more for what another left"
        );
    }
}
