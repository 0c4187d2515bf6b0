//! How often a registry is asked again, and when.
//!
//! Everything that is sent or fetched counts its failures in the same way: those in a row, since whatever arrived last. So a
//! large layer gets through a bad connection however often it breaks, and a registry that does nothing is given up soon.

use std::time::Duration;

/// The longest wait that a registry may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often a registry is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often something is tried without any progress.
    pub attempts: u32,
    /// The pause after the first failure; each further one is twice as long.
    pub first_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 6, first_pause: Duration::from_millis(250) }
    }
}

/// The attempts at one thing.
#[derive(Debug)]
pub(super) struct Retry {
    policy: RetryPolicy,
    failures: u32,
}

impl Retry {
    pub(super) fn new(policy: RetryPolicy) -> Self {
        Self { policy, failures: 0 }
    }

    /// There was progress: the failures before it count no more.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure and waits before the next attempt, as long as the registry has asked for, or longer after every
    /// failure. False, at once, when this was the last attempt.
    pub(super) fn again(&mut self, asked_for: Option<Duration>) -> bool {
        self.failures += 1;
        if self.failures >= self.policy.attempts {
            return false;
        }
        self.pause(asked_for);
        true
    }

    /// Waits, and counts nothing.
    pub(super) fn pause(&self, asked_for: Option<Duration>) {
        let doublings = self.failures.saturating_sub(1).min(16);
        let pause = asked_for.unwrap_or_else(|| self.policy.first_pause.saturating_mul(1 << doublings));
        std::thread::sleep(pause.min(LONGEST_PAUSE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_without_progress_are_counted() {
        let mut retry = Retry::new(RetryPolicy { attempts: 3, first_pause: Duration::ZERO });
        assert_eq!([(); 3].map(|()| retry.again(None)), [true, true, false]);
        retry.reset();
        assert_eq!([(); 3].map(|()| retry.again(Some(Duration::ZERO))), [true, true, false]);
        let mut once = Retry::new(RetryPolicy { attempts: 1, first_pause: Duration::from_secs(3600) });
        assert!(!once.again(None));
    }
}
