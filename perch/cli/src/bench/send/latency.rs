//! Latencies in buckets that are never more than 1/64 off.

use std::time::Duration;

/// Buckets per power of two; below it every microsecond has one of its own.
const STEPS: u64 = 64;

/// How long requests took.
#[derive(Debug, Clone, Default)]
pub(super) struct Latencies {
    counts: Vec<u64>,
    n: u64,
    longest: Duration,
}

impl Latencies {
    /// Records one.
    pub(super) fn record(&mut self, took: Duration) {
        let bucket = bucket(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.n += 1;
        self.longest = self.longest.max(took);
    }

    /// Takes all of `other` in.
    pub(super) fn merge(&mut self, other: &Self) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        self.n += other.n;
        self.longest = self.longest.max(other.longest);
    }

    /// The latency that `per_mille` of 1 000 requests did not pass; none without requests.
    pub(super) fn quantile(&self, per_mille: u64) -> Option<Duration> {
        let rank = (self.n * per_mille).div_ceil(1000).max(1);
        let mut sum = 0;
        let at = self.counts.iter().position(|n| {
            sum += n;
            sum >= rank
        })?;
        Some(Duration::from_micros(upper(at as u64)).min(self.longest))
    }

    /// The longest.
    pub(super) fn longest(&self) -> Option<Duration> {
        (self.n > 0).then_some(self.longest)
    }
}

fn bucket(micros: u64) -> usize {
    let bits = 64 - micros.leading_zeros();
    let shift = u64::from(bits.saturating_sub(STEPS.ilog2() + 1));
    usize::try_from(shift * STEPS + (micros >> shift)).unwrap_or(usize::MAX)
}

/// The largest number of microseconds in a bucket.
fn upper(bucket: u64) -> u64 {
    let shift = (bucket / STEPS).saturating_sub(1);
    let step = bucket - shift * STEPS;
    ((step + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_is_near_what_it_holds(micros in 0_u64..1 << 40) {
            let top = upper(bucket(micros) as u64);
            prop_assert!(top >= micros && top - micros <= micros / STEPS, "{} → {}", micros, top);
            prop_assert!(bucket(top) == bucket(micros) && bucket(top + 1) > bucket(micros));
        }
    }

    #[test]
    fn quantiles_of_a_hundred() {
        let (mut all, mut half) = (Latencies::default(), Latencies::default());
        for ms in 1..=100 {
            let into = if ms % 2 == 0 { &mut all } else { &mut half };
            into.record(Duration::from_millis(ms));
        }
        all.merge(&half);
        let near = |per_mille, ms: u64| {
            let found = all.quantile(per_mille).unwrap().as_secs_f64() * 1000.0;
            assert!((found / ms as f64 - 1.0).abs() < 0.02, "{per_mille}: {found} ms");
        };
        near(500, 50);
        near(990, 99);
        near(1000, 100);
        assert_eq!(all.longest(), Some(Duration::from_millis(100)));
        assert_eq!(Latencies::default().quantile(500), None);
    }
}
