//! A token bucket per subject.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use durable_fs::Clock;

/// Requests per second in the long run.
pub(crate) const RATE: f64 = 10.0;
/// Requests at once after a pause.
const BURST: f64 = 50.0;
/// Subjects that are remembered; beyond it full buckets are forgotten, which changes nothing for them.
const CAPACITY: usize = 1_024;

/// Buckets of all subjects.
pub(crate) struct Buckets {
    clock: Arc<dyn Clock>,
    levels: Mutex<HashMap<String, Level>>,
}

struct Level {
    tokens: f64,
    at: Duration,
}

impl Buckets {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, levels: Mutex::default() }
    }

    /// Takes one token of `subject`; `false` when there is none.
    pub(crate) fn take(&self, subject: &str) -> bool {
        let now = self.clock.monotonic();
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        if levels.len() >= CAPACITY && !levels.contains_key(subject) {
            levels.retain(|_, level| level.filled(now) < BURST);
            if levels.len() >= CAPACITY {
                return false;
            }
        }
        let fresh = Level { tokens: BURST, at: now };
        let level = levels.entry(subject.to_owned()).or_insert(fresh);
        let tokens = level.filled(now);
        *level = Level { tokens: if tokens >= 1.0 { tokens - 1.0 } else { tokens }, at: now };
        tokens >= 1.0
    }
}

impl Level {
    fn filled(&self, now: Duration) -> f64 {
        (now.saturating_sub(self.at).as_secs_f64().mul_add(RATE, self.tokens)).min(BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable_fs::ManualClock;

    #[test]
    fn a_burst_is_served_then_the_rate() {
        let clock = Arc::new(ManualClock::default());
        let buckets = Buckets::new(clock.clone());
        let taken = (0..100).filter(|_| buckets.take("ada")).count();
        assert_eq!(taken, 50);
        assert!(buckets.take("bob"), "subjects do not share");
        clock.advance(Duration::from_millis(500));
        let taken = (0..100).filter(|_| buckets.take("ada")).count();
        assert_eq!(taken, 5);
    }

    #[test]
    fn the_number_of_subjects_is_bounded() {
        let clock = Arc::new(ManualClock::default());
        let buckets = Buckets::new(clock.clone());
        let admitted = (0..2 * CAPACITY).filter(|n| buckets.take(&n.to_string())).count();
        assert_eq!(admitted, CAPACITY);
        clock.advance(Duration::from_secs(1));
        assert!(buckets.take("late"), "full buckets make room");
    }
}
