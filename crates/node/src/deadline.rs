//! By when an operation has to be finished.

use std::time::{Duration, Instant};

/// A point in time after which waiting ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// This long from now.
    pub fn after(duration: Duration) -> Self {
        let now = Instant::now();
        // A century is as good as what cannot be counted.
        Self(now.checked_add(duration).unwrap_or_else(|| now + Duration::from_secs(100 * 365 * 86_400)))
    }

    /// What is left of it; `None` when it has passed.
    pub fn remaining(self) -> Option<Duration> {
        self.0.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}
