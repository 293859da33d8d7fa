//! Log lines that may come often and are let through seldom.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A line of the same kind is let through once in this time; the others are counted.
const EVERY: Duration = Duration::from_secs(10);

/// Lets one line in ten seconds through.
#[derive(Debug, Default)]
pub(super) struct Sampler(Mutex<(Option<Duration>, u64)>);

impl Sampler {
    /// Whether to write a line at monotonic time `now`, and how many were left out before it.
    pub(super) fn pass(&self, now: Duration) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0.is_some_and(|last| now.saturating_sub(last) < EVERY) {
            state.1 += 1;
            return None;
        }
        state.0 = Some(now);
        Some(std::mem::take(&mut state.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_one_through_and_counts_the_rest() {
        let sampler = Sampler::default();
        let at = |s| sampler.pass(Duration::from_secs(s));
        assert_eq!([at(1), at(2), at(10), at(11), at(12)], [Some(0), None, None, Some(2), None]);
    }
}
