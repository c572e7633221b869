//! Whether a failed attempt is followed by another, and when.

use std::time::Duration;

use crate::{
    definition::{RETRY_DELAY_CAP_MS, TaskOptions},
    failure::Failure,
};

/// How much of a delay is left to chance, so that what failed together does not come back together.
const JITTER: f64 = 0.2;

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Attempts after the first.
    pub retries: u32,
    /// Delay before the first retry.
    pub initial: Duration,
    /// What the delay is multiplied by each time.
    pub factor: f64,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Another attempt after this delay.
    Retry(Duration),
    /// This failure is final.
    Last,
}

impl RetryPolicy {
    /// Decides after the `tries`-th try (from 1). Attempts that a dead worker lost are no tries.
    /// `chance` in [0, 1) spreads the delay by ±20 %.
    pub fn decide(&self, failure: &Failure, tries: u32, chance: f64) -> Decision {
        if !failure.retryable || tries > self.retries {
            Decision::Last
        } else {
            Decision::Retry(self.delay(tries, chance))
        }
    }

    /// initial · factor^(tries − 1), capped at five minutes, spread by ±20 %; never overflows.
    pub fn delay(&self, tries: u32, chance: f64) -> Duration {
        let cap = Duration::from_millis(RETRY_DELAY_CAP_MS).as_secs_f64();
        let exponent = i32::try_from(tries.saturating_sub(1)).unwrap_or(i32::MAX);
        let plain = self.initial.as_secs_f64() * self.factor.max(1.0).powi(exponent);
        let spread = 1.0 + JITTER * (2.0 * chance - 1.0);
        // `min` also turns an infinite product into the cap
        Duration::from_secs_f64(plain.min(cap) * spread)
    }
}

impl From<&TaskOptions> for RetryPolicy {
    fn from(options: &TaskOptions) -> Self {
        Self {
            retries: options.retries,
            initial: Duration::from_millis(options.retry_delay_ms),
            factor: options.backoff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureKind;
    use proptest::prelude::*;

    const POLICY: RetryPolicy =
        RetryPolicy { retries: 3, initial: Duration::from_secs(5), factor: 2.0 };

    fn failed() -> Failure {
        Failure::new("s", FailureKind::Failed, "no")
    }

    #[test]
    fn three_retries_are_four_tries_with_doubled_delays() {
        let seconds: Vec<u64> = (1..=3).map(|t| POLICY.delay(t, 0.5).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20]);
        assert!(matches!(POLICY.decide(&failed(), 3, 0.5), Decision::Retry(_)));
        assert_eq!(POLICY.decide(&failed(), 4, 0.5), Decision::Last);
    }

    #[test]
    fn a_non_retryable_failure_is_final_at_once() {
        assert_eq!(POLICY.decide(&failed().fatal(), 1, 0.5), Decision::Last);
        assert_eq!(
            POLICY.decide(&Failure::new("s", FailureKind::Lost, "x"), 1, 0.5),
            Decision::Last
        );
    }

    proptest! {
        #[test]
        fn a_delay_is_capped_and_never_overflows(tries in any::<u32>(), ms in any::<u32>(), factor in 0.0..1e300f64, chance in 0.0..1.0f64) {
            let policy = RetryPolicy { retries: u32::MAX, initial: Duration::from_millis(ms.into()), factor };
            prop_assert!(policy.delay(tries, chance) <= Duration::from_millis(RETRY_DELAY_CAP_MS).mul_f64(1.2));
        }
    }
}
